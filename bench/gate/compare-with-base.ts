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
  const base = wanted === '' ? mergeBase(root) : commitOf(root, wanted);
  if (base === undefined) return [noBase(wanted)];
  parts.say(`${REGRESSION}: checks out ${base.slice(0, 12)}`);
  const worktree = addWorktree(root, base);
  try {
    parts.ledger.notes.push(`The base of the regression gate is ${base.slice(0, 12)}.`);
    const trees = { base: worktree.root, candidate: root };
    return await regression(new Stage(REGRESSION, parts), trees, budget);
  } finally {
    worktree.remove();
  }
}

/** A base that was named must exist; a clone without history has none. */
const noBase = (wanted: string): Verdict => ({
  outcome: wanted === '' ? 'undecided' : 'fail',
  what: `${REGRESSION}: CPU per request of this tree / its base`,
  measured: wanted === '' ? 'this clone has no earlier commit' : `there is no commit "${wanted}"`,
  budget: 'a base to compare with',
});
