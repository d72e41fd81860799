/**
 * Field sections become heads (RFC 9113 sections 8.1 to 8.3). The lines of the section stay where they
 * are; a start line is laid before them:
 *
 *   section: |  :method: GET␍␊:path: /␍␊…|    room       |accept: x␍␊|
 *   head:                        |GET / HTTP/1.1␍␊Host: a␍␊accept: x␍␊␍␊|
 *                                ^head.start
 *
 * The line fits: what it adds to method, path and authority is less than the names of these
 * pseudo-fields and the room's gap.
 */
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_COOKIE,
  FIELD_HOST,
  FIELD_KEEP_ALIVE,
  FIELD_ORIG_PROTO,
  FIELD_PROXY,
  FIELD_TE,
  FIELD_TRAILER,
  FIELD_TRANSFER_ENCODING,
  FIELD_UPGRADE,
} from '../../model/field.ts';
import { type Head, ORIG_PROTO_NONE } from '../../model/head.ts';
import { limits } from '../../limits.ts';
import { NINE, TOKEN, VISIBLE, ZERO, putBytes, putText } from '../http1/bytes.ts';
import { BODY_MALFORMED, contentLength, equalsIgnoringCase } from '../http1/framing.ts';
import { isAuthority, isMethod } from '../http1/request-target.ts';
import { joinCookies } from './cookie-crumbs.ts';
import {
  FIELD_AUTHORITY,
  FIELD_METHOD,
  FIELD_PATH,
  FIELD_SCHEME,
  FIELD_STATUS,
} from './hpack/field-id.ts';
import type { FieldSection } from './hpack/field-section.ts';
import { readReason, restoreNames } from './orig-proto-reader.ts';

/**
 * Why a block is no head. "connect" is a well-formed CONNECT, which is not served; "too-large" has
 * more bytes or fields than our limits.
 */
export type HeadFault = 'malformed' | 'connect' | 'too-large' | 'target-too-long';

const METHOD_BYTES_MAX = 64;
const SCHEME_BYTES_MAX = 64;
const VERSION_LINE = ' HTTP/1.1\r\n';
const HOST = 'Host: ';
const STATUS_START = 'HTTP/1.1 ';
const SLASH = 0x2f;
const ASTERISK = 0x2a;
const SWITCHING_PROTOCOLS = 101;

const bit = (id: number): number => 1 << id;
const CONNECTION_SPECIFIC =
  bit(FIELD_CONNECTION) | bit(FIELD_KEEP_ALIVE) | bit(FIELD_TRANSFER_ENCODING) | bit(FIELD_UPGRADE);

/** What frames or routes a message, and so may not stand in its trailers (RFC 9110 section 6.5.1). */
const FRAMING = bit(FIELD_CONTENT_LENGTH) | bit(FIELD_HOST);

/** What nearly no head has, and must be looked at. */
const RARE = CONNECTION_SPECIFIC | bit(FIELD_PROXY) | bit(FIELD_TE);

/** The one value of Content-Length in bytes, -1 without one. */
export function contentLengthOf(head: Head): number | 'malformed' {
  const first = head.find(FIELD_CONTENT_LENGTH);
  if (first === -1) return -1;
  const length = contentLength(head, first);
  return length === BODY_MALFORMED ? 'malformed' : length;
}

/**
 * Whether the next hop may go by the content-length `length` (-1: none): HTTP/1.1 has no place for the
 * trailers of such a body, so one that announces trailers goes on without (RFC 9112 section 7.1.2).
 * A message of HTTP/1 that rode HTTP/2 had none.
 */
export const isLengthKnown = (head: Head, length: number): boolean =>
  length !== -1 && (head.origProto !== ORIG_PROTO_NONE || head.find(FIELD_TRAILER) === -1);

