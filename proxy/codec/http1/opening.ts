/**
 * Whether a connection opens as an HTTP/1 client would (RFC 9112 section 3): asked where anything
 * may be spoken. It does not judge the request: what some server might read as HTTP is HTTP here, so
 * that who speaks it badly is refused by it and does not slip through as bytes.
 */
import { CR, HTAB, LF, TOKEN } from './bytes.ts';

/** Methods of which one, and a byte behind it that no method has, is enough to know. */
const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'CONNECT',
  'TRACE',
] as const;
const KNOWN = METHODS.map((method) => Buffer.from(method, 'latin1'));
const VERSION = Buffer.from('HTTP/', 'latin1');
/** The first line of something that begins as text; a longer one is no request. */
const LINE_BYTES_MAX = 8_192;
/** In the first bytes of many binary protocols, and in no text. */
const NUL = 0x00;
const FIRST_VISIBLE = 0x20;
const LAST_VISIBLE = 0x7e;

/**
 * Of bytes [start, end), the first of a connection. "more": the bytes may yet become a request line.
 *
 *   known method, no method byte ─> yes      a text byte … "HTTP/" … LF ─> yes      else ─> no
 */
export function opensHttp1(bytes: Buffer, start: number, end: number): 'yes' | 'no' | 'more' {
  const from = afterEmptyLines(bytes, start, end);
  let at = from;
  while (at < end && TOKEN[bytes[at]!] === 1) at++;
  if (at === end) return end - from > LINE_BYTES_MAX ? 'no' : 'more';
  if (KNOWN.some((method) => bytes.compare(method, 0, method.length, from, at) === 0)) {
    return 'yes';
  }
  if (!isText(bytes[from]!)) return 'no';
  while (at < end && bytes[at] !== LF && bytes[at] !== NUL) at++;
  if (at === end) return end - from > LINE_BYTES_MAX ? 'no' : 'more';
  return bytes[at] === LF && bytes.subarray(from, at).includes(VERSION) ? 'yes' : 'no';
}

const isText = (byte: number): boolean =>
  (byte >= FIRST_VISIBLE && byte <= LAST_VISIBLE) || byte === HTAB;

/** A client may put an empty line before its request (RFC 9112 section 2.2). */
function afterEmptyLines(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === CR || bytes[at] === LF)) at++;
  return at;
}
