/** Blocks become heads: one for the receiving direction of a connection. */
import type { Head } from '../../model/head.ts';
import type { HeadFault } from './head-reader.ts';

/** What a block is: a head, no head, or bytes that end the connection. */
export type DecodedHead = Head | HeadFault | 'compression-error';

/** The head returned is lent until the next call on any decoder of the thread. */
export class HeadDecoder {
  /** The SETTINGS_HEADER_TABLE_SIZE we announced, once acknowledged. */
  setTableBytesMax(_bytes: number): void {}

  request(_block: Buffer, _start: number, _end: number): DecodedHead {
    return 'compression-error';
  }

  response(_block: Buffer, _start: number, _end: number): DecodedHead {
    return 'compression-error';
  }

  trailers(_block: Buffer, _start: number, _end: number): DecodedHead {
    return 'compression-error';
  }
}
