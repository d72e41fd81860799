/**
 * The request target and Host (RFC 9112 section 3.2, RFC 9110 section 7.2): fills the head's
 * authority and path, or says what is wrong.
 */
import { FIELD_HOST } from '../../model/field.ts';
import { type Head, TUNNEL_CONNECT } from '../../model/head.ts';
import { COLON, NINE, ZERO } from './bytes.ts';

/** Whether target and Host say one thing. */
export type TargetResult = 'ok' | 'malformed';

const SLASH = 0x2f;
const ASTERISK = 0x2a;
const QUESTION = 0x3f;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const PORT_DIGITS_MAX = 5;
/** Writers say it twice; no name is as long (RFC 1035 section 2.3.4). */
const CONNECT_BYTES_MAX = 512;
const PORT_MIN = 1;
const PORT_MAX = 65_535;

/** uri-host [":" port] without userinfo (RFC 3986 section 3.2.2), as far as framing cares. */
const AUTHORITY: Uint8Array = new Uint8Array(256);
for (const character of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()*+,;=:[]") {
  AUTHORITY[character.charCodeAt(0)] = 1;
}

/** Fills `head.authority…`, `head.path…` and `head.absolute`. */
// HOT: per exchange.
export function readRequestTarget(head: Head): TargetResult {
  const host = head.find(FIELD_HOST);
  if (host !== -1 && head.find(FIELD_HOST, host + 1) !== -1) return 'malformed';
  if (host === -1 && head.minor > 0) return 'malformed';
  if (host !== -1) {
    head.authorityStart = head.valueStart(host);
    head.authorityEnd = head.valueEnd(host);
    if (!isAuthority(head, head.authorityStart, head.authorityEnd)) return 'malformed';
  }
  head.pathStart = head.targetStart;
  head.pathEnd = head.targetEnd;
  const first = head.bytes[head.start + head.targetStart];
  if (first === SLASH) return isMethod(head, 'CONNECT') ? 'malformed' : 'ok';
  if (isMethod(head, 'CONNECT')) return readAuthorityForm(head);
  if (first === ASTERISK && head.targetEnd - head.targetStart === 1) {
    return isMethod(head, 'OPTIONS') ? 'ok' : 'malformed';
  }
  return readAbsoluteForm(head);
}

/** CONNECT's "host:port" (RFC 9112 section 3.2.3): it replaces Host, whatever that says. */
function readAuthorityForm(head: Head): TargetResult {
  const { targetEnd, targetStart } = head;
  if (!namesPort(head, targetStart, targetEnd)) return 'malformed';
  head.absolute = true;
  head.tunnel = TUNNEL_CONNECT;
  head.authorityStart = targetStart;
  head.authorityEnd = targetEnd;
  return 'ok';
}

/** Whether head bytes [from, to) are an authority with a port that may be dialled (RFC 9110 9.3.6). */
export function namesPort(head: Head, from: number, to: number): boolean {
  if (to - from > CONNECT_BYTES_MAX) return false;
  if (!isAuthority(head, from, to)) return false;
  const port = Number(/[^:]:(\d+)$/.exec(head.text(from, to))?.[1] ?? 0);
  return port >= PORT_MIN && port <= PORT_MAX;
}

/** "http://authority[/path][?query]"; no other scheme comes in clear text. */
function readAbsoluteForm(head: Head): TargetResult {
  const target = head.target();
  const match = /^http:\/\/([^/?#@]+)([/?][^#]*)?$/i.exec(target);
  const authority = match?.[1];
  if (authority === undefined) return 'malformed';
  head.absolute = true;
  head.authorityStart = head.targetStart + 'http://'.length;
  head.authorityEnd = head.authorityStart + authority.length;
  head.pathStart = head.authorityEnd;
  return isAuthority(head, head.authorityStart, head.authorityEnd) ? 'ok' : 'malformed';
}

/** What goes before the path upstream when an absolute-form left out the path, or "". */
export function missingPath(head: Head): string {
  if (!head.absolute) return '';
  if (head.pathStart === head.pathEnd) return isMethod(head, 'OPTIONS') ? '*' : '/';
  return head.bytes[head.start + head.pathStart] === QUESTION ? '/' : '';
}

/**
 * Whether head bytes [from, to) are an authority without userinfo.
 * An empty Host is allowed: the target has no authority then (RFC 9110 7.2). A port is at most five
 * digits behind the one colon, which only an IPv6 address in brackets has more of.
 */
export function isAuthority(head: Head, from: number, to: number): boolean {
  const { bytes, start } = head;
  const end = start + to;
  let port = -1;
  for (let at = start + from; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (AUTHORITY[byte] !== 1) return false;
    if (byte === OPEN_BRACKET || byte === CLOSE_BRACKET) return isBracketed(head, from, to);
    if (port !== -1) {
      if (byte < ZERO || byte > NINE || at - port >= PORT_DIGITS_MAX) return false;
    } else if (byte === COLON) {
      if (at === start + from) return false;
      port = at + 1;
    }
  }
  return true;
}

const isBracketed = (head: Head, from: number, to: number): boolean =>
  /^\[[0-9a-fA-Fv:.]+\](?::\d{0,5})?$/.test(head.text(from, to));

/** Whether the method is `method`: methods are case-sensitive (RFC 9110 9.1). */
export function isMethod(head: Head, method: string): boolean {
  if (head.methodEnd !== method.length) return false;
  for (let i = 0; i < method.length; i++) {
    if (head.bytes[head.start + i] !== method.charCodeAt(i)) return false;
  }
  return true;
}
