/**
 * Writes one message body onto a link, chunked or as it is, and keeps account of the data that has
 * not left: its credit is returned as the kernel takes it.
 */
import {
  BODY_END,
  CHUNK_END,
  CHUNK_HEAD_BYTES_MAX,
  LAST_CHUNK,
  writeChunkHead,
} from '../codec/http1/chunk-writer.ts';
import { writeTrailers } from '../codec/http1/head-writer.ts';
import { limits } from '../limits.ts';
import type { Head } from '../model/head.ts';
import type { Link } from '../transport/link.ts';

/** One direction's writer, used for body after body. */
export class BodyWriter {
  readonly #link: Link;
  #chunked = false;
  #trailersOut = false;
  /** Bytes of earlier messages that leave before this one's. */
  #ahead = 0;
  /** Data bytes that have not left. */
  #owed = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  begin(chunked: boolean): void {
    this.#chunked = chunked;
    this.#trailersOut = false;
    this.#ahead = this.#link.unsentBytes;
    this.#owed = 0;
  }

  // HOT: per frame.
  data(bytes: Buffer, start: number, end: number): void {
    const size = end - start;
    if (size === 0) return;
    this.#owed += size;
    const link = this.#link;
    if (!this.#chunked) return link.write(bytes, start, end);
    const out = link.room(CHUNK_HEAD_BYTES_MAX);
    link.advance(writeChunkHead(out, link.length, size) - link.length);
    link.write(bytes, start, end);
    link.write(CHUNK_END, 0, CHUNK_END.length);
  }

  /** Only a chunked body has a place for trailers; they are left out of others. */
  trailers(trailers: Head): void {
    if (!this.#chunked) return;
    this.#trailersOut = true;
    const link = this.#link;
    link.write(LAST_CHUNK, 0, LAST_CHUNK.length);
    const out = link.room(trailers.length + limits.headGrowthBytesMax);
    link.advance(writeTrailers(out, link.length, trailers) - link.length);
  }

  end(): void {
    if (this.#chunked && !this.#trailersOut) this.#link.write(BODY_END, 0, BODY_END.length);
  }

  /** The message is over: nobody waits for the credit of what has not left. */
  over(): void {
    this.#owed = 0;
  }

  /** The kernel took `bytes` more: how many of them were data whose credit goes back now. */
  sent(bytes: number): number {
    const ours = Math.max(0, bytes - this.#ahead);
    this.#ahead -= bytes - ours;
    if (this.#owed === 0) return 0;
    // Data leaves in proportion to its framing: counted as data, six bytes of a one-byte chunk
    // would return the credit of six.
    const { unsentBytes } = this.#link;
    const left =
      unsentBytes === 0 ? this.#owed : Math.floor((this.#owed * ours) / (ours + unsentBytes));
    this.#owed -= left;
    return left;
  }
}
