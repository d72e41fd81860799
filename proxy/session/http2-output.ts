/**
 * What an HTTP/2 connection sends. Heads and control frames leave at once; DATA goes as far as
 * three bounds let it, and what they do not let waits in its stream:
 *
 *   data ──> min(stream window, connection window, room below the link's backlog) ──> link
 *     └─ the rest ─> stream.waiting ── pump: streams that could send take turns, a frame each ──> link
 *
 * Credit returns to the source when data enters the link, whose backlog is bounded; what waits keeps
 * its credit, so a stream holds at most one window.
 */
import { FRAME_DATA, FLAG_END_STREAM, FRAME_HEADER_BYTES } from '../codec/http2/frame.ts';
import {
  closeHeaders,
  headersBytes,
  writeFrameHeader,
  writeGoaway,
  writePing,
  writePingAck,
  writeReset,
  writeSettings,
  writeSettingsAck,
  writeWindowUpdate,
} from '../codec/http2/frame-writer.ts';
import { HeadEncoder } from '../codec/http2/head-writer.ts';
import type { Setting } from '../codec/http2/settings.ts';
import { limits } from '../limits.ts';
import { Head } from '../model/head.ts';
import type { Link } from '../transport/link.ts';
import { HeldBytes } from './held-bytes.ts';
import { SendQueue } from './http2-send-queue.ts';
import type { Http2Stream } from './http2-stream.ts';

/** A request's head. */
export const REQUEST = 0;
/** A response's head, also an interim one. */
export const RESPONSE = 1;
/** The field section behind a body. */
export const TRAILERS = 2;
/** What a head is. */
export type HeadRole = typeof REQUEST | typeof RESPONSE | typeof TRAILERS;

/** SETTINGS_INITIAL_WINDOW_SIZE and the connection's window before any frame (RFC 9113 6.9.2). */
export const WINDOW_BYTES_START = 65_535;
/** The largest frame of control: GOAWAY with a sentence. */
const CONTROL_BYTES_MAX = 1_024;
/** Offset of the flags in a frame header. */
const FLAGS_AT = 4;

/** The sending half of a connection. */
export class Http2Output {
  readonly heads = new HeadEncoder();
  /** Bytes of DATA the peer lets the connection send. */
  window = WINDOW_BYTES_START;
  /** Of new streams: the peer's SETTINGS_INITIAL_WINDOW_SIZE. */
  streamWindow = WINDOW_BYTES_START;
  readonly #link: Link;
  /** END_STREAM is among the bytes that leave. */
  readonly #ended: (stream: Http2Stream) => void;
  /** Streams with data that waits and a window for it. */
  readonly #queue = new SendQueue();
  /** The frame written last, while it can still be given END_STREAM. */
  #lastFrame: Buffer | undefined = undefined;
  #lastFrameAt = 0;
  #lastFrameEnd = 0;
  #lastFrameStream = 0;

  constructor(link: Link, ended: (stream: Http2Stream) => void) {
    this.#link = link;
    this.#ended = ended;
  }

  // HOT: per exchange. A head; END_STREAM comes with `end`, trailers have it.
  head(stream: Http2Stream, head: Head, role: HeadRole): void {
    if (role === TRAILERS && stream.waiting !== undefined) {
      stream.trailers = new Head();
      stream.trailers.own(head);
      return;
    }
    stream.moved = true;
    const link = this.#link;
    const out = link.room(
      headersBytes(head.length + limits.headGrowthBytesMax, limits.frameBytesMax),
    );
    const at = link.length;
    const from = at + FRAME_HEADER_BYTES;
    const heads = this.heads;
    const to =
      role === REQUEST
        ? heads.request(out, from, head, stream.carriesHttp1)
        : role === RESPONSE
          ? heads.response(out, from, head, stream.carriesHttp1)
          : heads.trailers(out, from, head, stream.carriesHttp1);
    const ends = role === TRAILERS;
    const stop = closeHeaders(out, at, to - from, stream.id, ends, limits.frameBytesMax);
    link.advance(stop - at);
    if (stream.bodyFollows) this.#lastFrame = undefined;
    else this.#remember(out, at, stop, stream.id);
    if (ends) this.#end(stream);
  }

  // HOT: per frame. Sends what may leave and keeps the rest; returns how many bytes left.
  data(stream: Http2Stream, bytes: Buffer, start: number, end: number): number {
    let at = start;
    if (stream.waiting === undefined) {
      while (at < end) {
        const sent = this.#frame(stream, bytes, at, end);
        if (sent === 0) break;
        at += sent;
      }
    }
    if (at < end) {
      stream.waiting ??= new HeldBytes();
      stream.waiting.add(bytes, at, end);
      this.#enqueue(stream);
    }
    return at - start;
  }

  /** The message is complete; END_STREAM leaves with its last bytes. */
  end(stream: Http2Stream): void {
    if (stream.localEnded) return;
    if (stream.waiting === undefined) this.#writeEnd(stream);
    else stream.ending = true;
  }