/** Lays the request out in `head`, whose bytes are those of the section. */
// HOT: per exchange.
export function readRequestHead(section: FieldSection, head: Head): HeadFault | undefined {
  const fault = checkFields(section);
  if (fault !== undefined) return fault;
  let method = -1;
  let scheme = -1;
  let path = -1;
  let authority = -1;
  for (let i = 0; i < section.pseudoCount; i++) {
    const id = section.id(i);
    if (id === FIELD_METHOD && method === -1) method = i;
    else if (id === FIELD_SCHEME && scheme === -1) scheme = i;
    else if (id === FIELD_PATH && path === -1) path = i;
    else if (id === FIELD_AUTHORITY && authority === -1) authority = i;
    else return 'malformed';
  }
  if (method === -1 || !isTokenValue(section, method)) return 'malformed';
  if (scheme === -1 || path === -1) {
    const bare = scheme === -1 && path === -1 && authority !== -1;
    return bare && valueIs(section, method, 'CONNECT') ? 'connect' : 'malformed';
  }
  if (section.valueEnd(path) - section.valueStart(path) > limits.targetBytesMax) {
    return 'target-too-long';
  }
  const host = hostField(section, authority);
  if (host === HOST_MALFORMED) return 'malformed';
  head.clear();
  head.minor = 1;
  const authorityBytes =
    authority === -1 ? 0 : section.valueEnd(authority) - section.valueStart(authority);
  const hostLineBytes = host === -1 ? HOST.length + authorityBytes + 2 : 0;
  layRequestLine(section, head, method, path, hostLineBytes);
  if (host === -1) layHost(section, head, authority, authorityBytes);
  addFields(section, head);
  if (host !== -1) {
    if (authority !== -1) replaceHost(section, host, authority);
    const i = host - section.pseudoCount;
    head.authorityStart = head.valueStart(i);
    head.authorityEnd = head.valueEnd(i);
  }
  if (isCarried(section)) head.origProto = restoreNames(section, head);
  if (!readScheme(section, scheme, head)) return 'malformed';
  if (!isTarget(head)) return 'malformed';
  if (!isAuthority(head, head.authorityStart, head.authorityEnd)) return 'malformed';
  return contentLengthOf(head) === 'malformed' ? 'malformed' : undefined;
}

/** Lays the response out in `head`; 101 belongs to HTTP/1.1 (RFC 9113 section 8.6). */
// HOT: per exchange.
export function readResponseHead(section: FieldSection, head: Head): HeadFault | undefined {
  const fault = checkFields(section);
  if (fault !== undefined) return fault;
  if (section.pseudoCount !== 1 || section.id(0) !== FIELD_STATUS) return 'malformed';
  const { bytes } = section;
  const from = section.valueStart(0);
  if (section.valueEnd(0) - from !== 3) return 'malformed';
  let status = 0;
  for (let at = from; at < from + 3; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < ZERO || byte > NINE) return 'malformed';
    status = status * 10 + byte - ZERO;
  }
  if (status < 100 || status === SWITCHING_PROTOCOLS) return 'malformed';
  head.clear();
  head.minor = 1;
  head.status = status;
  const carried = isCarried(section);
  const reason = carried ? readReason(section, status) : '';
  startAt(section, head, STATUS_START.length + 6 + reason.length);
  let at = putText(bytes, head.start, STATUS_START);
  // A long reason reaches back over the digits that came.
  bytes[at++] = ZERO + Math.floor(status / 100);
  bytes[at++] = ZERO + (Math.floor(status / 10) % 10);
  bytes[at++] = ZERO + (status % 10);
  at = putText(bytes, at, ' ');
  if (reason !== '') at = putText(bytes, at, reason);
  putText(bytes, at, '\r\n');
  addFields(section, head);
  if (carried) head.origProto = restoreNames(section, head);
  return contentLengthOf(head) === 'malformed' ? 'malformed' : undefined;
}

