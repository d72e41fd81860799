/**
 * A run that never was, for the tests of the report: every kind of result, in the sizes that a real
 * run has, the same for the same seed.
 */
import { LATENCY_SLOTS, recordLatency, toSparseCounts } from '../../api/histogram.ts';
import type { SparseCounts } from '../../api/histogram.ts';
import { Rng } from '../../base/rng.ts';
import type { ArmName, BenchRun, Comparison, Figure, MemoryPoint } from '../model.ts';
import { interval } from '../stats/bootstrap.ts';
import { pairedRatio } from '../stats/paired.ts';

const ARMS: readonly ArmName[] = ['direct', 'haproxy', 'culvert', 'nginx'];
const SCENARIOS = ['http1-keepalive', 'http1-connection-per-request'];
const SATURATION = 'saturation';
const PACED = ['1000 rps', '5000 rps'];
const ROUNDS = 12;
/** As many latencies are drawn, and each is counted so often. */
const DRAWN = 12_000;
const TIMES = 10;

/** What the arms cost in this world: CPU microseconds a request, and memory in kilobytes. */
const COSTS: Readonly<Record<string, { cpuUs: number; addedUs: number; rssKb: number }>> = {
  direct: { cpuUs: 0, addedUs: 0, rssKb: 0 },
  haproxy: { cpuUs: 16.4, addedUs: 55, rssKb: 15_200 },
  culvert: { cpuUs: 20.1, addedUs: 82, rssKb: 58_400 },
  nginx: { cpuUs: 19.2, addedUs: 61, rssKb: 6_300 },
};

interface Place {
  readonly scenario: string;
  readonly phase: string;
  readonly arm: ArmName;
}

/** `daysAfter` and `factor` make the runs of a history: when, and how dear Culvert was. */
export function sampleRun({ seed = 1, daysAfter = 0, factor = 1 } = {}): BenchRun {
  const rng = new Rng(seed);
  const figures: Figure[] = [];
  const comparisons: Comparison[] = [];
  const places = SCENARIOS.flatMap((scenario) =>
    [SATURATION, ...PACED].flatMap((phase) => ARMS.map((arm) => ({ scenario, phase, arm }))),
  );
  for (const place of places.filter(({ arm }) => arm !== 'direct')) {
    const cpu = (COSTS[place.arm]?.cpuUs ?? 0) * (place.arm === 'culvert' ? factor : 1);
    const dear = place.scenario === SCENARIOS[1] ? 4.2 : 1;
    add(figures, rng, place, 'cpuUsPerRequest', cpu * dear);
    add(figures, rng, place, 'utilisation', place.phase === SATURATION ? 0.98 : 0.1);
    if (place.phase === SATURATION) add(figures, rng, place, 'maxRatePerCore', 1e6 / (cpu * dear));
    for (const [name, share] of [
      ['rssKb', 1],
      ['rssAnonKb', 0.6],
      ['pssKb', 0.8],
    ] as const) {
      add(figures, rng, place, name, (COSTS[place.arm]?.rssKb ?? 0) * share);
    }
    if (place.arm !== 'culvert' || place.phase !== SATURATION) continue;
    add(figures, rng, place, 'garbageBytesPerRequest', 1_420);
    add(figures, rng, place, 'syscallsPerRequest', 4.1);
  }
  for (const place of places.filter(({ arm }) => arm === 'culvert')) {
    const blocksOf = (arm: ArmName): readonly number[] =>
      figures.find(
        (one) =>
          one.arm === arm &&
          one.name === 'cpuUsPerRequest' &&
          one.phase === place.phase &&
          one.scenario === place.scenario,
      )?.blocks ?? [];
    for (const against of ['haproxy', 'nginx']) {
      const found = pairedRatio(blocksOf(against), blocksOf('culvert'), 0.95);
      if (found === undefined) continue;
      comparisons.push({
        ...place,
        name: 'cpuUsPerRequest',
        against,
        kind: 'ratio',
        level: 0.95,
        ...found,
      });
    }
  }
  return {
    conditions: conditionsOf(seed, daysAfter),
    figures,
    comparisons,
    curves: places
      .filter(({ phase }) => phase !== SATURATION)
      .map((place) => ({ ...place, counts: latencies(rng, COSTS[place.arm]?.addedUs ?? 0) })),
    memory: places
      .filter(({ arm, phase }) => arm !== 'direct' && phase === PACED[1])
      .map((place) => ({ ...place, points: memoryOf(rng, COSTS[place.arm]?.rssKb ?? 0) })),
    tallies: places.map((place) => ({
      ...place,
      valid: ROUNDS,
      voided: place.arm === 'nginx' ? { steal: 1, 'late generator': 1 } : {},
      requests: DRAWN * TIMES,
      errors: 0,
    })),
    verdicts: [
      {
        outcome: 'pass',
        what: 'http1-keepalive, saturation: cpuUsPerRequest of culvert / haproxy',
        measured: '1.23 (99.9 %: 1.2 to 1.26)',
        budget: '<= 1.5 + 15 % = 1.73',
      },
      {
        outcome: 'fail',
        what: 'http1-keepalive, 5000 rps: p99Us of culvert - direct',
        measured: '1420 (99.9 %: 1180 to 1660)',
        budget: '<= 1000',
      },
      {
        outcome: 'undecided',
        what: 'many-idle-connections, idle: rssKb of culvert',
        measured: 'not measured',
        budget: '<= 92160',
      },
    ],
    skipped: [{ what: 'envoy', why: 'the variable ENVOY names no program' }],
    notes: ['The machine has no hardware counters; cycles are not reported.'],
  };
}

