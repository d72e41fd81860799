/**
 * The interval that gates read: Student's t about the trimmed mean (Tukey and McLaughlin 1963; Yuen
 * 1974). docs/decisions/006-bench-statistics.md has the simulated coverage that chose it.
 */
import { ascending } from './quantile.ts';
import { studentTQuantile } from './student-t.ts';

/** Share of the values left out at each end; nothing below ten values, which is Student's own t. */
const TRIM = 0.1;

/** A number and the bounds that hold the true one with the level asked for. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What a trimmed mean is made of: `degrees` of freedom of its t, and its standard error. */
export interface TrimmedMean {
  readonly value: number;
  readonly standardError: number;
  readonly degrees: number;
}

/** Trimmed mean with its standard error; infinite from one value, NaN from none. */
export function trimmedMean(values: readonly number[]): TrimmedMean {
  const sorted = ascending(values);
  const cut = Math.floor(TRIM * sorted.length);
  const kept = sorted.length - 2 * cut;
  const inner = sorted.subarray(cut, sorted.length - cut);
  const value = meanOf(inner);
  // The error of the trimmed mean follows from the winsorised spread: cut values count as the last
  // one that was kept.
  const winsorised = sorted.slice();
  winsorised.fill(sorted[cut] ?? Number.NaN, 0, cut);
  winsorised.fill(sorted[sorted.length - 1 - cut] ?? Number.NaN, sorted.length - cut);
  const centre = meanOf(winsorised);
  let squares = 0;
  for (const each of winsorised) squares += (each - centre) ** 2;
  const standardError =
    kept > 1 ? Math.sqrt(squares / (kept * (kept - 1))) : Number.POSITIVE_INFINITY;
  return { value, standardError, degrees: Math.max(1, kept - 1) };
}

/**
 * The trimmed mean of `values` between bounds at `level` (0 to 1, as 0.999). One value says nothing
 * of its error: its bounds are infinite. None: undefined.
 */
export function trimmedMeanInterval(
  values: readonly number[],
  level: number,
): Interval | undefined {
  if (values.length === 0) return undefined;
  const { value, standardError, degrees } = trimmedMean(values);
  if (standardError === 0) return { value, low: value, high: value };
  const half = standardError * studentTQuantile((1 + level) / 2, degrees);
  return { value, low: value - half, high: value + half };
}

function meanOf(values: Float64Array): number {
  let sum = 0;
  for (const each of values) sum += each;
  return sum / values.length;
}
