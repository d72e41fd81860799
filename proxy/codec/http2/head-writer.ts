/** Heads become blocks: one for the sending direction of a connection. */
import type { Head } from '../../model/head.ts';

/** Each writer puts a block into `out` at `at` and returns where it stopped, at most head.length + limits.headGrowthBytesMax later. */
export class HeadEncoder {
  /** The peer's SETTINGS_HEADER_TABLE_SIZE, bytes. */
  setPeerTableBytesMax(_bytes: number): void {}

  request(_out: Buffer, at: number, _head: Head): number {
    return at;
  }

  response(_out: Buffer, at: number, _head: Head): number {
    return at;
  }

  trailers(_out: Buffer, at: number, _head: Head): number {
    return at;
  }
}
