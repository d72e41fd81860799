/** What one arm's percentile adds to another's, both of merged histograms, with its interval. */
import { type SparseCounts, latencyQuantilesUs } from '../../api/histogram.ts';
import type { Rng } from '../../base/rng.ts';
import { boundsOf } from './bootstrap.ts';
import { mergeCounts } from './merge.ts';
import type { PairedInterval } from './paired.ts';

const RESAMPLES = 2_000;

/**
 * Quantile of B less quantile of A, microseconds: of all rounds that both have, added up. The
 * interval is a bootstrap over rounds, so that a stall in one round of ten shows in the value, and
 * in how far the bounds lie apart. Undefined when no round has both.
 */
export function mergedDifference(
  a: readonly (SparseCounts | undefined)[],
  b: readonly (SparseCounts | undefined)[],
  quantile: number,
  options: { readonly level: number; readonly rng: Rng },
): PairedInterval | undefined {
  const pairs = a.flatMap((one, i) => {
    const other = b[i];
    if (one === undefined || other === undefined) return [];
    return [[mergeCounts([one]), mergeCounts([other])] as const];
  });
  if (pairs.length === 0) return undefined;
  const [sumA, sumB] = pairs[0]!.map((counts) => new Float64Array(counts.length)) as [
    Float64Array,
    Float64Array,
  ];
  const differenceOf = (draw: (i: number) => number): number => {
    sumA.fill(0);
    sumB.fill(0);
    for (let i = 0; i < pairs.length; i++) {
      const [fromA, fromB] = pairs[draw(i)]!;
      for (let slot = 0; slot < sumA.length; slot++) {
        sumA[slot]! += fromA[slot]!;
        sumB[slot]! += fromB[slot]!;
      }
    }
    const [ofA] = latencyQuantilesUs(sumA, [quantile]) ?? [];
    const [ofB] = latencyQuantilesUs(sumB, [quantile]) ?? [];
    return (ofB ?? Number.NaN) - (ofA ?? Number.NaN);
  };
  const value = differenceOf((i) => i);
  if (!Number.isFinite(value)) return undefined;
  const drawn = Float64Array.from({ length: RESAMPLES }, () =>
    differenceOf(() => options.rng.integer(pairs.length)),
  ).filter(Number.isFinite);
  return { value, ...boundsOf(drawn, options.level), pairs: pairs.length };
}
