/**
 * The regression gate: this tree against an earlier commit, CPU per request at saturation. Each
 * round starts both and loads them at the same time on the same core; the gate reads the interval
 * of the paired ratios.
 */
import { Generator } from '../load/generator.ts';
import type { Verdict } from '../model.ts';
import { culvert } from '../peers/culvert.ts';
import { AUTHORITY, type Stage } from '../run/stage.ts';
import { KEEP_ALIVE } from '../scenarios/http1.ts';
import { GATE_LEVEL, type RegressionBudget, errorsOf, outcomeOf, round } from './budgets.ts';

/** Names of the two arms. */
export const BASE = 'culvert-base';
export const CANDIDATE = 'culvert-candidate';

/** Which trees are compared; equal roots are an A/A run. */
export interface Trees {
  readonly base: string;
  readonly candidate: string;
}

/** A verdict a side, and one on errors; the figures go into the stage's ledger. */
export async function regression(
  stage: Stage,
  trees: Trees,
  budget: RegressionBudget,
): Promise<readonly Verdict[]> {
  const verdicts: Verdict[] = [];
  const pair = [
    culvert({ name: BASE, root: trees.base }),
    culvert({ name: CANDIDATE, root: trees.candidate }),
  ] as const;
  const { blockMs, pairs: rounds, warmupMs } = budget;
  const paced = stage.paced({ rounds, blockMs, warmupMs });
  await using second = await Generator.start(stage.parts.loadCore);
  for (const direction of ['inbound', 'outbound'] as const) {
    const backends = stage.parts.backends.slice(0, direction === 'inbound' ? 1 : 2);
    const topology = { direction, backends, authority: AUTHORITY, threads: 1, hops: 1 } as const;
    await paced.measureTogether(direction, pair, topology, KEEP_ALIVE, second);
    verdicts.push(verdict(paced, direction, budget));
  }
  verdicts.push(errorsOf(stage.scenario, stage.parts.ledger));
  return verdicts;
}

function verdict(stage: Stage, direction: string, { max }: RegressionBudget): Verdict {
  const what = `${stage.scenario}, ${direction}: CPU per request of this tree / its base`;
  const budget = `<= ${max}`;
  const compared = stage.parts.ledger.comparison(
    {
      scenario: stage.scenario,
      phase: direction,
      name: 'cpuUsPerRequest',
      arm: CANDIDATE,
      against: BASE,
      kind: 'ratio',
    },
    GATE_LEVEL,
  );
  if (compared === undefined)
    return { outcome: 'fail', what, measured: 'not measured: no valid block', budget };
  const { high, low, pairs, value } = compared;
  return {
    outcome: outcomeOf(compared, max),
    what,
    measured: `${round(value)} (${GATE_LEVEL * 100} %: ${round(low)} to ${round(high)}, ${pairs} pairs)`,
    budget,
  };
}
