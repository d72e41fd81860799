/** The regression gate of a run: finds the base, checks it out beside this tree, compares. */
import type { Verdict } from '../model.ts';
import { Stage, type StageParts } from '../run/stage.ts';
import type { RegressionBudget } from './budgets.ts';
import { regression } from './regression.ts';
import { addWorktree, commitOf, mergeBase } from './worktree.ts';

/** Where the figures of the gate stand in the run. */
export const REGRESSION = 'regression';

/** Verdicts on this tree against `wanted` (a revision), or against where this branch began. */
export async function compareWithBase(
  parts: StageParts,
  root: string,
  wanted: string,
  budget: RegressionBudget,
): Promise<readonly Verdict[]> {
  try {
    const base = wanted === '' ? mergeBase(root) : commitOf(root, wanted);
    if (base === undefined) return [noComparison(whyNoBase(wanted))];
    parts.say(`${REGRESSION}: checks out ${base.slice(0, 12)}`);
    parts.ledger.notes.push(`The base of the regression gate is ${base.slice(0, 12)}.`);
    const worktree = addWorktree(root, base);
    try {
      const trees = { base: worktree.root, candidate: root };
      return await regression(new Stage(REGRESSION, parts), trees, budget);
    } finally {
      worktree.remove();
    }
  } catch (error) {
    // What was measured before is not lost with it.
    return [noComparison(error instanceof Error ? error.message : String(error))];
  }
}

const whyNoBase = (wanted: string): string =>
  wanted === ''
    ? 'this clone has no earlier commit: fetch history, or name one with --base'
    : `there is no commit "${wanted}"`;

const noComparison = (why: string): Verdict => ({
  outcome: 'fail',
  what: `${REGRESSION}: CPU per request of this tree / its base`,
  measured: why,
  budget: 'a base to compare with',
});
