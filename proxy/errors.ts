/**
 * Every failure the proxy itself answers, and the one funnel from a failure to an answer
 * (docs/errors.md; the numbers are RFC 9110 section 15 and the gRPC status codes).
 */

import type { ErrorCode, MeshError } from './model/mesh-error.ts';

interface Answer {
  readonly http: number;
  readonly grpc: number;
  /** Whether the downstream connection ends with the answer. */
  readonly close: boolean;
}

const answer = (http: number, grpc: number, close: boolean): Answer => ({ http, grpc, close });

/** The code table: every cause with its HTTP status, gRPC status, and close-or-keep. */
const ANSWERS = {
  'malformed-request': answer(400, 13, true),
  /** Another protocol's first bytes are no request: they are counted, and nobody is answered. */
  'not-http': answer(400, 13, true),
  'unknown-transfer-coding': answer(501, 13, true),
  'version-not-served': answer(505, 13, true),
  'head-too-large': answer(431, 8, true),
  'target-too-long': answer(414, 8, true),
  'head-timeout': answer(408, 4, true),
  'tunnel-not-served': answer(501, 12, false),
  'no-such-service': answer(404, 5, false),
  'upstream-protocol': answer(502, 14, false),
  /** Nobody listens there. */
  'upstream-refused': answer(502, 14, false),
  /** The dial failed in another way: of whether somebody listens that says nothing. */
  'upstream-unreachable': answer(502, 14, false),
  'upstream-reset': answer(502, 14, false),
  /** A pod that was dialled at its own address: its client had better look its name up again. */
  'address-refused': answer(502, 14, true),
  /** Its client hears what it would have without a proxy: the connection is reset, not answered. */
  'outside-failed': answer(502, 14, true),
  'dns-failed': answer(502, 14, false),
  'no-endpoint': answer(503, 14, false),
  'discovery-timeout': answer(503, 14, false),
  overloaded: answer(503, 14, false),
  'out-of-descriptors': answer(503, 14, true),
  'past-drain': answer(503, 14, true),
  'deadline-passed': answer(504, 4, false),
  'proxy-loop': answer(508, 10, true),
  internal: answer(500, 13, true),
  /** The downstream went away: nobody is left to answer. */
  cancelled: answer(499, 1, true),
} as const satisfies Record<ErrorCode, Answer>;

/** Every code, in a fixed order: counters are indexed by it. */
export const ERROR_CODES = Object.keys(ANSWERS) as readonly ErrorCode[];

/** An answer of the proxy's own. */
export interface ErrorResponse {
  readonly status: number;
  readonly reason: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly close: boolean;
}

/** Who is answered. */
export interface ErrorAudience {
  /** The request's content-type is application/grpc or a subtype: the answer is a gRPC status. */
  readonly grpc: boolean;
  /** The downstream is the local application: it is told the sentence. Strangers are not. */
  readonly local: boolean;
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  408: 'Request Timeout',
  414: 'URI Too Long',
  431: 'Request Header Fields Too Large',
  499: 'Client Closed Request',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  508: 'Loop Detected',
};

/** The field that carries the sentence to the local application. */
export const PROXY_ERROR_FIELD = 'culvert-proxy-error';

/** A head of three times as much is one that every peer takes: encoding may make a byte three. */
const SENTENCE_CHARS_MAX = 1_024;
const PERCENT = 0x25;

/** The one funnel: what the downstream is told about `error`. */
export function toResponse(error: MeshError, audience: ErrorAudience): ErrorResponse {
  const { http, grpc, close } = ANSWERS[error.code];
  // It may hold what a peer sent, and be as long.
  const sentence = error.sentence.slice(0, SENTENCE_CHARS_MAX);
  const told = audience.local
    ? [[PROXY_ERROR_FIELD, sentence.replaceAll(/[^\x20-\x7e]+/g, ' ')] as const]
    : [];
  if (audience.grpc) {
    const message = audience.local ? sentence : error.code;
    const fields = [
      ['content-type', 'application/grpc'] as const,
      ['grpc-status', String(grpc)] as const,
      ['grpc-message', encodeGrpcMessage(message)] as const,
      ...told,
    ];
    return { status: 200, reason: 'OK', fields, body: '', close };
  }
  const reason = REASONS[http] ?? 'Error';
  const body = `${http} ${reason}\n`;
  const fields = [['content-type', 'text/plain'] as const, ...told];
  return { status: http, reason, fields, body, close };
}

/** Percent-encoded: UTF-8, all but printable ASCII without "%" (gRPC over HTTP2, "Responses"). */
function encodeGrpcMessage(message: string): string {
  let encoded = '';
  for (const byte of Buffer.from(message, 'utf8')) {
    if (byte >= 0x20 && byte <= 0x7e && byte !== PERCENT) encoded += String.fromCharCode(byte);
    else encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

/** The HTTP status that `error` is counted under, also where a gRPC answer or a reset left. */
export const statusOf = (error: MeshError): number => ANSWERS[error.code].http;

/** The gRPC status that `error` is answered with to gRPC callers. */
export const grpcStatusOf = (error: MeshError): number => ANSWERS[error.code].grpc;
