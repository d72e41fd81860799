/**
 * Writes heads for the next hop (RFC 9110 section 7.6, RFC 9112): what ends at this hop is left
 * out, what frames the body on the next one is added, everything else passes as the bytes it came
 * as, in order, untouched neighbours as one run.
 */
import { FIELD_CONTENT_LENGTH, FIELD_HOST, FIELD_TE, FIELD_UPGRADE } from '../../model/field.ts';
import { type Head, TUNNEL_UPGRADE } from '../../model/head.ts';
import { putText } from './bytes.ts';
import { connectionNames, hasToken, isNamed } from './framing.ts';
import {
  HOP_BY_HOP,
  HOP_BY_HOP_BUT_UPGRADE,
  HOP_BY_HOP_OR_LENGTH,
  HOP_BY_HOP_OR_LENGTH_BUT_UPGRADE,
  NOT_IN_TRAILERS,
} from './hop-by-hop.ts';
import { missingPath } from './request-target.ts';

const VERSION = ' HTTP/1.1\r\n';
const END = '\r\n';
/** The field line of a chunked body. */
export const CHUNKED_LINE = 'Transfer-Encoding: chunked\r\n';
const EMPTY_LINE = 'Content-Length: 0\r\n';
const UPGRADE_LINE = 'Connection: Upgrade\r\n';
const SWITCHING_LINE = 'HTTP/1.1 101 Switching Protocols\r\n';

/** Each writer puts bytes into `out` at `at` and returns where it stopped. */

/** How a request head goes out. */
export interface RequestHeadOptions {
  /** The body goes out chunked, whatever length the head tells. */
  readonly chunked: boolean;
  /** Host for requests that came without one (HTTP/1.0). */
  readonly host: string;
  /** Field lines that this hop adds, or "". */
  readonly added: string;
}

/** The request head with its empty line, at most head.length + limits.headGrowthBytesMax bytes. */
// HOT: per exchange.
export function writeRequestHead(
  out: Buffer,
  from: number,
  head: Head,
  options: RequestHeadOptions,
): number {
  let at = from;
  let runStart = 0;
  if (head.minor !== 1 || head.absolute) {
    at = copy(out, at, head, 0, head.methodEnd + 1);
    at = putText(out, at, missingPath(head));
    at = copy(out, at, head, head.pathStart, head.pathEnd);
    at = putText(out, at, VERSION);
    runStart = head.lineStart(0);
  }
  if (head.authorityEnd === 0 || head.absolute) {
    const host = head.absolute ? head.authority() : options.host;
    if (runStart === 0) at = copy(out, at, head, 0, head.lineStart(0));
    runStart = head.lineStart(0);
    at = putText(out, at, `Host: ${host}\r\n`);
  }
  const upgrades = head.tunnel === TUNNEL_UPGRADE;
  const dropped = droppedFields(options.chunked, upgrades);
  at = writeFields(out, at, head, runStart, dropped, head.absolute || head.authorityEnd === 0);
  if (head.find(FIELD_TE) !== -1 && hasToken(head, FIELD_TE, 'trailers')) {
    at = putText(out, at, 'TE: trailers\r\nConnection: TE\r\n');
  }
  if (upgrades) at = putText(out, at, UPGRADE_LINE);
  if (options.added !== '') at = putText(out, at, options.added);
  if (options.chunked) at = putText(out, at, CHUNKED_LINE);
  return putText(out, at, END);
}

function droppedFields(lengthless: boolean, upgrades: boolean): Uint8Array {
  if (upgrades) return lengthless ? HOP_BY_HOP_OR_LENGTH_BUT_UPGRADE : HOP_BY_HOP_BUT_UPGRADE;
  return lengthless ? HOP_BY_HOP_OR_LENGTH : HOP_BY_HOP;
}

