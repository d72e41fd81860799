/**
 * Two arms against each other, paired by round: what drifts between rounds (a neighbour on the
 * machine, its clock, its temperature) meets both and falls out of the difference.
 */
import { trimmedMeanInterval } from './trimmed-mean.ts';
import type { Interval } from './trimmed-mean.ts';

/** An interval and the rounds it was made of. */
export interface PairedInterval extends Interval {
  readonly pairs: number;
}

/**
 * B / A, the trimmed mean of the logarithms of each round's ratio, and its interval at `level`
 * (0.95, 0.999). A round counts when both its numbers are above 0 and finite. One pair is bounded by
 * 0 and infinity; none is undefined. Throws RangeError when the arms differ in rounds.
 */
export function pairedRatio(
  a: readonly number[],
  b: readonly number[],
  level: number,
): PairedInterval | undefined {
  const logs = byRound(a, b, (one, other) =>
    one > 0 && other > 0 ? Math.log(other / one) : Number.NaN,
  );
  const found = trimmedMeanInterval(logs, level);
  if (found === undefined) return undefined;
  return {
    value: Math.exp(found.value),
    low: Math.exp(found.low),
    high: Math.exp(found.high),
    pairs: logs.length,
  };
}

/**
 * B - A, the trimmed mean of each round's difference, and its interval at `level`. A round counts
 * when both its numbers are finite. One pair has infinite bounds; none is undefined. Throws
 * RangeError when the arms differ in rounds.
 */
export function pairedDifference(
  a: readonly number[],
  b: readonly number[],
  level: number,
): PairedInterval | undefined {
  const differences = byRound(a, b, (one, other) => other - one);
  const found = trimmedMeanInterval(differences, level);
  return found === undefined ? undefined : { ...found, pairs: differences.length };
}

function byRound(
  a: readonly number[],
  b: readonly number[],
  compare: (one: number, other: number) => number,
): number[] {
  if (a.length !== b.length) {
    throw new RangeError(`${a.length} rounds cannot be paired with ${b.length}`);
  }
  return a
    .map((one, round) => compare(one, b[round] ?? Number.NaN))
    .filter((each) => Number.isFinite(each));
}