/** Lays the trailers out in `head`: lines only. */
// HOT: per exchange.
export function readTrailers(section: FieldSection, head: Head): HeadFault | undefined {
  const fault = checkFields(section);
  if (fault !== undefined) return fault;
  if (section.pseudoCount !== 0 || (section.idBits & FRAMING) !== 0) return 'malformed';
  head.clear();
  startAt(section, head, 0);
  addFields(section, head);
  if (isCarried(section)) head.origProto = restoreNames(section, head);
  return undefined;
}

/** Whether a peer says that the head is one of HTTP/1. */
const isCarried = (section: FieldSection): boolean =>
  (section.idBits & bit(FIELD_ORIG_PROTO)) !== 0;

/** What holds for the fields of every head; the section then has room for a start line. */
function checkFields(section: FieldSection): HeadFault | undefined {
  if (section.tooLarge) return 'too-large';
  if (section.invalid) return 'malformed';
  section.openRoom();
  if ((section.idBits & RARE) !== 0 && isConnectionSpecific(section)) return 'malformed';
  if ((section.idBits & bit(FIELD_COOKIE)) !== 0) {
    let cookies = 0;
    for (let i = section.pseudoCount; i < section.count; i++) {
      if (section.id(i) === FIELD_COOKIE) cookies++;
    }
    if (cookies > 1) joinCookies(section);
  }
  // Behind the last line goes the empty one.
  section.reserve(2);
  return undefined;
}

/** A field of the connection, which HTTP/2 has not (RFC 9113 section 8.2.2). */
function isConnectionSpecific(section: FieldSection): boolean {
  if ((section.idBits & CONNECTION_SPECIFIC) !== 0) return true;
  for (let i = section.pseudoCount; i < section.count; i++) {
    const id = section.id(i);
    const { bytes } = section;
    if (id === FIELD_TE) {
      const start = section.valueStart(i);
      if (!equalsIgnoringCase(bytes, start, section.valueEnd(i), 'trailers')) return true;
    } else if (id === FIELD_PROXY) {
      const start = section.nameStart(i);
      if (equalsIgnoringCase(bytes, start, section.nameEnd(i), 'proxy-connection')) return true;
    }
  }
  return false;
}

const HOST_MALFORMED = -2;

/** The Host field, which must say what :authority says; -1 without one, or HOST_MALFORMED. */
function hostField(section: FieldSection, authority: number): number {
  if ((section.idBits & bit(FIELD_HOST)) === 0) return -1;
  let host = -1;
  for (let i = section.pseudoCount; i < section.count; i++) {
    if (section.id(i) !== FIELD_HOST) continue;
    if (host !== -1) return HOST_MALFORMED;
    host = i;
  }
  if (authority === -1) return host;
  const { bytes } = section;
  const want = bytes.toString('latin1', section.valueStart(authority), section.valueEnd(authority));
  const start = section.valueStart(host);
  return equalsIgnoringCase(bytes, start, section.valueEnd(host), want.toLowerCase())
    ? host
    : HOST_MALFORMED;
}

/** The head begins `length` bytes before the regular lines. */
function startAt(section: FieldSection, head: Head, length: number): void {
  head.bytes = section.bytes;
  head.start = section.regularStart - length;
}

/** Writes "GET /path HTTP/1.1", with room for `hostLineBytes` behind it. */
function layRequestLine(
  section: FieldSection,
  head: Head,
  method: number,
  path: number,
  hostLineBytes: number,
): void {
  const { bytes } = section;
  const methodStart = section.valueStart(method);
  const methodEnd = section.valueEnd(method);
  const pathStart = section.valueStart(path);
  const pathEnd = section.valueEnd(path);
  const line = methodEnd - methodStart + 1 + pathEnd - pathStart + VERSION_LINE.length;
  startAt(section, head, line + hostLineBytes);
  head.methodEnd = methodEnd - methodStart;
  head.targetStart = head.methodEnd + 1;
  head.targetEnd = head.targetStart + pathEnd - pathStart;
  head.pathStart = head.targetStart;
  head.pathEnd = head.targetEnd;
  let at = putBytes(bytes, head.start, bytes, methodStart, methodEnd);
  at = putText(bytes, at, ' ');
  at = putBytes(bytes, at, bytes, pathStart, pathEnd);
  putText(bytes, at, VERSION_LINE);
}

