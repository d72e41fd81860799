/**
 * Bootstrap interval of any statistic of a few values, by percentiles (Efron 1979). For what is
 * reported at 95 %: at 99.9 % it is falsely narrow for few values, so gates read paired.ts instead
 * (docs/decisions/006-bench-statistics.md).
 */
import type { Rng } from '../../base/rng.ts';
import { ascending, median } from './quantile.ts';
import type { Interval } from './trimmed-mean.ts';

const RESAMPLES = 10_000;

/** How an interval is made; `level` from 0 to 1, as 0.95. */
export interface BootstrapOptions {
  readonly level: number;
  readonly rng: Rng;
  /** Median when absent. */
  readonly statistic?: (values: Float64Array) => number;
  readonly resamples?: number;
}

/** The statistic of `values` and its interval at `level`. Undefined without values. */
export function interval(
  values: readonly number[],
  options: BootstrapOptions,
): Interval | undefined {
  if (values.length === 0) return undefined;
  const { statistic, level, rng, resamples = RESAMPLES } = options;
  if (statistic === undefined) return medianInterval(values, level, rng, resamples);
  const sample = new Float64Array(values.length);
  const statistics = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) {
    for (let k = 0; k < sample.length; k++) {
      sample[k] = values[rng.integer(values.length)] ?? Number.NaN;
    }
    statistics[i] = statistic(sample);
  }
  return { value: statistic(Float64Array.from(values)), ...boundsOf(statistics, level) };
}

/** By how often each value was drawn: a run has thousands of these, and sorting each resample is dear. */
function medianInterval(
  values: readonly number[],
  level: number,
  rng: Rng,
  resamples: number,
): Interval {
  const { length } = values;
  const sorted = ascending(values);
  const byRank = values.map((_, i) => i).toSorted((a, b) => values[a]! - values[b]!);
  const ranks = new Uint32Array(length);
  for (const [rank, i] of byRank.entries()) ranks[i] = rank;
  const times = new Uint32Array(length);
  const medians = new Float64Array(resamples);
  const [below, above] = [Math.floor((length - 1) / 2), Math.ceil((length - 1) / 2)];
  for (let i = 0; i < resamples; i++) {
    times.fill(0);
    for (let k = 0; k < length; k++) times[ranks[rng.integer(length)]!]! += 1;
    let rank = 0;
    let seen = times[0]!;
    while (seen <= below) seen += times[++rank]!;
    const low = sorted[rank]!;
    while (seen <= above) seen += times[++rank]!;
    const high = sorted[rank]!;
    medians[i] = low === high ? low : low + (high - low) / 2;
  }
  return { value: median(values), ...boundsOf(medians, level) };
}

/** The middle `level` of resampled statistics; the outer neighbour where a bound falls between. */
export function boundsOf(
  statistics: Float64Array,
  level: number,
): { readonly low: number; readonly high: number } {
  const sorted = ascending(statistics);
  const last = sorted.length - 1;
  // Less a trifle: 0.05 * 100 is not quite 5.
  const outside = ((1 - level) / 2) * last + 1e-9;
  return {
    low: sorted[Math.floor(outside)] ?? Number.NaN,
    high: sorted[Math.ceil(last - outside)] ?? Number.NaN,
  };
}
