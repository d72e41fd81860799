/**
 * The regression gate is honest: ten runs of a tree against itself do not fail, and ten against a
 * copy that spends a tenth more CPU on each request all fail. Arguments: the number of runs, and
 * "same" or "slower" for one half of it.
 */
import path from 'node:path';
import { readBudgets, round } from '../../bench/gate/budgets.ts';
import { BASE, regression } from '../../bench/gate/regression.ts';
import { addSlowdown } from '../../bench/gate/slowdown.ts';
import { type Worktree, addWorktree } from '../../bench/gate/worktree.ts';
import { withBench } from '../../bench/run/bench.ts';
import { Stage, type StageParts } from '../../bench/run/stage.ts';
import { argument, conclude, say } from '../support/proof.ts';
import { seedOfRun } from '../support/random.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SLOWER_BY = 0.1;
const PACE = { rounds: 0, blockMs: 0, warmupMs: 0 };

const runs = argument('runs', 10);
const half = process.argv[3] ?? 'both';
const seed = seedOfRun();
const budget = readBudgets(new URL('../../bench/budgets.json', import.meta.url)).regression;
const ignore = (): void => undefined;
const problems: string[] = [];
const rows: Record<string, number | string> = {
  seed,
  pairs: budget.pairs,
  blockMs: budget.blockMs,
};

/** What one run of the gate said of a candidate. */
interface Run {
  readonly failed: boolean;
  /** Of the base, inbound. */
  readonly cpuUsPerRequest: number;
}

async function once(
  parts: StageParts,
  name: string,
  base: Worktree,
  candidate: Worktree,
): Promise<Run> {
  const stage = new Stage(name, parts);
  const trees = { base: base.root, candidate: candidate.root };
  const verdicts = await regression(stage, trees, budget);
  const said = verdicts.map(({ measured, outcome }) => `${outcome} ${measured}`).join(' | ');
  rows[name] = said;
  say(`${name}: ${said}`);
  const cost = parts.ledger.figure(stage.place('inbound', BASE), 'cpuUsPerRequest');
  if (cost === undefined) throw new Error(`${name}: no block was valid`);
  const failed = verdicts.some(({ outcome }) => outcome === 'fail');
  return { failed, cpuUsPerRequest: cost.value };
}

async function prove(parts: StageParts): Promise<void> {
  const trees: Worktree[] = [];
  const checkOut = (): Worktree => {
    const tree = addWorktree(ROOT, 'HEAD');
    trees.push(tree);
    return tree;
  };
  try {
    const [base, same, slower] = [checkOut(), checkOut(), checkOut()];
    let cpuUs = 0;
    let falseAlarms = 0;
    // One run tells what a request costs, also when only the other half is wanted.
    const sameRuns = half === 'slower' ? 1 : runs;
    for (let i = 1; i <= sameRuns; i++) {
      const { cpuUsPerRequest, failed } = await once(parts, `A/A ${i}`, base, same);
      cpuUs += cpuUsPerRequest / sameRuns;
      if (failed) falseAlarms++;
    }
    rows['A/A runs that failed'] = `${falseAlarms} of ${sameRuns}`;
    if (falseAlarms > 0) problems.push(`${falseAlarms} of ${sameRuns} A/A runs failed`);
    if (half === 'same') return;
    const spinUs = round(cpuUs * SLOWER_BY);
    rows['spin added to each exchange, us'] = spinUs;
    addSlowdown(slower.root, spinUs);
    let caught = 0;
    for (let i = 1; i <= runs; i++) {
      if ((await once(parts, `slower ${i}`, base, slower)).failed) caught++;
    }
    rows['slower runs that failed'] = `${caught} of ${runs}`;
    if (caught < runs) problems.push(`${runs - caught} of ${runs} slower runs passed`);
  } finally {
    for (const tree of trees) tree.remove();
  }
}

await withBench({ peers: [], pace: PACE, quick: false, seed, say: ignore }, prove);
conclude('the regression gate', rows, problems);
