/**
 * `npm run bench`: what Culvert costs beside its peers, on this machine, now. Measures, prints a
 * table and a verdict a line, writes JSON lines, a report with plots, and the history.
 * docs/bench.md tells how to read it.
 */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { EXIT_USAGE, settingsOrExit } from '../base/settings.ts';
import { conditionsOf } from './figures/machine.ts';
import { judge, readBudgets } from './gate/budgets.ts';
import { compareWithBase } from './gate/compare-with-base.ts';
import { LOAD_CORE, PROXY_CORE, whyNoBench, withBench } from './run/bench.ts';
import { Stage, type StageParts } from './run/stage.ts';
import { Timetable } from './run/timetable.ts';
import { SCENARIOS } from './scenarios/all-scenarios.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { type Selection, select } from './select.ts';
import { BENCH_SETTINGS, type BenchSettings, USAGE, checkSettings } from './settings.ts';
import { writeRun } from './write-run.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
/** This share of a block comes before it and does not count: connections open, caches fill. */
const WARMUP_SHARE = 0.15;
const BLOCK_MS = 600;
/** Of a run of all scenarios: half an hour. */
const WHOLE_BLOCK_MS = 250;
/** Short blocks for who has little time; CI has. */
const QUICK_BLOCK_MS_MAX = 700;
const BUDGETS = readBudgets(new URL('budgets.json', import.meta.url));

const settings = settingsOrExit(USAGE, BENCH_SETTINGS, checkSettings);
const selection = select(settings);
const cannot = whyNoBench(availableParallelism());
if (settings.list) {
  for (const { about, name } of SCENARIOS) process.stdout.write(`${name.padEnd(30)}${about}\n`);
} else if (!('scenarios' in selection)) {
  process.stderr.write(`${selection.join('\n')}\n`);
  process.exitCode = EXIT_USAGE;
} else if (cannot !== undefined) {
  process.stderr.write(`${cannot}\n`);
  process.exitCode = 1;
} else {
  process.exitCode = await bench(settings, selection);
}

/** Measures all of the selection; exit code 1 when a scenario broke or the gate found something. */
async function bench(options: BenchSettings, { peers, scenarios }: Selection): Promise<number> {
  const { gate, rounds } = options;
  const seed = options.seed === 0 ? randomInt(1, 2 ** 31) : options.seed;
  const quick = options.quick || gate;
  const whole = !quick && options.scenario.length === 0;
  const wantedMs = options.blockMs > 0 ? options.blockMs : whole ? WHOLE_BLOCK_MS : BLOCK_MS;
  const blockMs = quick ? Math.min(wantedMs, QUICK_BLOCK_MS_MAX) : wantedMs;
  const at = { root: ROOT, seed, peers, proxyCore: PROXY_CORE, loadCore: LOAD_CORE };
  const conditions = conditionsOf(at);
  const pace = { rounds, blockMs, warmupMs: Math.round(blockMs * WARMUP_SHARE) };
  const secondsOf = ({ quickSeconds, seconds }: Scenario): number =>
    quick ? (quickSeconds ?? seconds) : seconds;
  const gateSeconds = gate ? BUDGETS.regression.seconds : 0;
  const all = scenarios.reduce((sum, scenario) => sum + secondsOf(scenario), gateSeconds);
  const timetable = new Timetable(process.stderr, all);
  const broken: string[] = [];
  const ledger = await withBench(
    { peers, pace, quick, gate, seed, say: timetable.say },
    async (parts) => {
      for (const scenario of scenarios) {
        await timetable.part(secondsOf(scenario), async () => {
          if (!(await play(scenario, parts))) broken.push(scenario.name);
        });
      }
      const ran = scenarios.map(({ name }) => name);
      parts.ledger.verdicts.push(...judge(BUDGETS.budgets, parts.ledger, ran));
      if (gate) {
        await timetable.part(gateSeconds, async () => {
          const compared = compareWithBase(parts, ROOT, options.base, BUDGETS.regression);
          parts.ledger.verdicts.push(...(await compared));
        });
      }
      return parts.ledger;
    },
  );
  timetable.end();
  ledger.notes.push(
    `Blocks of ${blockMs} ms after ${pace.warmupMs} ms of warm-up, ${rounds} rounds; open loops are Poisson.`,
  );
  const run = { conditions, ...ledger.content() };
  const asked = process.argv.slice(2).filter((one) => one !== '--seed' && one !== String(seed));
  writeRun(run, options, `npm run bench -- ${[...asked, '--seed', String(seed)].join(' ')}`);
  const failed = run.verdicts.filter(({ outcome }) => outcome === 'fail').map(({ what }) => what);
  const found = gate ? [...broken, ...failed] : broken;
  if (found.length === 0) return 0;
  process.stderr.write(`failed: ${found.join('; ')}\n`);
  return 1;
}

/** Whether the scenario could be measured; one that breaks does not take the others along. */
async function play(scenario: Scenario, parts: StageParts): Promise<boolean> {
  try {
    await scenario.run(new Stage(scenario.name, parts));
    return true;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    parts.ledger.skip(scenario.name, `it broke: ${why}`);
    return false;
  }
}
