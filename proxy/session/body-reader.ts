/**
 * Reads one message body off a link, however it is framed, and hands its data on.
 *
 *   expect(length | chunked | until close) ─> read ... ─> DONE
 *
 * `read` takes bytes as long as the body lasts and returns where it stopped; bytes of an unfinished
 * trailer section are left to the caller, who gives them again with more behind them.
 */
import { ChunkedDecoder } from '../codec/http1/chunked.ts';
import { BODY_CHUNKED, BODY_UNTIL_CLOSE } from '../codec/http1/framing.ts';
import { HEAD_DONE, HEAD_INCOMPLETE, type HeadParser } from '../codec/http1/head-parser.ts';
import { isFramedByTrailers } from '../codec/http1/hop-by-hop.ts';
import { limits } from '../limits.ts';
import type { Head } from '../model/head.ts';
import { giveHeadParser, takeHeadParser } from './head-parsers.ts';

/** Hears what the body carries. */
export interface BodyEvents {
  bodyData(bytes: Buffer, start: number, end: number): void;
  bodyTrailers(trailers: Head): void;
}

type State = 'done' | 'length' | 'chunked' | 'trailers' | 'until-close' | 'invalid';

/** One direction's reader, used for body after body. */
export class BodyReader {
  readonly #events: BodyEvents;
  /** Of trailers. */
  #parser: HeadParser | undefined = undefined;
  #chunked: ChunkedDecoder | undefined = undefined;
  #state: State = 'done';
  #remaining = 0;

  constructor(events: BodyEvents) {
    this.#events = events;
  }

  get done(): boolean {
    return this.#state === 'done';
  }

  /** The framing was broken; nothing at or after the fault was handed on. */
  get invalid(): boolean {
    return this.#state === 'invalid';
  }

  get untilClose(): boolean {
    return this.#state === 'until-close';
  }

  /** `framing`: bytes, BODY_CHUNKED or BODY_UNTIL_CLOSE (codec/http1/framing.ts). */
  expect(framing: number): void {
    if (framing === BODY_CHUNKED) {
      this.#chunked ??= new ChunkedDecoder(limits.chunkExtensionBytesMax);
      this.#chunked.start();
      this.#state = 'chunked';
    } else if (framing === BODY_UNTIL_CLOSE) this.#state = 'until-close';
    else {
      this.#remaining = framing;
      this.#state = framing === 0 ? 'done' : 'length';
    }
  }

  /** The link ended: a body that lasts until then is complete. */
  close(): void {
    this.#state = 'done';
  }

  // HOT: per frame.
  read(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end) {
      const before = at;
      switch (this.#state) {
        case 'length':
          at = this.#length(bytes, at, end);
          break;
        case 'chunked':
          at = this.#chunk(bytes, at, end);
          break;
        case 'trailers':
          at = this.#trailers(bytes, at, end);
          break;
        case 'until-close':
          this.#events.bodyData(bytes, at, end);
          return end;
        default:
          return at;
      }
      if (at === before && this.#state === 'trailers') return at;
    }
    return at;
  }

  #length(bytes: Buffer, at: number, end: number): number {
    const stop = Math.min(end, at + this.#remaining);
    this.#remaining -= stop - at;
    if (this.#remaining === 0) this.#state = 'done';
    this.#events.bodyData(bytes, at, stop);
    return stop;
  }

  #chunk(bytes: Buffer, from: number, end: number): number {
    const chunked = this.#chunked;
    if (chunked === undefined) return from;
    const at = chunked.framing(bytes, from, end);
    if (chunked.invalid) this.#state = 'invalid';
    else if (chunked.done) {
      this.#parser = takeHeadParser('trailers');
      this.#state = 'trailers';
    } else if (at < end) {
      const stop = Math.min(end, at + chunked.remaining);
      chunked.took(stop - at);
      this.#events.bodyData(bytes, at, stop);
      return stop;
    }
    return at;
  }

  #trailers(bytes: Buffer, at: number, end: number): number {
    const parser = this.#parser!;
    const result = parser.parse(bytes, at, end);
    if (result === HEAD_INCOMPLETE) return at;
    this.#parser = undefined;
    const { head } = parser;
    if (result !== HEAD_DONE || isFramedByTrailers(head)) {
      this.#state = 'invalid';
      return at;
    }
    this.#state = 'done';
    const after = at + head.length;
    if (head.fieldCount > 0) this.#events.bodyTrailers(head);
    giveHeadParser(parser);
    return after;
  }
}
