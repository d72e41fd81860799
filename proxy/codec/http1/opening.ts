/**
 * Whether a connection opens as an HTTP/1 client would (RFC 9112 section 3): asked where anything
 * may be spoken. It does not judge the request: what some server might read as HTTP is HTTP here, so
 * that who speaks it badly is refused by it and does not slip through as bytes.
 */
import { CR, HTAB, LF, NINE, SP, TOKEN, ZERO } from './bytes.ts';

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
const SLASH = 0x2f;
const ASTERISK = 0x2a;
const DOT = 0x2e;

/**
 * Of bytes [start, end), the first of a connection. "more": the bytes may yet become a request line.
 *
 *   known method, no method byte ─> yes      a text byte … "HTTP/" … LF ─> yes      else ─> no
 */
export function opensHttp1(bytes: Buffer, start: number, end: number): 'yes' | 'no' | 'more' {
  const from = afterEmptyLines(bytes, start, end);
  let at = afterToken(bytes, from, end);
  if (at === end) return end - start > LINE_BYTES_MAX ? 'no' : 'more';
  if (isKnown(bytes, from, at)) return namesAnother(bytes, at, end) ? 'no' : 'yes';
  if (!isText(bytes[from]!)) return 'no';
  while (at < end && bytes[at] !== LF && bytes[at] !== NUL) at++;
  if (at === end) return end - start > LINE_BYTES_MAX ? 'no' : 'more';
  return bytes[at] === LF && bytes.subarray(from, at).includes(VERSION) ? 'yes' : 'no';
}

/**
 * What bytes are of which `opensHttp1` says "more", when the rest of the line is long in coming.
 * "line": a method, a space, and a target as clients send it to servers (RFC 9112 section 3.2):
 * nothing else begins so. "method": the first letters of a known method, and of words of other
 * protocols. "any": neither.
 */
export function openingSoFar(bytes: Buffer, start: number, end: number): 'line' | 'method' | 'any' {
  const from = afterEmptyLines(bytes, start, end);
  const at = afterToken(bytes, from, end);
  const letters = at - from;
  if (letters === 0) return 'any';
  if (at === end) {
    const isStart = (method: Buffer): boolean =>
      letters <= method.length && bytes.compare(method, 0, letters, from, at) === 0;
    return KNOWN.some(isStart) ? 'method' : 'any';
  }
  if (bytes[at] !== SP || at + 1 === end) return 'any';
  const target = bytes[at + 1];
  return target === SLASH || target === ASTERISK ? 'line' : 'any';
}

/** The first byte that a method cannot have. */
function afterToken(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && TOKEN[bytes[at]!] === 1) at++;
  return at;
}

/** Byte by byte: it is asked of each connection, and a call of Node's costs more than all of them. */
function isKnown(bytes: Buffer, from: number, to: number): boolean {
  for (const method of KNOWN) {
    if (method.length === to - from && endsWith(bytes, from, to, method)) return true;
  }
  return false;
}

/** Whether bytes [from, to) end with `word`. */
function endsWith(bytes: Buffer, from: number, to: number, word: Buffer): boolean {
  const start = to - word.length;
  if (start < from) return false;
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return false;
  return true;
}

/**
 * RTSP and SIP share OPTIONS, and the form of the line: a whole one says what it is, as HTTP's does,
 * with a version of two digits behind the name.
 */
function namesAnother(bytes: Buffer, start: number, end: number): boolean {
  const stop = Math.min(end, start + LINE_BYTES_MAX);
  let at = start;
  while (at < stop && bytes[at] !== LF) at++;
  if (at === stop) return false;
  if (bytes[at - 1] === CR) at--;
  if (!isDigit(bytes[at - 1]) || bytes[at - 2] !== DOT || !isDigit(bytes[at - 3])) return false;
  return OTHERS.some((name) => endsWith(bytes, start, at - 3, name));
}

const OTHERS = [' RTSP/', ' SIP/'].map((name) => Buffer.from(name, 'latin1'));

const isDigit = (byte: number | undefined): boolean =>
  byte !== undefined && byte >= ZERO && byte <= NINE;

const isText = (byte: number): boolean =>
  (byte >= FIRST_VISIBLE && byte <= LAST_VISIBLE) || byte === HTAB;

/** A client may put an empty line before its request (RFC 9112 section 2.2). */
function afterEmptyLines(bytes: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && (bytes[at] === CR || bytes[at] === LF)) at++;
  return at;
}
