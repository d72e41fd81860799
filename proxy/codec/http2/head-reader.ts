/**
 * Field sections become heads (RFC 9113 sections 8.1 to 8.5, RFC 8441). The lines of the
 * section stay where they are; a start line is laid before them (head-layout.ts):
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
import { type Head, ORIG_PROTO_NONE, TUNNEL_UPGRADE } from '../../model/head.ts';
import { limits } from '../../limits.ts';
import { NINE, TOKEN, VISIBLE, ZERO, putBytes, putText } from '../http1/bytes.ts';
import { BODY_MALFORMED, contentLength, equalsIgnoringCase } from '../http1/framing.ts';
import { isAuthority, isMethod, namesPort } from '../http1/request-target.ts';
import { isTunnelled } from '../http1/upgrade.ts';
import { joinCookies } from './cookie-crumbs.ts';
import {
  FIELD_AUTHORITY,
  FIELD_METHOD,
  FIELD_PATH,
  FIELD_PROTOCOL,
  FIELD_SCHEME,
  FIELD_STATUS,
} from './hpack/field-id.ts';
import type { FieldSection } from './hpack/field-section.ts';
import {
  addFields,
  hostLineBytes,
  layConnectLine,
  layHost,
  layRequestLine,
  layUpgrade,
  startAt,
  upgradeLineBytes,
  valueIs,
} from './head-layout.ts';
import { readReason, restoreNames } from './orig-proto-reader.ts';

/** Why a block is no head. "too-large" has more bytes or fields than our limits. */
export type HeadFault = 'malformed' | 'too-large' | 'target-too-long';

/** There is no such field. */
const NONE = -1;
const HOST_MALFORMED = -2;
const METHOD_BYTES_MAX = 64;
const SCHEME_BYTES_MAX = 64;
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
  const fault = checkFields(section) ?? findPseudoFields(section);
  if (fault !== undefined) return fault;
  const { authority, method, path, protocol, scheme } = found;
  if (method === NONE || !isTokenValue(section, method)) return 'malformed';
  const connects = valueIs(section, method, 'CONNECT');
  if (connects && protocol === NONE) return readConnect(section, head);
  if (scheme === NONE || path === NONE || connects !== (protocol !== NONE)) return 'malformed';
  if (section.valueEnd(path) - section.valueStart(path) > limits.targetBytesMax) {
    return 'target-too-long';
  }
  const host = hostField(section, authority);
  if (host === HOST_MALFORMED) return 'malformed';
  head.clear();
  head.minor = 1;
  if (connects) head.tunnel = TUNNEL_UPGRADE;
  const authorityBytes = lengthOf(section, authority);
  const hostBytes = host === NONE ? hostLineBytes(authorityBytes) : 0;
  const upgradeBytes = connects ? upgradeLineBytes(lengthOf(section, protocol)) : 0;
  layRequestLine(section, head, method, path, hostBytes + upgradeBytes);
  if (host === NONE) layHost(section, head, authority, authorityBytes);
  if (connects) layUpgrade(section, head, protocol, hostBytes);
  const laid = head.fieldCount;
  addFields(section, head);
  if (host !== NONE) {
    if (authority !== NONE) replaceHost(section, host, authority);
    const i = host - section.pseudoCount + laid;
    head.authorityStart = head.valueStart(i);
    head.authorityEnd = head.valueEnd(i);
  }
  if (isCarried(section)) head.origProto = restoreNames(section, head);
  if (!readScheme(section, scheme, head)) return 'malformed';
  if (!isTarget(head)) return 'malformed';
  if (!isAuthority(head, head.authorityStart, head.authorityEnd)) return 'malformed';
  if (connects) return isUpgrade(section, protocol) ? undefined : 'malformed';
  return contentLengthOf(head) === 'malformed' ? 'malformed' : undefined;
}

/** Pseudo-fields of a request, by where they stand. */
class PseudoFields {
  method = NONE;
  scheme = NONE;
  path = NONE;
  authority = NONE;
  protocol = NONE;
}

/** Those found last, for the thread. */
const found = new PseudoFields();

/** Fills `found`. */
function findPseudoFields(section: FieldSection): HeadFault | undefined {
  found.method = NONE;
  found.scheme = NONE;
  found.path = NONE;
  found.authority = NONE;
  found.protocol = NONE;
  for (let i = 0; i < section.pseudoCount; i++) {
    const id = section.id(i);
    if (id === FIELD_METHOD && found.method === NONE) found.method = i;
    else if (id === FIELD_SCHEME && found.scheme === NONE) found.scheme = i;
    else if (id === FIELD_PATH && found.path === NONE) found.path = i;
    else if (id === FIELD_AUTHORITY && found.authority === NONE) found.authority = i;
    else if (id === FIELD_PROTOCOL && found.protocol === NONE) found.protocol = i;
    else return 'malformed';
  }
  return undefined;
}

/** CONNECT has an authority with its port, and no other pseudo-field (RFC 9113 section 8.5). */
function readConnect(section: FieldSection, head: Head): HeadFault | undefined {
  const { authority, path, scheme } = found;
  if (authority === NONE || path !== NONE || scheme !== NONE) return 'malformed';
  if (lengthOf(section, authority) > limits.targetBytesMax) return 'target-too-long';
  if (hostField(section, authority) === HOST_MALFORMED || hasLength(section)) return 'malformed';
  head.clear();
  head.minor = 1;
  layConnectLine(section, head, authority);
  addFields(section, head);
  return namesPort(head, head.targetStart, head.targetEnd) ? undefined : 'malformed';
}

/** What is behind the head is the tunnel's, of any length; HTTP itself goes through none. */
function isUpgrade(section: FieldSection, protocol: number): boolean {
  const { bytes } = section;
  const name = bytes.toString('latin1', section.valueStart(protocol), section.valueEnd(protocol));
  return isTunnelled(name) && !hasLength(section);
}

const hasLength = ({ idBits }: FieldSection): boolean => (idBits & bit(FIELD_CONTENT_LENGTH)) !== 0;

const lengthOf = (section: FieldSection, i: number): number =>
  i === NONE ? 0 : section.valueEnd(i) - section.valueStart(i);

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

/** The Host field, which must say what :authority says; NONE without one, or HOST_MALFORMED. */
function hostField(section: FieldSection, authority: number): number {
  if ((section.idBits & bit(FIELD_HOST)) === 0) return NONE;
  let host = NONE;
  for (let i = section.pseudoCount; i < section.count; i++) {
    if (section.id(i) !== FIELD_HOST) continue;
    if (host !== NONE) return HOST_MALFORMED;
    host = i;
  }
  if (authority === NONE) return host;
  const { bytes } = section;
  const want = bytes.toString('latin1', section.valueStart(authority), section.valueEnd(authority));
  const start = section.valueStart(host);
  return equalsIgnoringCase(bytes, start, section.valueEnd(host), want.toLowerCase())
    ? host
    : HOST_MALFORMED;
}

/** Host says :authority in its own letter case (RFC 9113 section 8.3.1); both are equally long. */
function replaceHost(section: FieldSection, host: number, authority: number): void {
  const { bytes } = section;
  const at = section.valueStart(host);
  putBytes(bytes, at, bytes, section.valueStart(authority), section.valueEnd(authority));
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
