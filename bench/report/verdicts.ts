/** Verdicts as lines: outcome, what is bounded, what was measured, the budget. */
import type { Outcome, Verdict } from '../model.ts';

/** Failure is the word to be seen. */
export const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = {
  pass: 'pass',
  fail: 'FAIL',
  undecided: 'undecided',
};

const OUTCOME_WIDTH = Math.max(...Object.values(OUTCOME_WORDS).map((word) => word.length));

/** One line a verdict in the order given; the empty text without verdicts. */
export function renderVerdicts(verdicts: readonly Verdict[]): string {
  const width = Math.max(0, ...verdicts.map(({ what }) => what.length));
  return verdicts
    .map(({ outcome, what, measured, budget }) => {
      const word = OUTCOME_WORDS[outcome].padEnd(OUTCOME_WIDTH);
      return `${word}  ${what.padEnd(width)}  ${measured}, budget ${budget}\n`;
    })
    .join('');
}
