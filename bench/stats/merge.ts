/**
 * Latencies of several blocks as one distribution. Percentiles are never averaged: counts are added
 * up, and the percentile is read from the sum.
 */
import { LATENCY_SLOTS, latencyQuantilesUs, visitSparseCounts } from '../../api/histogram.ts';
import type { SparseCounts } from '../../api/histogram.ts';

/** A percentile is believed when at least so many values lie beyond it. */
const BEYOND_MIN = 10;

/** Counts by slot, LATENCY_SLOTS long; throws RangeError when a part has another layout. */
export function mergeCounts(parts: Iterable<SparseCounts>): Float64Array {
  const counts = new Float64Array(LATENCY_SLOTS);
  for (const part of parts) {
    const ours = visitSparseCounts(part, (slot, count) => {
      counts[slot] = (counts[slot] ?? 0) + count;
    });
    if (!ours) throw new RangeError('the counts are not of the latency histogram layout');
  }
  return counts;
}

/** Values counted. */
export function totalOf(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

/** Whether `total` values suffice to speak of `quantile`: ten lie beyond it. */
export function canTell(total: number, quantile: number): boolean {
  return total * (1 - quantile) >= BEYOND_MIN - 1e-6;
}

/** A quantile of an arm, of the direct arm, and what lies between them, microseconds. */
export interface AddedLatency {
  readonly quantile: number;
  readonly us: number;
  readonly directUs: number;
  /** `us` - `directUs`; below 0 where chance, or the arm, is faster. */
  readonly addedUs: number;
}

/**
 * What an arm adds to the direct one at each of `quantiles` (0 to 1, ascending), from merged counts.
 * Both quantiles are their slots' largest values, so the sum of both errors is within 1 % each.
 * Undefined when either has no values.
 */
export function addedLatency(
  counts: ArrayLike<number>,
  direct: ArrayLike<number>,
  quantiles: readonly number[],
): AddedLatency[] | undefined {
  const arm = latencyQuantilesUs(counts, quantiles);
  const base = latencyQuantilesUs(direct, quantiles);
  if (arm === undefined || base === undefined) return undefined;
  return quantiles.map((quantile, i) => {
    const us = arm[i] ?? Number.NaN;
    const directUs = base[i] ?? Number.NaN;
    return { quantile, us, directUs, addedUs: us - directUs };
  });
}