function conditionsOf(seed: number, daysAfter: number): BenchRun['conditions'] {
  const startedAt = new Date(Date.UTC(2026, 0, 5 + daysAfter, 9, 30)).toISOString();
  return {
    startedAt,
    commit: `${(0xfb9d581 + daysAfter * 7_919).toString(16)}${daysAfter === 0 ? '+' : ''}`,
    seed,
    cpuModel: 'Sample CPU @ 2.00GHz',
    cores: 2,
    memoryMb: 8_192,
    kernel: 'Linux 6.18',
    versions: { node: '26.10.0', haproxy: '2.6.12', nginx: '1.22.1' },
    proxyCore: 0,
    loadCore: 1,
  };
}

function add(figures: Figure[], rng: Rng, place: Place, name: string, about: number): void {
  const blocks = Array.from({ length: ROUNDS }, () => about * (1 + 0.03 * spread(rng)));
  const found = interval(blocks, { level: 0.95, rng, resamples: 500 });
  if (found !== undefined) figures.push({ ...place, name, ...found, blocks });
}

/** About normal: the sum of twelve uniform numbers has a variance of one. */
function spread(rng: Rng): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += rng.integer(1_000_000) / 1_000_000;
  return sum;
}

/** Most near 60 us and what the arm adds, some queued, a few that met a pause. */
function latencies(rng: Rng, addedUs: number): SparseCounts {
  const counts = new Uint32Array(LATENCY_SLOTS);
  for (let i = 0; i < DRAWN; i++) {
    const calm = (60 + addedUs) * Math.exp(0.25 * spread(rng));
    const queued = rng.integer(100) < 3 ? rng.integer(900) : 0;
    const paused = rng.integer(2_000) === 0 ? 800 + rng.integer(2_400) : 0;
    recordLatency(counts, calm + queued + paused);
  }
  return toSparseCounts(counts.map((count) => count * TIMES));
}

/** A minute, one look a second: a heap that saws. */
function memoryOf(rng: Rng, rssKb: number): MemoryPoint[] {
  return Array.from({ length: 60 }, (_, second) => {
    const heapKb = 0.6 * rssKb * (0.92 + 0.01 * (second % 9)) + rng.integer(120);
    return {
      atMs: second * 1_000,
      rssKb: Math.round(0.4 * rssKb + heapKb),
      rssAnonKb: Math.round(heapKb),
      pssKb: Math.round(0.2 * rssKb + heapKb),
    };
  });
}
