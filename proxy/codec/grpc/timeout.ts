/**
 * How long a caller waits: grpc-timeout, at most eight digits and a unit (gRPC over HTTP2,
 * "Requests"). What implementations make of other values differs: one takes them for an internal
 * error, another for no deadline. So to us they say nothing, and what serves the call judges them.
 */
import { FIELD_GRPC_TIMEOUT } from '../../model/field.ts';
import type { Head } from '../../model/head.ts';
import { NINE, ZERO } from '../http1/bytes.ts';

/** The caller names no time, or none that is one. */
export const NO_TIMEOUT = -1;

const DIGITS_MAX = 8;
const VALUE_MAX = 10 ** DIGITS_MAX - 1;

/** Microseconds of each unit, from the finest. */
const UNITS = [
  ['n', 0.001],
  ['u', 1],
  ['m', 1_000],
  ['S', 1_000_000],
  ['M', 60_000_000],
  ['H', 3_600_000_000],
] as const;

/** By the unit's byte; 0 is no unit. */
const MICROSECONDS = new Float64Array(256);
for (const [unit, microseconds] of UNITS) MICROSECONDS[unit.charCodeAt(0)] = microseconds;

/** Microseconds, also fractions of one and 0, or NO_TIMEOUT; two of them say nothing either. */
// HOT: per exchange.
export function readGrpcTimeoutUs(head: Head): number {
  const field = head.find(FIELD_GRPC_TIMEOUT);
  if (field === -1 || head.find(FIELD_GRPC_TIMEOUT, field + 1) !== -1) return NO_TIMEOUT;
  const { bytes } = head;
  const from = head.start + head.valueStart(field);
  const unit = head.start + head.valueEnd(field) - 1;
  if (unit <= from || unit - from > DIGITS_MAX) return NO_TIMEOUT;
  let value = 0;
  for (let at = from; at < unit; at++) {
    const byte = bytes[at] ?? 0;
    if (byte < ZERO || byte > NINE) return NO_TIMEOUT;
    value = value * 10 + byte - ZERO;
  }
  const microseconds = MICROSECONDS[bytes[unit] ?? 0] ?? 0;
  return microseconds === 0 ? NO_TIMEOUT : value * microseconds;
}

/** The value for `us` of 1 or more, in the finest unit that has room for it; never more than `us`. */
export function formatGrpcTimeout(us: number): string {
  for (const [unit, microseconds] of UNITS) {
    const value = Math.floor(us / microseconds);
    if (value <= VALUE_MAX && unit !== 'n') return `${value}${unit}`;
  }
  return `${VALUE_MAX}H`;
}
