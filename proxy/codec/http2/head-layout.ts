/**
 * A field section laid out as the text of a head (head-reader.ts): the lines of its fields stay where
 * they are, and what HTTP/2 says in pseudo-fields is written into the room before them.
 */
import { FIELD_HOST, FIELD_UPGRADE } from '../../model/field.ts';
import { type Head, TUNNEL_CONNECT, TUNNEL_UPGRADE } from '../../model/head.ts';
import { putBytes, putText } from '../http1/bytes.ts';
import type { FieldSection } from './hpack/field-section.ts';

const VERSION_LINE = ' HTTP/1.1\r\n';
const HOST = 'Host: ';
const UPGRADE = 'Upgrade: ';
const GET = 'GET';
const CONNECT = 'CONNECT';

/** Bytes of the Host line of `authorityBytes`. */
export const hostLineBytes = (authorityBytes: number): number => HOST.length + authorityBytes + 2;

/** Bytes of the Upgrade line of `protocolBytes`. */
export const upgradeLineBytes = (protocolBytes: number): number =>
  UPGRADE.length + protocolBytes + 2;

/** The head begins `length` bytes before the regular lines. */
export function startAt(section: FieldSection, head: Head, length: number): void {
  head.bytes = section.bytes;
  head.start = section.regularStart - length;
}

/**
 * Writes "GET /path HTTP/1.1" of two fields, with room for `linesBytes` of lines behind it. Extended
 * CONNECT is GET there, as HTTP/1.1 has it (RFC 8441 section 5).
 */
export function layRequestLine(
  section: FieldSection,
  head: Head,
  method: number,
  path: number,
  linesBytes: number,
): void {
  const { bytes } = section;
  const methodStart = section.valueStart(method);
  const methodEnd =
    head.tunnel === TUNNEL_UPGRADE ? putText(bytes, methodStart, GET) : section.valueEnd(method);
  const pathStart = section.valueStart(path);
  const pathEnd = section.valueEnd(path);
  const line = methodEnd - methodStart + 1 + pathEnd - pathStart + VERSION_LINE.length;
  startAt(section, head, line + linesBytes);
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
export function layHost(
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

/** Writes the Upgrade line of field `protocol`, behind `before` bytes of lines. */
export function layUpgrade(
  section: FieldSection,
  head: Head,
  protocol: number,
  before: number,
): void {
  const { bytes } = section;
  const line = head.targetEnd + VERSION_LINE.length + before;
  const valueStart = line + UPGRADE.length;
  const start = section.valueStart(protocol);
  const end = section.valueEnd(protocol);
  const at = putText(bytes, head.start + line, UPGRADE);
  putText(bytes, putBytes(bytes, at, bytes, start, end), '\r\n');
  const nameEnd = line + UPGRADE.length - 2;
  head.addField(FIELD_UPGRADE, line, nameEnd, valueStart, valueStart + end - start);
}

/** Writes "CONNECT web:80 HTTP/1.1" of the field `authority`, which stands for Host too. */
export function layConnectLine(section: FieldSection, head: Head, authority: number): void {
  const { bytes } = section;
  const start = section.valueStart(authority);
  const end = section.valueEnd(authority);
  startAt(section, head, CONNECT.length + 1 + end - start + VERSION_LINE.length);
  head.methodEnd = CONNECT.length;
  head.targetStart = head.methodEnd + 1;
  head.targetEnd = head.targetStart + end - start;
  head.pathStart = head.targetStart;
  head.pathEnd = head.targetEnd;
  head.authorityStart = head.targetStart;
  head.authorityEnd = head.targetEnd;
  head.absolute = true;
  head.tunnel = TUNNEL_CONNECT;
  let at = putText(bytes, head.start, CONNECT);
  at = putText(bytes, at, ' ');
  at = putBytes(bytes, at, bytes, start, end);
  putText(bytes, at, VERSION_LINE);
}

/** Adds the regular fields and the empty line, for which there is room. */
export function addFields(section: FieldSection, head: Head): void {
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

/** Whether the value of field `i` is `text`. */
export function valueIs(section: FieldSection, i: number, text: string): boolean {
  const start = section.valueStart(i);
  if (section.valueEnd(i) - start !== text.length) return false;
  for (let at = 0; at < text.length; at++) {
    if (section.bytes[start + at] !== text.charCodeAt(at)) return false;
  }
  return true;
}
