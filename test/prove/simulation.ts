/**
 * Lives days of simulated churn, one a seed: whole proxies over the in-memory transport, a fake clock
 * and seeded faults (docs/simulation.md). `--seeds N --from S` says which, `--seed S` one of them,
 * with `--trace` all its events, and with `--until EVENT` no further than that.
 */
import { flag, integer, settingsOrExit } from '../../base/settings.ts';
import { Met } from '../simulation/met.ts';
import { type DayReport, liveDay } from '../simulation/simulation.ts';
import { UntilReached } from '../simulation/trace.ts';
import { conclude, say } from '../support/proof.ts';

const settings = settingsOrExit('npm run prove -- simulation [flags]', {
  seeds: integer({ fallback: 200, min: 1, max: 1e6, reason: 'Days that are lived.' }),
  from: integer({ fallback: 1, min: 0, max: 2 ** 31, reason: 'The first seed.' }),
  seed: integer({ fallback: -1, min: -1, max: 2 ** 31, reason: 'Only this one; -1: all.' }),
  until: integer({ fallback: 0, min: 0, max: 1e9, reason: 'The event to stop at; 0: none.' }),
  hours: integer({ fallback: 24, min: 2, max: 10_000, reason: 'How long a day is.' }),
  trace: flag({ reason: 'Every event is told.' }),
});

const FAILURES_MAX = 3;
/** So many days meet all that there is. */
const DAYS_OF_ALL = 20;
const met = new Met();
const first = settings.seed >= 0 ? settings.seed : settings.from;
const end = settings.seed >= 0 ? first + 1 : first + settings.seeds;
const problems: string[] = [];
const reports: DayReport[] = [];
const sinceMs = performance.now();

async function live(seed: number): Promise<void> {
  const beginMs = performance.now();
  try {
    const report = await liveDay(seed, {
      hours: settings.hours,
      tell: settings.trace ? say : undefined,
      until: settings.until === 0 ? undefined : settings.until,
    });
    reports.push(report);
    met.add(report.met);
    const { faults, outcomes, requests } = report;
    const seconds = ((performance.now() - beginMs) / 1_000).toFixed(1);
    say(
      `seed ${seed}: ${requests} requests ${JSON.stringify(outcomes)}, ${faults} faults, ${seconds} s`,
    );
  } catch (error) {
    if (error instanceof UntilReached) return say(error.message);
    problems.push(error instanceof Error ? error.message : String(error));
    say(`seed ${seed}: fails`);
  }
}

for (let seed = first; seed < end && problems.length < FAILURES_MAX; seed++) await live(seed);
if (reports.length >= DAYS_OF_ALL) {
  for (const what of met.missing) problems.push(`no day has met ${what}`);
}
const sum = (of: (report: DayReport) => number): number =>
  reports.reduce((total, report) => total + of(report), 0);
const rows = {
  days: reports.length,
  requests: sum(({ requests }) => requests),
  faults: sum(({ faults }) => faults),
  'steps of the network': sum(({ steps }) => steps),
  seconds: Math.round((performance.now() - sinceMs) / 1_000),
};
conclude('simulation', rows, problems);
