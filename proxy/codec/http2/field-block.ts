/**
 * A field block that did not end with its HEADERS frame, and the CONTINUATION frames that it goes
 * on with (RFC 9113 sections 4.3 and 6.10). Bounded in octets and in frames: nothing of it can be
 * used before it is whole, and others wait.
 */
import { limits } from '../../limits.ts';
import type { Http2Fault } from './error-code.ts';
import { BLOCK_INTERRUPTED, BLOCK_TOO_LONG, TOO_MANY_CONTINUATIONS } from './frame-fault.ts';
import { FLAG_END_HEADERS, FRAME_BYTES_DEFAULT, FRAME_CONTINUATION } from './frame.ts';
import { Gathered } from './gathered.ts';

/**
 * CONTINUATION frames of one block. The largest block we read fills 16 of them; who sends small
 * ones has some room.
 */
const CONTINUATIONS_MAX = 32;
/** Of these, frames that bring nothing and do not end the block. */
const EMPTY_CONTINUATIONS_MAX = 2;
/** A block of this many times the head that we take is not decoded only to be refused. */
const BLOCK_HEADS_MAX = 4;

/** The unfinished block of a connection; there is at most one. */
export class FieldBlock {
  /** What came of it so far. */
  readonly gathered: Gathered = new Gathered();
  /** Whose it is; 0 when there is none. */
  stream = 0;
  endsStream = false;
  #continuations = 0;
  #emptyContinuations = 0;

  /** A block begins whose HEADERS frame did not end it. */
  begin(stream: number, endsStream: boolean): void {
    this.stream = stream;
    this.endsStream = endsStream;
    this.#continuations = 0;
    this.#emptyContinuations = 0;
  }

  /** The connection error that a frame with this header is within the block. */
  faultOf(type: number, length: number, flags: number, stream: number): Http2Fault | undefined {
    if (type !== FRAME_CONTINUATION || stream !== this.stream) return BLOCK_INTERRUPTED;
    const bytesMax = Math.max(BLOCK_HEADS_MAX * limits.headBytesMax, FRAME_BYTES_DEFAULT);
    if (this.gathered.length + length > bytesMax) return BLOCK_TOO_LONG;
    if (++this.#continuations > CONTINUATIONS_MAX) return TOO_MANY_CONTINUATIONS;
    if (length > 0 || (flags & FLAG_END_HEADERS) !== 0) return undefined;
    if (++this.#emptyContinuations > EMPTY_CONTINUATIONS_MAX) return TOO_MANY_CONTINUATIONS;
    return undefined;
  }

  /** The whole block, which is forgotten: `length` first, then this. */
  take(): Buffer {
    this.stream = 0;
    return this.gathered.take();
  }
}
