/**
 * How long a message body is (RFC 9112 section 6.3) and what the connection options say
 * (RFC 9110 section 7.6.1). What two implementations could read differently is refused.
 */
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_TRANSFER_ENCODING,
} from '../../model/field.ts';
import type { Head } from '../../model/head.ts';
import { COMMA, HTAB, NINE, SP, ZERO } from './bytes.ts';

/** Values of a framing result; a value >= 0 is a body of exactly that many bytes. */
export const BODY_CHUNKED = -1;
/** Responses only: the body ends with the connection. */
export const BODY_UNTIL_CLOSE = -2;
export const BODY_MALFORMED = -3;
export const BODY_UNKNOWN_CODING = -4;

/** Digits of the largest length that a double counts exactly, less one. */
const LENGTH_DIGITS_MAX = 15;

/** Framing of a request body: bytes, BODY_CHUNKED, BODY_MALFORMED or BODY_UNKNOWN_CODING. */
export function requestFraming(head: Head): number {
  const coding = head.find(FIELD_TRANSFER_ENCODING);
  const length = head.find(FIELD_CONTENT_LENGTH);
  if (coding !== -1) {
    // HTTP/1.0 knows no transfer-coding: such a message was tampered with (RFC 9112 6.1).
    if (length !== -1 || head.minor === 0) return BODY_MALFORMED;
    return transferCoding(head, coding);
  }
  return length === -1 ? 0 : contentLength(head, length);
}

/** Framing of a final response's body; `headRequest` when it answers HEAD. */
export function responseFraming(head: Head, headRequest: boolean): number {
  const coding = head.find(FIELD_TRANSFER_ENCODING);
  const length = head.find(FIELD_CONTENT_LENGTH);
  if (coding !== -1 && (length !== -1 || head.minor === 0)) return BODY_MALFORMED;
  const framing =
    coding !== -1
      ? transferCoding(head, coding)
      : length !== -1
        ? contentLength(head, length)
        : BODY_UNTIL_CLOSE;
  if (framing === BODY_MALFORMED || framing === BODY_UNKNOWN_CODING) return framing;
  if (headRequest || head.status === 204 || head.status === 304) return 0;
  return framing;
}

/** All Transfer-Encoding lines together must be "chunked", once. */
function transferCoding(head: Head, first: number): number {
  let chunked = 0;
  for (let i = first; i !== -1; i = head.find(FIELD_TRANSFER_ENCODING, i + 1)) {
    for (const part of head.value(i).split(',')) {
      const coding = withoutBlanks(part).toLowerCase();
      if (coding === '') return BODY_MALFORMED;
      // Anything after chunked, and anything that is no coding name, frames nothing we know.
      if (chunked > 0) return BODY_MALFORMED;
      if (coding !== 'chunked') return BODY_UNKNOWN_CODING;
      chunked++;
    }
  }
  return BODY_CHUNKED;
}

/**
 * What all Content-Length lines as of field `first`, which is one, agree on: bytes or
 * BODY_MALFORMED. Equal repeats are one length (RFC 9110 8.6); differing ones are refused.
 */
export function contentLength(head: Head, first: number): number {
  let length = -1;
  for (let i = first; i !== -1; i = head.find(FIELD_CONTENT_LENGTH, i + 1)) {
    const value = lengthValue(head, i);
    if (value < 0 || (length >= 0 && value !== length)) return BODY_MALFORMED;
    length = value;
  }
  return length;
}

/** Value of a Content-Length line; -1 when it is anything but digits: lists, signs, overflow. */
function lengthValue(head: Head, i: number): number {
  const start = head.start + head.valueStart(i);
  const end = head.start + head.valueEnd(i);
  if (end === start || end - start > LENGTH_DIGITS_MAX) return -1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const byte = head.bytes[at] ?? 0;
    if (byte < ZERO || byte > NINE) return -1;
    value = value * 10 + byte - ZERO;
  }
  return value;
}

/** Whether a list field (Connection, TE, Expect …) of the head holds `token`, given lower-case. */
export function hasToken(head: Head, id: number, token: string): boolean {
  for (let i = head.find(id); i !== -1; i = head.find(id, i + 1)) {
    const end = head.start + head.valueEnd(i);
    let at = head.start + head.valueStart(i);
    while (at < end) {
      let stop = at;
      while (stop < end && head.bytes[stop] !== COMMA) stop++;
      let last = stop;
      while (at < last && isBlank(head.bytes[at])) at++;
      while (last > at && isBlank(head.bytes[last - 1])) last--;
      if (equalsIgnoringCase(head.bytes, at, last, token)) return true;
      at = stop + 1;
    }
  }
  return false;
}

/** Whether bytes[start, end) is `token` (lower-case letters, digits, "-"), letter case ignored. */
export function equalsIgnoringCase(
  bytes: Buffer,
  start: number,
  end: number,
  token: string,
): boolean {
  if (end - start !== token.length) return false;
  for (let i = 0; i < token.length; i++) {
    const byte = bytes[start + i] ?? 0;
    const folded = byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte;
    if (folded !== token.charCodeAt(i)) return false;
  }
  return true;
}

/** Lower-case names that Connection lists, beyond the ones every hop removes anyway. */
export function connectionNames(head: Head): ReadonlySet<string> {
  let names: Set<string> | undefined;
  for (let i = head.find(FIELD_CONNECTION); i !== -1; i = head.find(FIELD_CONNECTION, i + 1)) {
    if (isPersistenceOption(head, i)) continue;
    for (const part of head.value(i).split(',')) {
      const name = withoutBlanks(part).toLowerCase();
      if (name !== '' && !ALWAYS_REMOVED.has(name)) (names ??= new Set()).add(name);
    }
  }
  return names ?? NO_NAMES;
}

/** "close" or "keep-alive" alone, the usual values: nothing to take apart. */
function isPersistenceOption(head: Head, i: number): boolean {
  const start = head.start + head.valueStart(i);
  const end = head.start + head.valueEnd(i);
  const length = end - start;
  if (length !== 5 && length !== 10) return false;
  return equalsIgnoringCase(head.bytes, start, end, length === 5 ? 'close' : 'keep-alive');
}

/** OWS alone is trimmed, and in linear time: a regular expression costs the square of its run. */
function withoutBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

const NO_NAMES: ReadonlySet<string> = new Set();
const ALWAYS_REMOVED = new Set(['close', 'keep-alive', 'te', 'upgrade', 'http2-settings']);

/** Whether the name of field `i` is among `names`. */
export function isNamed(head: Head, i: number, names: ReadonlySet<string>): boolean {
  return names.has(head.name(i).toLowerCase());
}

const isBlank = (byte: number | undefined): boolean => byte === SP || byte === HTAB;
