/** The outcome of a gRPC call, in the head or the trailers of its answer, or as a failure's. */
import { statusOfReset } from '../codec/grpc/reset-status.ts';
import { NINE, ZERO } from '../codec/http1/bytes.ts';
import { grpcStatusOf } from '../errors.ts';
import type { Protocol } from '../model/exchange.ts';
import { FIELD_GRPC_STATUS } from '../model/field.ts';
import type { Head } from '../model/head.ts';
import type { MeshError } from '../model/mesh-error.ts';
import { NO_GRPC_STATUS } from '../model/observation.ts';

const UNKNOWN = 2;
/** Nobody serves the method. */
export const GRPC_UNIMPLEMENTED = 12;

const DIGITS_MAX = 2;

/** Its number; NO_GRPC_STATUS where the head has none, UNKNOWN where it has no number. */
// HOT: per exchange.
export function readGrpcStatus(head: Head): number {
  const field = head.find(FIELD_GRPC_STATUS);
  if (field === -1) return NO_GRPC_STATUS;
  const { bytes } = head;
  const from = head.start + head.valueStart(field);
  const to = head.start + head.valueEnd(field);
  if (from === to || to - from > DIGITS_MAX) return UNKNOWN;
  let status = 0;
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < ZERO || byte > NINE) return UNKNOWN;
    status = status * 10 + byte - ZERO;
  }
  return status;
}

/** What a caller that speaks `protocol` sees of `error`: HTTP/2 passes an upstream's reset on. */
export const grpcStatusSeen = (error: MeshError, protocol: Protocol): number =>
  error.resetCode === undefined || protocol === 'http1'
    ? grpcStatusOf(error)
    : statusOfReset(error.resetCode);
