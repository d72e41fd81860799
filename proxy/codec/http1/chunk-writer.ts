/** Writes chunks (RFC 9112 section 7.1). */
import { CR, LF } from './bytes.ts';

/** Bytes that `writeChunkHead` puts at most: 8 digits and CRLF. */
export const CHUNK_HEAD_BYTES_MAX = 10;
export const CHUNK_END = Buffer.from('\r\n', 'latin1');
/** The last chunk, before trailers or the empty line. */
export const LAST_CHUNK = Buffer.from('0\r\n', 'latin1');
/** The last chunk without trailers. */
export const BODY_END = Buffer.from('0\r\n\r\n', 'latin1');

/** HOT: per frame. Puts the size line of a chunk of `size` (1 to 2^32-1) bytes; returns its end. */
export function writeChunkHead(out: Uint8Array, from: number, size: number): number {
  let at = from;
  let digits = 1;
  for (let rest = size; rest > 15; rest = Math.floor(rest / 16)) digits++;
  for (let shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    const digit = (size >>> shift) & 15;
    out[at++] = digit < 10 ? 0x30 + digit : 0x57 + digit;
  }
  out[at++] = CR;
  out[at++] = LF;
  return at;
}
