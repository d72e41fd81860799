/** What a run could have seen: an arm against itself shows how far chance alone goes. */
import { pairedRatio } from './paired.ts';
import type { PairedInterval } from './paired.ts';
import { studentTQuantile } from './student-t.ts';
import { trimmedMean } from './trimmed-mean.ts';

/** Share of runs that find a difference of the smallest visible size, if the spread were known. */
const POWER = 0.95;

/** What an A/A series says about all comparisons of its run. */
export interface Visible {
  /** Ratio above 1 (1.03 for 3 %) that an interval at the level would have told from 1. */
  readonly ratio: number;
  /** B / A of the arm against itself; where it does not hold 1, the run favours a position. */
  readonly same: PairedInterval;
}

/**
 * From the rounds of an arm measured twice a round: the smallest ratio whose interval at `level`
 * would lie wholly beside 1 in most runs like this one (simulated with 20 pairs at 99.9 %: in 86 of
 * 100, since the spread is itself an estimate). Undefined below two pairs.
 */
export function smallestVisible(
  a: readonly number[],
  b: readonly number[],
  level: number,
): Visible | undefined {
  const same = pairedRatio(a, b, level);
  if (same === undefined || same.pairs < 2) return undefined;
  const logs = a.map((one, i) => Math.log((b[i] ?? Number.NaN) / one)).filter(Number.isFinite);
  const { standardError, degrees } = trimmedMean(logs);
  const errors = studentTQuantile((1 + level) / 2, degrees) + studentTQuantile(POWER, degrees);
  return { ratio: Math.exp(errors * standardError), same };
}
