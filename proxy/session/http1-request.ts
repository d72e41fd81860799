/** What makes a parsed request head acceptable, as errors of the mesh. */
import { BODY_MALFORMED, BODY_UNKNOWN_CODING, requestFraming } from '../codec/http1/framing.ts';
import {
  HEAD_NOT_HTTP,
  HEAD_TARGET_TOO_LONG,
  HEAD_TOO_LARGE,
  HEAD_VERSION,
  type HeadResult,
} from '../codec/http1/head-parser.ts';
import { readRequestTarget } from '../codec/http1/request-target.ts';
import { offeredProtocols } from '../codec/http1/upgrade.ts';
import { MeshError } from '../model/mesh-error.ts';
import { limits } from '../limits.ts';
import { type Head, TUNNEL_CONNECT, TUNNEL_NONE, TUNNEL_UPGRADE } from '../model/head.ts';

/**
 * Body framing of the request (codec/http1/framing.ts), or why it is refused; the head knows from here
 * on whether it asks for a tunnel.
 */
export function checkRequest(head: Head): number | MeshError {
  const target = readRequestTarget(head);
  if (target === 'malformed') {
    return refuse('malformed-request', 'The request target or Host is malformed.');
  }
  const framing = requestFraming(head);
  if (framing === BODY_MALFORMED) {
    return refuse('malformed-request', 'The length of the request body is ambiguous.');
  }
  if (framing === BODY_UNKNOWN_CODING) {
    return refuse('unknown-transfer-coding', 'Only the chunked transfer-coding is served.');
  }
  if (head.tunnel === TUNNEL_CONNECT && framing !== 0) {
    return refuse('malformed-request', 'CONNECT has no body, and this one announces one.');
  }
  if (head.tunnel === TUNNEL_NONE && offeredProtocols(head).length > 0) {
    head.tunnel = TUNNEL_UPGRADE;
  }
  return framing;
}

/** The error of a head that the parser refused. */
export function headError(result: HeadResult): MeshError {
  switch (result) {
    case HEAD_VERSION:
      return refuse('version-not-served', 'Only HTTP/1.1 and HTTP/1.0 are served here.');
    case HEAD_TOO_LARGE:
      return refuse(
        'head-too-large',
        `The request head exceeds ${limits.headBytesMax} bytes or ${limits.fieldCountMax} fields.`,
      );
    case HEAD_TARGET_TOO_LONG:
      return refuse('target-too-long', `The target exceeds ${limits.targetBytesMax} bytes.`);
    case HEAD_NOT_HTTP:
      return refuse('not-http', 'The connection began with no line of HTTP.');
    default:
      return refuse('malformed-request', 'The request head is malformed.');
  }
}

const refuse = (
  code:
    | 'malformed-request'
    | 'not-http'
    | 'unknown-transfer-coding'
    | 'version-not-served'
    | 'head-too-large'
    | 'target-too-long',
  sentence: string,
): MeshError => new MeshError(code, 'downstream', sentence);

/** The client has ended in the middle of its request. */
export const BODY_CUT: MeshError = refuse(
  'malformed-request',
  'The request ended before its body was complete.',
);

/** Nobody is there for the answer. */
export const CANCELLED = new MeshError('cancelled', 'downstream', 'The downstream went away.');
