/**
 * Budgets: what Culvert may cost, each with its reason, in `bench/budgets.json`. A budget fails when
 * the interval of what was measured lies wholly above it, at a level where several of them together
 * hardly ever fail by chance.
 */
import { readFileSync } from 'node:fs';
import type { Comparison, Figure, Outcome, Skip, Verdict } from '../model.ts';
import { STEAL } from '../run/block.ts';
import type { Ledger } from '../run/ledger.ts';

/** Level of the intervals that gates read: about thirty of them fail by chance once in 60 runs. */
export const GATE_LEVEL = 0.999;

/** One bound; `max` is in the unit that the figure's name ends with, or a ratio. */
export interface Budget {
  readonly scenario: string;
  readonly phase: string;
  readonly figure: string;
  readonly arm: string;
  /** Compared with this arm in the same run; absent: the figure itself is bounded. */
  readonly against?: string;
  readonly kind?: Comparison['kind'];
  readonly max: number;
  /** Share of `max` that is allowed on top before the gate fails. */
  readonly slack: number;
  readonly reason: string;
}

/** What the commit may cost more than its base. */
export interface RegressionBudget {
  /** Ratio of CPU per request, candidate to base. */
  readonly max: number;
  /** Starts of both, each measured once. */
  readonly pairs: number;
  readonly warmupMs: number;
  readonly blockMs: number;
  /** About how long it takes, for people who wait. */
  readonly seconds: number;
  readonly reason: string;
}

/** The file. */
export interface Budgets {
  readonly budgets: readonly Budget[];
  readonly regression: RegressionBudget;
}

/** Reads `file`; throws with its name when it is not what it should be. */
export function readBudgets(file: URL): Budgets {
  const read = JSON.parse(readFileSync(file, 'utf8')) as Budgets;
  for (const budget of read.budgets) {
    const { arm, figure, max, phase, reason, scenario, slack } = budget;
    const texts = [arm, figure, phase, reason, scenario];
    const numbers = [max, slack];
    const complete =
      texts.every((text) => typeof text === 'string' && text !== '') &&
      numbers.every((number) => Number.isFinite(number) && number >= 0) &&
      (budget.against === undefined) === (budget.kind === undefined);
    if (!complete) throw new Error(`${file.pathname}: incomplete budget ${JSON.stringify(budget)}`);
  }
  return read;
}

/** Of all requests to an arm of ours, those that may go without a whole good answer. */
const ERRORS_SHARE_MAX = 1e-4;

/** A verdict for each budget whose scenario was run, and one on the errors of each that was. */
export function judge(
  budgets: readonly Budget[],
  ledger: Ledger,
  ran: readonly string[],
): readonly Verdict[] {
  const bounded = budgets.filter(({ scenario }) => ran.includes(scenario));
  return [
    ...bounded.map((one) => verdict(one, ledger)),
    ...ran.map((one) => errorsOf(one, ledger)),
  ];
}

/** Cheap and fast are answers that are none: what the figures are worth hangs on this one. */
export function errorsOf(scenario: string, { tallies }: Pick<Ledger, 'tallies'>): Verdict {
  const ours = tallies.filter((one) => one.scenario === scenario && one.arm.startsWith('culvert'));
  const errors = ours.reduce((sum, one) => sum + one.errors, 0);
  const requests = ours.reduce((sum, one) => sum + one.requests, 0);
  return {
    outcome: errors > requests * ERRORS_SHARE_MAX ? 'fail' : 'pass',
    what: `${scenario}: requests without a whole good answer`,
    measured: `${errors} beside ${requests} answered`,
    budget: `<= ${ERRORS_SHARE_MAX * 100} %`,
  };
}

function verdict(budget: Budget, ledger: Ledger): Verdict {
  const { against, arm, figure, max, phase, scenario, slack } = budget;
  const to =
    against === undefined ? '' : budget.kind === 'ratio' ? ` / ${against}` : ` - ${against}`;
  const what = `${scenario}, ${phase}: ${figure} of ${arm}${to}`;
  const limit = max * (1 + slack);
  const said = slack > 0 ? `<= ${max} + ${slack * 100} % = ${round(limit)}` : `<= ${max}`;
  const measured = measure(budget, ledger);
  if (measured === undefined) {
    // A peer that is not installed excuses, and so does a host that took the machine away; a figure that
    // merely is not there does not.
    const excuse =
      ledger.skipped.find((skip) => isExcuse(budget, skip))?.why ?? stolen(budget, ledger);
    const outcome = excuse === undefined ? 'fail' : 'undecided';
    const why = `not measured: ${excuse ?? 'too few valid blocks'}`;
    return { outcome, what, measured: why, budget: said };
  }
  const { high, low, value } = measured;
  return {
    outcome: outcomeOf(measured, limit),
    what,
    measured: `${round(value)} (${GATE_LEVEL * 100} %: ${round(low)} to ${round(high)})`,
    budget: said,
  };
}

/** An interval that holds the limit says neither. */
export function outcomeOf({ high, low }: Pick<Figure, 'low' | 'high'>, limit: number): Outcome {
  if (low > limit) return 'fail';
  return high <= limit ? 'pass' : 'undecided';
}

/** A scenario that broke is named here too, but fails the run by itself. */
const isExcuse = ({ against, arm, figure, scenario }: Budget, { what }: Skip): boolean =>
  what === scenario ||
  what === `${against} in ${scenario}` ||
  (figure === 'syscallsPerRequest' && what === `system calls of ${arm}`);

/** Said where most of what was void of an arm was so for steal. */
function stolen({ against, arm, phase, scenario }: Budget, ledger: Ledger): string | undefined {
  for (const tally of ledger.tallies) {
    if (tally.scenario !== scenario || tally.phase !== phase) continue;
    if (tally.arm !== arm && tally.arm !== against) continue;
    const all = Object.values(tally.voided).reduce((sum, each) => sum + each, 0);
    const ofSteal = tally.voided[STEAL] ?? 0;
    if (ofSteal * 2 > all) {
      return `the host took the machine from ${ofSteal} of ${all + tally.valid} blocks of ${tally.arm}`;
    }
  }
  return undefined;
}

function measure(budget: Budget, ledger: Ledger): Figure | Comparison | undefined {
  const { against, arm, figure: name, kind, phase, scenario } = budget;
  if (against === undefined || kind === undefined) {
    return ledger.figure({ scenario, phase, arm }, name, GATE_LEVEL);
  }
  return ledger.comparison({ scenario, phase, name, arm, against, kind }, GATE_LEVEL);
}

/** Three significant digits, whole numbers whole. */
export const round = (value: number): number =>
  Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
