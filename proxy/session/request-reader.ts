/**
 * The reading half of an HTTP/1.1 server session: heads and bodies, one request at a time.
 *
 *   HEAD ─head─> BODY ─end─> WAIT ─next()─> HEAD …       (no body: HEAD ─> WAIT)
 *                             └─tunnel()─> TUNNEL: no requests any more, but bytes
 *   any ─stop() or a fault─> STOPPED
 *
 * What cannot be used yet (half a head, a pipelined request) is held; the session bounds it by not
 * reading. No byte at or after a fault is handed on.
 */
import { CR, LF } from '../codec/http1/bytes.ts';
import { HEAD_DONE, HEAD_INCOMPLETE, type HeadParser } from '../codec/http1/head-parser.ts';
import type { Head } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';
import { type BodyEvents, BodyReader } from './body-reader.ts';
import { giveHeadParser, takeHeadParser } from './head-parsers.ts';
import { HeldBytes } from './held-bytes.ts';
import { checkRequest, headError } from './http1-request.ts';

/** Hears of requests, in order. */
export interface RequestEvents extends BodyEvents {
  /** Answers pile up unsent: no next request is begun. */
  readonly blocked: boolean;
  /** The first byte of a head came. */
  requestBegun(): void;
  /** A head is complete; `framing` as in codec/http1/framing.ts, or why it is refused. */
  requestHead(head: Head, framing: number | MeshError): void;
  requestComplete(): void;
  /** HOT: per frame. Bytes behind the last request. */
  tunnelData(bytes: Buffer, start: number, end: number): void;
  /** The bytes are no request, or no body of the current one; reading has stopped. */
  requestFault(error: MeshError): void;
}

const HEAD = 0;
const BODY = 1;
const WAIT = 2;
const STOPPED = 3;
const TUNNEL = 4;

/** The reader of one downstream connection. */
export class RequestReader {
  readonly #events: RequestEvents;
  /** Of a head that has begun. */
  #parser: HeadParser | undefined = undefined;
  readonly #body: BodyReader;
  readonly #held = new HeldBytes();
  #state = HEAD;
  #reading = false;

  constructor(events: RequestEvents) {
    this.#events = events;
    this.#body = new BodyReader(events);
  }

  /** Bytes that wait to be used. */
  get held(): number {
    return this.#held.length;
  }

  get inBody(): boolean {
    return this.#state === BODY;
  }

  /** The request is complete; the next one waits for `next`. */
  get waiting(): boolean {
    return this.#state === WAIT;
  }

  /** In the middle of a call of `read` or `resume`. */
  get reading(): boolean {
    return this.#reading;
  }

  get stopped(): boolean {
    return this.#state === STOPPED;
  }

  // HOT: per frame.
  read(bytes: Buffer, start: number, end: number): void {
    const held = this.#held;
    if (held.length > 0 || this.#state === WAIT) {
      held.add(bytes, start, end);
      return this.resume();
    }
    const at = this.#read(bytes, start, end);
    if (at < end && this.#state !== STOPPED) held.add(bytes, at, end);
  }

  /** What was held may be usable now. */
  resume(): void {
    const held = this.#held;
    if (this.#reading || held.length === 0) return;
    const at = this.#read(held.bytes, held.start, held.end);
    if (this.#state === STOPPED) held.clear();
    else held.usedTo(at);
  }

  /** The request and its answer are over; `resume` goes on with what is here of the next one. */
  next(): void {
    this.#state = HEAD;
  }

  /** The request was granted a tunnel: what is held, and whatever comes, is its bytes. */
  tunnel(): void {
    this.#state = TUNNEL;
    this.resume();
  }

  stop(): void {
    this.#state = STOPPED;
    if (!this.#reading) this.#held.clear();
  }

  /** Takes what can be used now and returns where it stopped. */
  #read(bytes: Buffer, start: number, end: number): number {
    this.#reading = true;
    let at = start;
    let before = -1;
    while (at < end && at !== before) {
      before = at;
      if (this.#state === HEAD) at = this.#readHead(bytes, at, end);
      else if (this.#state === BODY) at = this.#readBody(bytes, at, end);
      else if (this.#state === STOPPED) at = end;
      else if (this.#state === TUNNEL) {
        this.#events.tunnelData(bytes, at, end);
        at = end;
      }
    }
    this.#reading = false;
    return at;
  }

  #readHead(bytes: Buffer, from: number, end: number): number {
    let at = from;
    const parser = (this.#parser ??= takeHeadParser('request'));
    if (parser.offset === 0) {
      if (this.#events.blocked) return at;
      // Empty lines before a request are tolerated (RFC 9112 2.2).
      while (at + 1 < end && bytes[at] === CR && bytes[at + 1] === LF) at += 2;
      if (at === end) return at;
      this.#events.requestBegun();
      if (bytes[at] === CR && at + 1 === end) return at;
    }
    const result = parser.parse(bytes, at, end);
    if (result === HEAD_INCOMPLETE) return at;
    this.#parser = undefined;
    if (result !== HEAD_DONE) {
      this.#fault(headError(result));
      return end;
    }
    const { head } = parser;
    const after = at + head.length;
    const framing = checkRequest(head);
    this.#state = framing instanceof MeshError ? STOPPED : BODY;
    this.#body.expect(framing instanceof MeshError ? 0 : framing);
    this.#events.requestHead(head, framing);
    giveHeadParser(parser);
    this.#completeIfDone();
    return after;
  }

  #readBody(bytes: Buffer, from: number, end: number): number {
    const at = this.#body.read(bytes, from, end);
    if (this.#body.invalid) {
      const sentence = 'The request body is malformed.';
      this.#fault(new MeshError('malformed-request', 'downstream', sentence));
      return end;
    }
    this.#completeIfDone();
    return at;
  }

  /** An event may have stopped the reading meanwhile. */
  #completeIfDone(): void {
    if (!this.#body.done || this.#state !== BODY) return;
    this.#state = WAIT;
    this.#events.requestComplete();
  }

  #fault(error: MeshError): void {
    this.#state = STOPPED;
    this.#events.requestFault(error);
  }
}
