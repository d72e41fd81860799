/** What one arm's percentile adds to another's, both of merged histograms, with its interval. */
import { type SparseCounts, slotLargestUs } from '../../api/histogram.ts';
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
  const compact = compacted(pairs);
  const differenceOf = (draw: (i: number) => number): number => {
    const drawn = pairs.map((_, i) => draw(i));
    const [ofA, ofB] = compact.map((arm) => quantileOfSum(arm, drawn, quantile)) as [
      number,
      number,
    ];
    return ofB - ofA;
  };
  const value = differenceOf((i) => i);
  if (!Number.isFinite(value)) return undefined;
  const drawn = Float64Array.from({ length: RESAMPLES }, () =>
    differenceOf(() => options.rng.integer(pairs.length)),
  ).filter(Number.isFinite);
  return { value, ...boundsOf(drawn, options.level), pairs: pairs.length };
}

/** The rounds of one arm in the slots that any of them uses: most of two thousand are empty. */
interface CompactArm {
  readonly rounds: readonly Float64Array[];
  /** Of each used slot. */
  readonly largestUs: Float64Array;
  /** To add up in. */
  readonly sum: Float64Array;
}

function compacted(pairs: readonly (readonly [Float64Array, Float64Array])[]): CompactArm[] {
  return [0, 1].map((arm) => {
    const rounds = pairs.map((pair) => pair[arm]!);
    const used = [...rounds[0]!.keys()].filter((slot) => rounds.some((one) => one[slot] !== 0));
    return {
      rounds: rounds.map((one) => Float64Array.from(used, (slot) => one[slot]!)),
      largestUs: Float64Array.from(used, slotLargestUs),
      sum: new Float64Array(used.length),
    };
  });
}

/** Of the rounds `drawn`, by number and with repetition; NaN when they have no values. */
function quantileOfSum(arm: CompactArm, drawn: readonly number[], quantile: number): number {
  const { largestUs, rounds, sum } = arm;
  sum.fill(0);
  let total = 0;
  for (const round of drawn) {
    const counts = rounds[round]!;
    for (let i = 0; i < sum.length; i++) {
      sum[i]! += counts[i]!;
      total += counts[i]!;
    }
  }
  if (total === 0) return Number.NaN;
  const rank = Math.min(total, Math.max(1, Math.ceil(quantile * total - 1e-9)));
  let seen = 0;
  for (let i = 0; i < sum.length; i++) {
    seen += sum[i]!;
    if (seen >= rank) return largestUs[i]!;
  }
  return Number.NaN;
}
