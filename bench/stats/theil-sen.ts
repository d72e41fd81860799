/**
 * The slope of a noisy series that no outlier can bend: the median of the slopes between all pairs
 * of points (Theil 1950), with the interval of Sen (1968) from the variance of Kendall's S. Points
 * close in time resemble each other (a heap saws between collections), which makes that variance
 * too small; it is widened by the correlation of neighbouring residuals (Yue and Wang 2004).
 */
import { ascending, quantileOfSorted } from './quantile.ts';
import { normalQuantile } from './student-t.ts';
import type { Interval } from './trimmed-mean.ts';

/** Below this a slope's interval would be a guess. */
const POINTS_MIN = 4;
/** Neighbours more alike than this are a series that wanders; no interval would be wide enough. */
const CORRELATION_MAX = 0.98;

/** One point of a series. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * Slope (units of y for one of x) and its interval at `level`. The points are in the order of x.
 * Undefined below four points or when all lie at one x. Time and memory grow with the square of the
 * points: 500 of them are 125,000 slopes.
 */
export function theilSen(points: readonly Point[], level: number): Interval | undefined {
  const slopes = slopesOf(points);
  if (points.length < POINTS_MIN || slopes.length === 0) return undefined;
  const value = quantileOfSorted(slopes, 0.5);
  const residuals = points.map(({ x, y }) => y - value * x);
  const variance = kendallVariance(points) * correlationFactor(residuals);
  const reach = normalQuantile((1 + level) / 2) * Math.sqrt(variance);
  const lowRank = Math.floor((slopes.length - reach) / 2) - 1;
  const highRank = Math.ceil((slopes.length + reach) / 2);
  return {
    value,
    low: slopes[lowRank] ?? Number.NEGATIVE_INFINITY,
    high: slopes[highRank] ?? Number.POSITIVE_INFINITY,
  };
}

function slopesOf(points: readonly Point[]): Float64Array {
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2);
  let count = 0;
  for (const [i, from] of points.entries()) {
    for (let k = i + 1; k < points.length; k++) {
      const to = points[k] ?? from;
      if (to.x === from.x) continue;
      slopes[count] = (to.y - from.y) / (to.x - from.x);
      count++;
    }
  }
  return ascending(slopes.subarray(0, count));
}

const kendallTerm = (n: number): number => n * (n - 1) * (2 * n + 5);

/** Variance of Kendall's S, less for equal values of y (Kendall 1975). */
function kendallVariance(points: readonly Point[]): number {
  const equals = new Map<number, number>();
  for (const { y } of points) equals.set(y, (equals.get(y) ?? 0) + 1);
  let ties = 0;
  for (const count of equals.values()) ties += kendallTerm(count);
  return Math.max(1, (kendallTerm(points.length) - ties) / 18);
}

/**
 * How many times the variance of S is what independent points would have: at least 1. The
 * correlation of neighbours is taken for that of an autoregressive series and freed of the bias
 * that short series and the fitted slope give it (Kendall 1954).
 */
function correlationFactor(residuals: readonly number[]): number {
  const n = residuals.length;
  const ranks = ranksOf(residuals);
  const centre = (n - 1) / 2;
  let squares = 0;
  let products = 0;
  for (const [i, rank] of ranks.entries()) {
    squares += (rank - centre) ** 2;
    products += (rank - centre) * ((ranks[i - 1] ?? centre) - centre);
  }
  if (squares === 0) return 1;
  const observed = products / squares;
  const neighbours = Math.min(CORRELATION_MAX, observed + (2 + 4 * observed) / n);
  return Math.max(1, (1 + neighbours) / (1 - neighbours));
}

/** Ranks from 0; equal values share the mean of theirs. */
function ranksOf(values: readonly number[]): Float64Array {
  const order = [...values.keys()].toSorted((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const ranks = new Float64Array(values.length);
  for (let first = 0; first < order.length;) {
    let last = first;
    while (values[order[last + 1] ?? -1] === values[order[first] ?? -1] && last + 1 < order.length)
      last++;
    for (let i = first; i <= last; i++) ranks[order[i] ?? 0] = (first + last) / 2;
    first = last + 1;
  }
  return ranks;
}
