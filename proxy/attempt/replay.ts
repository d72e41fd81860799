/**
 * What of a request may have to be sent again: its body as far as it is held, and whose credit has been
 * returned for it. The body is held before there is a stream; while it is sent, as long as another
 * attempt may follow and it is short (exchange.ts says which attempts may).
 *
 *   waiting ─begin─> holding ─ too long, or an answer begins ─> let go
 *                      └─ another attempt ─again─> sent anew, its credit swallowed: it was returned
 */
import { limits } from '../limits.ts';
import type { UpstreamStream } from '../model/exchange.ts';
import { type Head, TUNNEL_NONE } from '../model/head.ts';
import { HeldBody } from './held-body.ts';
import { isIdempotent } from './idempotent.ts';

/** Of one exchange at a time; used again with it. */
export class Replay {
  /** All of the body so far is held, for it may have to be sent again. */
  holding = false;
  readonly #held = new HeldBody();
  /** So may what was perhaps processed. */
  #replayable = false;
  #replayed = false;
  #credited = 0;
  /** Credit for bytes that are sent a second time: it was returned before. */
  #swallow = 0;

  /** What was perhaps processed may be sent again, once. */
  get mayRepeat(): boolean {
    return this.holding && this.#replayable;
  }

  // HOT: per exchange. The request goes to `stream`: what comes before `sendTo` waits.
  begin(stream: UpstreamStream, head: Head): void {
    const idempotent = head.tunnel === TUNNEL_NONE && isIdempotent(head);
    this.#replayable = stream.served > 0 && !this.#replayed && idempotent;
    this.holding = this.#replayable || stream.protocol === 'http2';
  }

  /** Gives the stream what has come so far. */
  sendTo(stream: UpstreamStream): void {
    this.#held.replayTo(stream);
  }

  /** What came before there was a stream was bounded by its credit, which it has from here on. */
  sent(): void {
    if (!this.holding || this.#held.length > limits.replayBytesMax) this.letGo();
  }

  /** There is no stream yet. */
  wait(bytes: Buffer, start: number, end: number): void {
    this.#held.add(bytes, start, end);
  }

  // HOT: per frame. The bytes are sent.
  hold(bytes: Buffer, start: number, end: number): void {
    if (!this.holding) return;
    if (this.#held.length + end - start <= limits.replayBytesMax) {
      this.#held.add(bytes, start, end);
    } else this.letGo();
  }

  addTrailers(trailers: Head): void {
    this.#held.addTrailers(trailers);
  }

  /** What was sent will not be sent again. */
  letGo(): void {
    this.holding = false;
    this.#replayable = false;
    this.#held.clear();
  }

  /** Another attempt follows one that nobody processed. */
  again(): void {
    this.#swallow = this.#credited;
  }

  /** It follows one that was perhaps processed. */
  repeat(): void {
    this.#replayed = true;
    this.again();
  }

  // HOT: per frame. Of `bytes` of credit, those that the downstream has not had.
  credit(bytes: number): number {
    const again = Math.min(bytes, this.#swallow);
    this.#swallow -= again;
    this.#credited += bytes - again;
    return bytes - again;
  }

  /** For the next exchange. */
  clear(): void {
    this.letGo();
    this.#replayed = false;
    this.#credited = 0;
    this.#swallow = 0;
  }
}
