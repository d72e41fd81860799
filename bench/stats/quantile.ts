/** Order statistics of plain numbers; latencies have histograms instead (merge.ts). */

/** Numbers in ascending order; the given ones stay as they are. */
export function ascending(values: ArrayLike<number>): Float64Array {
  return new Float64Array(values).toSorted();
}

/**
 * The value at `quantile` (0 to 1) of `sorted`, between neighbours where it falls between them
 * (Hyndman and Fan 1996, type 7). NaN when there are no values.
 */
export function quantileOfSorted(sorted: ArrayLike<number>, quantile: number): number {
  const at = Math.min(1, Math.max(0, quantile)) * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below === above ? below : below + (above - below) * (at - Math.floor(at));
}

/** The middle value, or the mean of the middle two. NaN when there are no values. */
export function median(values: ArrayLike<number>): number {
  return quantileOfSorted(ascending(values), 0.5);
}