  /** `stream` is closed: what waits for it is let go. */
  drop(stream: Http2Stream): void {
    this.#queue.remove(stream);
    stream.waiting = undefined;
    stream.trailers = undefined;
  }

  reset(id: number, code: number): void {
    const out = this.#control();
    this.#link.advance(writeReset(out, this.#link.length, id, code) - this.#link.length);
  }

  /** Returns `bytes` of credit; stream 0 is the connection. */
  windowUpdate(id: number, bytes: number): void {
    const out = this.#control();
    this.#link.advance(writeWindowUpdate(out, this.#link.length, id, bytes) - this.#link.length);
  }

  settings(values: readonly Setting[]): void {
    const out = this.#control();
    this.#link.advance(writeSettings(out, this.#link.length, values) - this.#link.length);
  }

  settingsAck(): void {
    const out = this.#control();
    this.#link.advance(writeSettingsAck(out, this.#link.length) - this.#link.length);
  }

  /** `payload`: eight octets. */
  ping(payload: Buffer): void {
    const out = this.#control();
    this.#link.advance(writePing(out, this.#link.length, payload, 0) - this.#link.length);
  }

  /** Answers a PING with its eight octets at `start`. */
  pingAck(payload: Buffer, start: number): void {
    const out = this.#control();
    this.#link.advance(writePingAck(out, this.#link.length, payload, start) - this.#link.length);
  }

  goaway(lastStream: number, code: number, debug: string): void {
    const out = this.#control();
    const at = this.#link.length;
    this.#link.advance(writeGoaway(out, at, lastStream, code, debug) - at);
  }

  /** The peer lets `stream` send more. Whoever has told all of them calls `pump`. */
  wake(stream: Http2Stream): void {
    if (stream.waiting !== undefined) this.#enqueue(stream);
  }

  /** HOT: per frame. Sends what waits, a frame of each stream in turn. */
  pump(): void {
    const queue = this.#queue;
    while (!queue.empty && this.#room() > 0) this.#sendWaiting(queue.shift()!);
  }

  #sendWaiting(stream: Http2Stream): void {
    const { waiting } = stream;
    if (waiting === undefined) return;
    const sent = this.#frame(stream, waiting.bytes, waiting.start, waiting.end);
    if (sent === 0) return;
    waiting.usedTo(waiting.start + sent);
    if (waiting.length > 0) this.#enqueue(stream);
    else {
      stream.waiting = undefined;
      this.#sendBehind(stream);
    }
    stream.events.streamSent(sent);
  }

  /** What came behind the data that waited. */
  #sendBehind(stream: Http2Stream): void {
    const { trailers } = stream;
    if (trailers === undefined) {
      if (stream.ending) this.#writeEnd(stream);
      return;
    }
    stream.trailers = undefined;
    this.head(stream, trailers, TRAILERS);
  }

  /** Bytes of DATA that connection and link have room for. */
  #room(): number {
    return Math.min(this.window, limits.linkBacklogBytes - this.#link.unsentBytes);
  }

  /** One DATA frame of at most the bounds; returns its data's length, 0 when nothing may leave. */
  #frame(stream: Http2Stream, bytes: Buffer, start: number, end: number): number {
    const size = Math.min(end - start, stream.sendWindow, this.#room(), limits.frameBytesMax);
    if (size <= 0) return 0;
    stream.sendWindow -= size;
    this.window -= size;
    stream.moved = true;
    const link = this.#link;
    const out = link.room(FRAME_HEADER_BYTES + size);
    const at = link.length;
    const from = writeFrameHeader(out, at, size, FRAME_DATA, 0, stream.id);
    bytes.copy(out, from, start, start + size);
    link.advance(from + size - at);
    this.#remember(out, at, from + size, stream.id);
    return size;
  }

  #writeEnd(stream: Http2Stream): void {
    const link = this.#link;
    const last = this.#lastFrame;
    const isLast = last !== undefined && this.#lastFrameStream === stream.id;
    // The slab may have left in between: then it is another, or its end is another.
    if (isLast && link.length === this.#lastFrameEnd && link.room(0) === last) {
      last[this.#lastFrameAt + FLAGS_AT]! |= FLAG_END_STREAM;
    } else {
      const out = link.room(FRAME_HEADER_BYTES);
      const at = link.length;
      link.advance(writeFrameHeader(out, at, 0, FRAME_DATA, FLAG_END_STREAM, stream.id) - at);
    }
    this.#lastFrame = undefined;
    this.#end(stream);
  }

  #end(stream: Http2Stream): void {
    stream.localEnded = true;
    this.#ended(stream);
  }

  #enqueue(stream: Http2Stream): void {
    if (stream.sendWindow > 0) this.#queue.push(stream);
  }

  #remember(frame: Buffer, at: number, end: number, stream: number): void {
    this.#lastFrame = frame;
    this.#lastFrameAt = at;
    this.#lastFrameEnd = end;
    this.#lastFrameStream = stream;
  }

  #control(): Buffer {
    this.#lastFrame = undefined;
    return this.#link.room(CONTROL_BYTES_MAX);
  }
}
