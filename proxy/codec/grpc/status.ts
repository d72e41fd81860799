/** How a call of gRPC ended (gRPC over HTTP2, "Responses" and "Status"; doc/http-grpc-status-mapping.md). */
import { FIELD_GRPC_STATUS } from '../../model/field.ts';
import type { Head } from '../../model/head.ts';

/** A code of gRPC and the sentence with it, which may be empty. */
export interface GrpcStatus {
  /** 0 to 16; a server may say others. */
  readonly code: number;
  readonly message: string;
}

/** Codes that are told apart here. */
export const OK = 0;
export const UNKNOWN = 2;
export const RESOURCE_EXHAUSTED = 8;
export const INTERNAL = 13;
export const UNAVAILABLE = 14;

const NAMES: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** By HTTP status, of answers that no gRPC server gave. */
const CODES_OF_HTTP: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
]);

const MESSAGE = 'grpc-message';
const PERCENT = 0x25;

/** For logs: "UNAVAILABLE: going away". */
export function describeStatus({ code, message }: GrpcStatus): string {
  const name = NAMES[code] ?? `status ${code}`;
  return message === '' ? name : `${name}: ${message}`;
}

/** The code that stands for an answer without a status of its own; of 200, too. */
export const codeOfHttp = (status: number): number => CODES_OF_HTTP.get(status) ?? UNKNOWN;

/** The status among the fields of trailers, or of a head that is all; undefined where there is none. */
export function readStatus(head: Head): GrpcStatus | undefined {
  const at = head.find(FIELD_GRPC_STATUS);
  if (at === -1) return undefined;
  const value = head.value(at);
  const code = /^\d{1,3}$/.test(value) ? Number(value) : UNKNOWN;
  return { code, message: messageOf(head) };
}

function messageOf(head: Head): string {
  for (let i = 0; i < head.fieldCount; i++) {
    if (head.name(i) === MESSAGE) return decodePercent(head.value(i));
  }
  return '';
}

/** UTF-8 from its percent-encoding; what is not encoded right stays as it is. */
function decodePercent(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = Buffer.from(text, 'latin1');
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const digits = bytes[at] === PERCENT ? text.slice(at + 1, at + 3) : '';
    const encoded = /^[\da-f]{2}$/i.test(digits);
    bytes[length++] = encoded ? Number.parseInt(digits, 16) : bytes[at]!;
    if (encoded) at += digits.length;
  }
  return bytes.toString('utf8', 0, length);
}
