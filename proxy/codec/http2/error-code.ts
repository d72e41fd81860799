/** Error codes of HTTP/2 (RFC 9113 section 7), and what a fault of a peer is. */
import type { Http2Limit } from '../../model/http2-limit.ts';

/** Codes of RST_STREAM and GOAWAY. */
export const NO_ERROR = 0x0;
export const PROTOCOL_ERROR = 0x1;
export const INTERNAL_ERROR = 0x2;
export const FLOW_CONTROL_ERROR = 0x3;
export const SETTINGS_TIMEOUT = 0x4;
export const STREAM_CLOSED = 0x5;
export const FRAME_SIZE_ERROR = 0x6;
export const REFUSED_STREAM = 0x7;
export const CANCEL = 0x8;
export const COMPRESSION_ERROR = 0x9;
export const CONNECT_ERROR = 0xa;
export const ENHANCE_YOUR_CALM = 0xb;
export const INADEQUATE_SECURITY = 0xc;
export const HTTP_1_1_REQUIRED = 0xd;

const NAMES: readonly string[] = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** Name of `code` for logs and errors; "error code 0x1f" when it has none. */
export function errorCodeName(code: number): string {
  return NAMES[code] ?? `error code 0x${code.toString(16)}`;
}

/**
 * What a peer did wrong. Whether it ends the stream or the connection is told by where it is given:
 * a value of its own scope would allow contradictions.
 */
export interface Http2Fault {
  /** Code for RST_STREAM or GOAWAY. */
  readonly code: number;
  /** One plain sentence: what the peer did. */
  readonly sentence: string;
  /** The limit that was hit, where the fault is abuse: it has a counter. */
  readonly limit?: Http2Limit | undefined;
}

/** A fault; all have one shape. */
export function http2Fault(code: number, sentence: string, limit?: Http2Limit): Http2Fault {
  return { code, sentence, limit };
}