/**
 * Writes the Host line of field `authority` behind the request line; of a request without one (-1)
 * it is empty, as HTTP/1.1 has it (RFC 9112 section 3.2).
 */
function layHost(
  section: FieldSection,
  head: Head,
  authority: number,
  authorityBytes: number,
): void {
  const { bytes } = section;
  const line = head.targetEnd + VERSION_LINE.length;
  head.authorityStart = line + HOST.length;
  head.authorityEnd = head.authorityStart + authorityBytes;
  let at = putText(bytes, head.start + line, HOST);
  if (authorityBytes > 0) {
    at = putBytes(bytes, at, bytes, section.valueStart(authority), section.valueEnd(authority));
  }
  putText(bytes, at, '\r\n');
  const nameEnd = line + HOST.length - 2;
  head.addField(FIELD_HOST, line, nameEnd, head.authorityStart, head.authorityEnd);
}

/** Host says :authority in its own letter case (RFC 9113 section 8.3.1); both are equally long. */
function replaceHost(section: FieldSection, host: number, authority: number): void {
  const { bytes } = section;
  const at = section.valueStart(host);
  putBytes(bytes, at, bytes, section.valueStart(authority), section.valueEnd(authority));
}

/** Adds the regular fields and the empty line, for which there is room. */
function addFields(section: FieldSection, head: Head): void {
  const { start } = head;
  for (let i = section.pseudoCount; i < section.count; i++) {
    head.addField(
      section.id(i),
      section.nameStart(i) - start,
      section.nameEnd(i) - start,
      section.valueStart(i) - start,
      section.valueEnd(i) - start,
    );
    if (section.neverIndexed(i)) head.markNeverIndexed(head.fieldCount - 1);
  }
  head.linesEnd = section.length - start;
  head.length = head.linesEnd + 2;
  putText(section.bytes, section.length, '\r\n');
}

/** Fills `head.scheme`; false when it is none (RFC 3986 section 3.1). */
function readScheme(section: FieldSection, i: number, head: Head): boolean {
  if (valueIs(section, i, 'http')) return true;
  const start = section.valueStart(i);
  const end = section.valueEnd(i);
  if (end - start > SCHEME_BYTES_MAX) return false;
  const scheme = section.bytes.toString('latin1', start, end).toLowerCase();
  head.scheme = scheme;
  return /^[a-z][a-z0-9+.-]*$/.test(scheme);
}

/** origin-form, or "*" for OPTIONS. */
function isTarget(head: Head): boolean {
  const start = head.start + head.targetStart;
  const end = head.start + head.targetEnd;
  const { bytes } = head;
  const first = bytes[start];
  if (first !== SLASH) {
    return first === ASTERISK && end - start === 1 && isMethod(head, 'OPTIONS');
  }
  const visible = VISIBLE;
  for (let at = start; at < end; at++) if (visible[bytes[at] ?? 0] !== 1) return false;
  return !isMethod(head, 'CONNECT');
}

/** Whether the value of field `i` is a method's name. */
function isTokenValue(section: FieldSection, i: number): boolean {
  const start = section.valueStart(i);
  const end = section.valueEnd(i);
  if (end === start || end - start > METHOD_BYTES_MAX) return false;
  for (let at = start; at < end; at++) {
    if (TOKEN[section.bytes[at] ?? 0] !== 1) return false;
  }
  return true;
}

/** Whether the value of field `i` is `text`. */
function valueIs(section: FieldSection, i: number, text: string): boolean {
  const start = section.valueStart(i);
  if (section.valueEnd(i) - start !== text.length) return false;
  for (let at = 0; at < text.length; at++) {
    if (section.bytes[start + at] !== text.charCodeAt(at)) return false;
  }
  return true;
}