/** How a response head goes out. */
export interface ResponseHeadOptions {
  readonly chunked: boolean;
  /** There is no content, and the head does not say so: without a length it would last until the close. */
  readonly empty: boolean;
  /** "Connection: close", "Connection: keep-alive" (HTTP/1.0) or none. */
  readonly connection: 'close' | 'keep-alive' | undefined;
}

/** The response head with its empty line, bounded like a request's. */
// HOT: per exchange.
export function writeResponseHead(
  out: Buffer,
  from: number,
  head: Head,
  options: ResponseHeadOptions,
): number {
  let at = from;
  let runStart = 0;
  if (head.minor !== 1) {
    at = putText(out, at, 'HTTP/1.1');
    runStart = 'HTTP/1.1'.length;
  }
  const { status } = head;
  const lengthless = options.chunked || status === 204 || status < 200;
  const dropped = lengthless ? HOP_BY_HOP_OR_LENGTH : HOP_BY_HOP;
  at = writeFields(out, at, head, runStart, dropped, false);
  if (options.connection !== undefined) {
    at = putText(out, at, `Connection: ${options.connection}\r\n`);
  }
  if (options.chunked) at = putText(out, at, CHUNKED_LINE);
  else if (options.empty) at = putText(out, at, EMPTY_LINE);
  return putText(out, at, END);
}

/**
 * The head of an answer that grants a tunnel, which tells no length (RFC 9110 section 9.3.6), bounded
 * like a request's. `added`: field lines of this hop, or "". An upgrade that was granted in another
 * protocol's words, without Upgrade, begins with a status line of its own.
 */
export function writeTunnelHead(out: Buffer, from: number, head: Head, added: string): number {
  const upgrades = head.tunnel === TUNNEL_UPGRADE;
  const dropped = droppedFields(true, upgrades);
  let at = from;
  if (upgrades && head.find(FIELD_UPGRADE) === -1) {
    at = putText(out, at, SWITCHING_LINE);
    at = writeFields(out, at, head, head.lineStart(0), dropped, false);
  } else {
    at = putText(out, at, 'HTTP/1.1');
    at = writeFields(out, at, head, 'HTTP/1.1'.length, dropped, false);
  }
  if (upgrades) at = putText(out, at, UPGRADE_LINE);
  return putText(out, putText(out, at, added), END);
}

/** The trailer section with its empty line. */
export function writeTrailers(out: Buffer, from: number, trailers: Head): number {
  const at = writeFields(out, from, trailers, 0, NOT_IN_TRAILERS, false);
  return putText(out, at, END);
}

/** Copies [runStart, linesEnd) of the head without the fields that end here. */
function writeFields(
  out: Buffer,
  from: number,
  head: Head,
  runStart: number,
  dropped: Uint8Array,
  dropHost: boolean,
): number {
  let at = from;
  let run = runStart;
  let lengths = 0;
  const names = connectionNames(head);
  const ids = head.ids;
  for (let i = 0; i < head.fieldCount; i++) {
    const id = ids[i] ?? 0;
    let drop = dropped[id] === 1;
    if (id === FIELD_HOST) drop ||= dropHost;
    // An equal repeat of Content-Length goes on once (RFC 9110 8.6).
    else if (id === FIELD_CONTENT_LENGTH) drop ||= ++lengths > 1;
    else if (names.size > 0) drop ||= isNamed(head, i, names);
    if (!drop) continue;
    at = copy(out, at, head, run, head.lineStart(i));
    run = head.lineStart(i + 1);
  }
  return copy(out, at, head, run, head.linesEnd);
}

const SHORT = 24;

function copy(out: Buffer, at: number, head: Head, from: number, to: number): number {
  const { bytes, start } = head;
  if (to - from > SHORT) {
    bytes.copy(out, at, start + from, start + to);
    return at + to - from;
  }
  let stop = at;
  for (let i = start + from; i < start + to; i++) out[stop++] = bytes[i] ?? 0;
  return stop;
}
