/** Success or failure of an answered exchange (contract section 3). */

/**
 * gRPC statuses that are the server's failure: UNKNOWN, DEADLINE_EXCEEDED, PERMISSION_DENIED,
 * INTERNAL, UNAVAILABLE, DATA_LOSS.
 */
const GRPC_FAILURES = new Set([2, 4, 7, 13, 14, 15]);

/** `grpcStatus` is -1 when there was none; `failed`: the response was reset or truncated. */
export function isFailure(failed: boolean, status: number, grpcStatus: number): boolean {
  if (failed) return true;
  return grpcStatus >= 0 ? GRPC_FAILURES.has(grpcStatus) : status >= 500 || status === 0;
}

/** Labels of the series that takes the rest when there are too many. */
export const OTHER_LABELS = {
  authority: 'other',
  dstNamespace: '',
  dstService: '',
  dstPort: 0,
  dstWorkloadKind: '',
  dstWorkload: '',
  route: '[other]',
} as const;
