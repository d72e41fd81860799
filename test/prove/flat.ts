/**
 * Holds 256 connections at 10,000 requests a second (Poisson) for 8 minutes: the sidecar's memory
 * stays below 90 MB and does not grow. `--minutes`, `--rps`, `--threads` change that; with
 * `--protocol http2` there are 8 connections of 16 streams, and 100 MB. The slope is Theil and Sen's, of medians of ten samples, one a second, after a warm-up of a quarter of the
 * time, at most 2 min; with fewer than 4 min it is a guess.
 */
import { availableParallelism } from 'node:os';
import { type SettingsOf, choice, integer, settingsOrExit } from '../../base/settings.ts';
import { MemorySampler, type Memory } from '../../bench/figures/memory.ts';
import { Generator } from '../../bench/load/generator.ts';
import type { LoadPlan, LoadResult } from '../../bench/load/plan.ts';
import type { MemoryPoint } from '../../bench/model.ts';
import { SMALL_BYTES, missingBackend, startBackends } from '../../bench/peers/backend.ts';
import { culvert } from '../../bench/peers/culvert.ts';
import { missingHttp2Backend, startHttp2Backends } from '../../bench/peers/http2-backend.ts';
import type { Arm } from '../../bench/peers/peer.ts';
import { theilSen } from '../../bench/stats/theil-sen.ts';
import { conclude, say } from '../support/proof.ts';
import { seedOfRun } from '../support/random.ts';

/** What carries the load, and the most that the sidecar may occupy meanwhile. */
const FORMS = {
  http1: { connections: 256, rssMbMax: 90 },
  http2: { connections: 8, streamsPerConnection: 16, rssMbMax: 100 },
} as const;
const SAMPLE_MS = 1_000;
const SPAN_MS = 10_000;
const MINUTE_MS = 60_000;
const SAY_EVERY_MS = 30_000;
const SLOPE_MB_PER_MINUTE_MAX = 0.1;
const LEVEL = 0.95;
/** With less than this share of the rate the sidecar was not loaded as it is said to be. */
const RATE_SHARE_MIN = 0.95;

const SETTINGS = {
  minutes: integer({ fallback: 8, min: 1, max: 55, reason: 'Length of the time that is judged.' }),
  rps: integer({ fallback: 10_000, min: 1, max: 100_000, reason: 'Requests a second.' }),
  protocol: choice({ fallback: 'http1', of: ['http1', 'http2'], reason: 'What is spoken.' }),
  threads: integer({ fallback: 1, min: 1, max: 64, reason: 'Data threads of the sidecar.' }),
};

const megabytes = (kilobytes: number): number => (kilobytes * 1_024) / 1e6;

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

const planOf = (
  { address: to, pids: watch }: Arm,
  { minutes, protocol, rps }: SettingsOf<typeof SETTINGS>,
): LoadPlan => ({
  protocol,
  to,
  authority: 'web',
  requests: [{ method: 'GET', path: '/', bodyBytes: 0, weight: 1, answerBytes: SMALL_BYTES }],
  connections: FORMS[protocol].connections,
  ...(protocol === 'http2' ? { streamsPerConnection: FORMS.http2.streamsPerConnection } : {}),
  connectionPerRequest: false,
  idleConnections: 0,
  arrival: { kind: 'poisson', perSecond: rps },
  warmupMs: Math.min(2 * MINUTE_MS, (minutes * MINUTE_MS) / 4),
  durationMs: minutes * MINUTE_MS,
  seed: seedOfRun(),
  watch,
});

/** Runs `plan` and samples the memory of the arm meanwhile, from its start on. */
async function sampled(generator: Generator, plan: LoadPlan) {
  const sampler = new MemorySampler(plan.watch, SAMPLE_MS);
  const startedMs = performance.now();
  const progress = setInterval(() => {
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    say(`${seconds} s of ${Math.round((plan.warmupMs + plan.durationMs) / 1_000)} s`);
  }, SAY_EVERY_MS);
  try {
    const result = await generator.run(plan);
    return { result, points: sampler.stop() };
  } finally {
    clearInterval(progress);
    sampler.stop();
  }
}

