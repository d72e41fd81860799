/** The outcome of a gRPC call, in the head or the trailers of its answer. */
import { FIELD_GRPC_STATUS } from '../model/field.ts';
import type { Head } from '../model/head.ts';
import { NO_GRPC_STATUS } from '../model/observation.ts';

const UNKNOWN = 2;
/** Nobody serves the method. */
export const GRPC_UNIMPLEMENTED = 12;

/** Its number; NO_GRPC_STATUS where the head has none, UNKNOWN where it has no number. */
export function readGrpcStatus(head: Head): number {
  const field = head.find(FIELD_GRPC_STATUS);
  if (field === -1) return NO_GRPC_STATUS;
  const value = head.value(field);
  return /^\d{1,2}$/.test(value) ? Number(value) : UNKNOWN;
}
