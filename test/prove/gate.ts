/**
 * The regression gate is honest: ten runs of a tree against itself do not fail, and ten against a
 * copy that spends a tenth more CPU on each request all fail. Arguments: the number of runs, and
 * "same" or "slower" for one half of it.
 */
import path from 'node:path';
import { readBudgets, round } from '../../bench/gate/budgets.ts';
import { BASE, CANDIDATE, regression } from '../../bench/gate/regression.ts';
import { addSlowdown } from '../../bench/gate/slowdown.ts';
import { type Worktree, addWorktree } from '../../bench/gate/worktree.ts';
import { withBench } from '../../bench/run/bench.ts';
import { Stage, type StageParts } from '../../bench/run/stage.ts';
import { argument, conclude, say } from '../support/proof.ts';
import { seedOfRun } from '../support/random.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const SLOWER_BY = 0.1;
const STEPS_TRIED = 2_000;
const CALIBRATIONS = 2;
const SIDES = ['inbound', 'outbound'];
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
  /** CPU per request to the base's, the mean of both sides. */
  readonly ratio: number;
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
  const ratios = SIDES.map((side) => ratioOf(parts, name, side));
  const ratio = ratios.reduce((sum, one) => sum + one, 0) / ratios.length;
  return { failed: verdicts.some(({ outcome }) => outcome === 'fail'), ratio };
}

function ratioOf({ ledger }: StageParts, scenario: string, phase: string): number {
  const arms = { arm: CANDIDATE, against: BASE, kind: 'ratio' } as const;
  const found = ledger.comparison({ scenario, phase, name: 'cpuUsPerRequest', ...arms });
  if (found === undefined) throw new Error(`${scenario}, ${phase}: no block was valid`);
  return found.value;
}

/**
 * Steps of work that cost a tenth of a request, by trying twice: what the first try says is tried
 * again, for a step costs less where there are few.
 */
async function tenth(parts: StageParts, base: Worktree, slower: Worktree): Promise<number> {
  let steps = STEPS_TRIED;
  for (let tries = 1; tries <= CALIBRATIONS; tries++) {
    addSlowdown(slower.root, steps);
    const { ratio } = await once(parts, `${steps} steps`, base, slower);
    if (ratio < 1.02) throw new Error(`${steps} steps cost nothing: ratio ${ratio}`);
    steps = Math.round((steps * SLOWER_BY) / (ratio - 1));
  }
  return steps;
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
    if (half !== 'slower') await proveSame(parts, base, same);
    if (half !== 'same') await proveSlower(parts, base, slower);
  } finally {
    for (const tree of trees) tree.remove();
  }
}

async function proveSame(parts: StageParts, base: Worktree, same: Worktree): Promise<void> {
  let alarms = 0;
  for (let i = 1; i <= runs; i++) {
    if ((await once(parts, `A/A ${i}`, base, same)).failed) alarms++;
  }
  rows['A/A runs that failed'] = `${alarms} of ${runs}`;
  if (alarms > 0) problems.push(`${alarms} of ${runs} A/A runs failed`);
}

async function proveSlower(parts: StageParts, base: Worktree, slower: Worktree): Promise<void> {
  const steps = await tenth(parts, base, slower);
  rows['steps added to each exchange'] = steps;
  addSlowdown(slower.root, steps);
  let caught = 0;
  const ratios: number[] = [];
  for (let i = 1; i <= runs; i++) {
    const { failed, ratio } = await once(parts, `slower ${i}`, base, slower);
    ratios.push(ratio);
    if (failed) caught++;
  }
  rows['mean ratio of the slower runs'] = round(ratios.reduce((sum, one) => sum + one, 0) / runs);
  rows['slower runs that failed'] = `${caught} of ${runs}`;
  if (caught < runs) problems.push(`${runs - caught} of ${runs} slower runs passed`);
}

await withBench({ peers: [], pace: PACE, quick: false, gate: false, seed, say: ignore }, prove);
conclude('the regression gate', rows, problems);