function judgeLoad(plan: LoadPlan, result: LoadResult, problems: string[]) {
  const rps = plan.arrival.kind === 'closed' ? 0 : plan.arrival.perSecond;
  const carried = (result.completed / result.wallUs) * 1e6;
  const errors = Object.entries(result.errors).filter(([, count]) => count > 0);
  if (carried < RATE_SHARE_MIN * rps) problems.push(`only ${Math.round(carried)} answers a second`);
  for (const [reason, count] of errors) problems.push(`${count} requests failed: ${reason}`);
  const cpuUs = result.cpu.reduce((sum, { totalUs }) => sum + totalUs, 0);
  return {
    'answers a second': Math.round(carried),
    'failed requests': errors.reduce((sum, [, count]) => sum + count, 0),
    'CPU a request, us': (cpuUs / result.completed).toFixed(1),
    generator: result.late === undefined ? 'kept its schedule' : `was late: ${result.late}`,
  };
}

/** Medians of spans of ten seconds: single samples follow each other too closely for an interval. */
function spansOf(points: readonly MemoryPoint[]): { x: number; y: number }[] {
  const spans = Map.groupBy(points, ({ atMs }) => Math.floor(atMs / SPAN_MS));
  return [...spans].map(([span, within]) => ({
    x: (span * SPAN_MS) / MINUTE_MS,
    y: median(within.map(({ rssKb }) => megabytes(rssKb))),
  }));
}

/** For people: how `name` went. */
const halfMinutes = (points: readonly MemoryPoint[], name: keyof Memory): string =>
  [...Map.groupBy(points, ({ atMs }) => Math.floor(atMs / (MINUTE_MS / 2))).values()]
    .map((within) => median(within.map((point) => megabytes(point[name]))).toFixed(1))
    .join(' ');

function judgeMemory(points: readonly MemoryPoint[], rssMbMax: number, problems: string[]) {
  const of = (name: keyof Memory): number[] => points.map((point) => megabytes(point[name]));
  const rssMax = Math.max(...of('rssKb'));
  const slope = theilSen(spansOf(points), LEVEL);
  const { value = Number.NaN, low = Number.NaN, high = Number.NaN } = slope ?? {};
  if (rssMax > rssMbMax) problems.push(`RSS ${rssMax.toFixed(1)} MB is above ${rssMbMax} MB`);
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    problems.push('the slope has no bounds: RSS wanders, or the time is too short');
  } else if (low > 0 && high >= SLOPE_MB_PER_MINUTE_MAX) {
    problems.push('RSS grows');
  }
  return {
    samples: points.length,
    'RSS, MB': `median ${median(of('rssKb')).toFixed(1)}, at most ${rssMax.toFixed(1)}`,
    'RssAnon, MB': `median ${median(of('rssAnonKb')).toFixed(1)}`,
    'PSS, MB': `median ${median(of('pssKb')).toFixed(1)}`,
    'RSS by half minute, MB': halfMinutes(points, 'rssKb'),
    'RssAnon by half minute, MB': halfMinutes(points, 'rssAnonKb'),
    'slope of RSS, MB/min': `${value.toFixed(3)}, 95 % interval ${low.toFixed(3)} to ${high.toFixed(3)}`,
  };
}

async function prove(settings: SettingsOf<typeof SETTINGS>): Promise<void> {
  const loadCore = Math.min(1, availableParallelism() - 1);
  const { protocol, threads } = settings;
  const start = protocol === 'http2' ? startHttp2Backends : startBackends;
  const backends = await start(1, loadCore);
  let arm: Arm | undefined;
  try {
    const topology = { direction: 'inbound', authority: 'web', hops: 1 } as const;
    const served = { ...topology, protocol, threads, backends: backends.addresses };
    // The first start of a tree fills its compile cache, and holds 30 MB more for it.
    await (await culvert().start(served, '0')).stop();
    arm = await culvert().start(served, '0');
    await using generator = await Generator.start(loadCore);
    const plan = planOf(arm, settings);
    say(`CULVERT_TEST_SEED=${plan.seed}; warm-up ${plan.warmupMs / 1_000} s`);
    const { points, result } = await sampled(generator, plan);
    const problems: string[] = [];
    // The generator dials and warms up first: what is judged is the end of what was seen.
    const last = points.at(-1)?.atMs ?? 0;
    const judged = points.filter(({ atMs }) => atMs >= last - plan.durationMs);
    const rows = {
      ...judgeLoad(plan, result, problems),
      ...judgeMemory(judged, FORMS[protocol].rssMbMax, problems),
    };
    conclude(
      `flat, ${protocol}, ${settings.minutes} min at ${settings.rps} a second`,
      rows,
      problems,
    );
  } finally {
    await arm?.stop();
    await backends.stop();
  }
}

const settings = settingsOrExit('npm run prove -- flat [flags]', SETTINGS, () => []);
const missing = settings.protocol === 'http2' ? missingHttp2Backend() : missingBackend();
if (missing === undefined) await prove(settings);
else conclude('flat', {}, [missing]);
