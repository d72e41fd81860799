/**
 * The beginning of a request body, kept until a session can take it and, where the request may be
 * replayed, until its answer begins. Bounded before it is sent by the credit that is not returned,
 * afterwards by limits.replayBytesMax: the exchange lets go of more.
 */
import assert from 'node:assert/strict';
import { limits } from '../limits.ts';
import type { RequestSink } from '../model/exchange.ts';
import { Head } from '../model/head.ts';

const NONE = Buffer.alloc(0);
/** Room that is kept for the next body: most bodies of calls fit, and need no new one. */
const KEPT_BYTES_MAX = 2048;

/**
 * What a replay keeps has its credit back already; while the replay waits for its connection a
 * window may come on top of it, and one read behind that before reading stops.
 */
const heldBytesMax = (): number =>
  limits.replayBytesMax + limits.streamWindowBytes + limits.readBytes;

export class HeldBody {
  length = 0;
  #bytes: Buffer = NONE;
  #trailers: Head | undefined = undefined;

  /** Keeps the bytes; more than that in all means that credit was not obeyed: throws. */
  add(bytes: Buffer, start: number, end: number): void {
    const length = this.length + end - start;
    assert(length <= heldBytesMax(), 'a request body came without credit');
    if (length > this.#bytes.length) {
      const room = Buffer.allocUnsafeSlow(Math.min(heldBytesMax(), Math.max(1024, length * 2)));
      this.#bytes.copy(room, 0, 0, this.length);
      this.#bytes = room;
    }
    bytes.copy(this.#bytes, this.length, start, end);
    this.length = length;
  }

  addTrailers(trailers: Head): void {
    this.#trailers = new Head();
    this.#trailers.own(trailers);
  }

  replayTo(sink: RequestSink): void {
    if (this.length > 0) sink.requestData(this.#bytes, 0, this.length);
    if (this.#trailers !== undefined) sink.requestTrailers(this.#trailers);
  }

  clear(): void {
    this.length = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = NONE;
    this.#trailers = undefined;
  }
}
