/**
 * Whether a connection opens as an HTTP/1 client would (RFC 9112 section 3): asked where anything
 * may be spoken. It does not judge the request; who speaks HTTP badly is told so by HTTP.
 */
import { CR, LF, SP, TOKEN } from './bytes.ts';

/** Methods of which one, with the space behind it, is enough to know. */
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
const PREFIXES = METHODS.map((method) => Buffer.from(`${method} `, 'latin1'));
/** Longer ones are no method. */
const METHOD_BYTES_MAX = 32;
const VERSION = Buffer.from(' HTTP/', 'latin1');
/** The request line with a method of its own; a longer one is none. */
const LINE_BYTES_MAX = 8_192;

/**
 * Of bytes [start, end), the first of a connection. "more": the bytes may yet become a request line.
 *
 *   known method, SP ─> yes          token, SP … " HTTP/" … LF ─> yes          anything else ─> no
 */
export function opensHttp1(bytes: Buffer, start: number, end: number): 'yes' | 'no' | 'more' {
  const from = afterEmptyLines(bytes, start, end);
  if (from === end) return 'more';
  let at = from;
  while (at < end && TOKEN[bytes[at]!] === 1 && at - from < METHOD_BYTES_MAX) at++;
  if (at === end) return 'more';
  if (bytes[at] !== SP || at === from) return 'no';
  if (PREFIXES.some((prefix) => bytes.compare(prefix, 0, prefix.length, from, at + 1) === 0)) {
    return 'yes';
  }
  const lineEnd = bytes.subarray(at, end).indexOf(LF);
  if (lineEnd === -1) return end - from > LINE_BYTES_MAX ? 'no' : 'more';
  return bytes.subarray(at, at + lineEnd).includes(VERSION) ? 'yes' : 'no';
}

/** A client may put an empty line before its request (RFC 9112 section 2.2). */
function afterEmptyLines(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === CR || bytes[at] === LF)) at++;
  return at;
}
