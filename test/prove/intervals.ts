/**
 * Simulates how often the intervals of bench/stats miss the truth, under calm and wild noise, with
 * 20,000 series a row (or the first argument). A miss beside the tolerance is a problem; the table
 * is that of docs/decisions/006-bench-statistics.md.
 */
import { Rng } from '../../base/rng.ts';
import { interval } from '../../bench/stats/bootstrap.ts';
import { pairedRatio } from '../../bench/stats/paired.ts';
import { theilSen } from '../../bench/stats/theil-sen.ts';
import { trimmedMeanInterval } from '../../bench/stats/trimmed-mean.ts';
import { argument, conclude, say } from '../support/proof.ts';

const SEED = 20_260_101;
const SERIES = argument('series', 20_000);
/** The bootstrap is a thousand times dearer. */
const BOOTSTRAP_SERIES = Math.ceil(SERIES / 20);
const BOOTSTRAP_RESAMPLES = 2_000;
const SLOPE_SERIES = Math.ceil(SERIES / 40);
const SIZES: readonly number[] = [10, 16, 30, 60];

const rng = new Rng(SEED);
const uniform = (): number => (rng.integer(2 ** 31) + 1) / 2 ** 31;
const normal = (): number =>
  Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
const studentT = (degrees: number): number => {
  let squares = 0;
  for (let i = 0; i < degrees; i++) squares += normal() ** 2;
  return normal() / Math.sqrt(squares / degrees);
};

/** Noise about 0: calm, heavy tails, and a machine that others use for a tenth or fifth of the time. */
const NOISES: Readonly<Record<string, () => number>> = {
  normal,
  "Student's t, 3 degrees": () => studentT(3),
  "Student's t, 2 degrees": () => studentT(2),
  '10 % outliers, 8 times as wide': () => (uniform() < 0.1 ? 8 : 1) * normal(),
  '20 % outliers, 8 times as wide': () => (uniform() < 0.2 ? 8 : 1) * normal(),
};

const rows: Record<string, string> = {};
const problems: string[] = [];

/** Share of `series` intervals that do not hold 0; more than `most` is a problem. */
function misses(
  name: string,
  series: number,
  most: number,
  find: () => { readonly low: number; readonly high: number } | undefined,
): void {
  let missed = 0;
  for (let i = 0; i < series; i++) {
    const found = find();
    if (found === undefined || found.low > 0 || found.high < 0) missed++;
  }
  const share = missed / series;
  rows[name] = `${(100 * share).toFixed(2)} %  of ${series}`;
  say(`${name}: ${rows[name]}`);
  // Three standard deviations of the count are chance.
  if (share > most + 3 * Math.sqrt((most * (1 - most)) / series)) {
    problems.push(`${name}: more than ${100 * most} %`);
  }
}

for (const [noise, draw] of Object.entries(NOISES)) {
  for (const n of SIZES) {
    const values = (): number[] => Array.from({ length: n }, draw);
    misses(`gate 99.9 %, ${noise}, n = ${n}`, SERIES, 0.002, () =>
      trimmedMeanInterval(values(), 0.999),
    );
    misses(`ratio 95 %, ${noise}, n = ${n}`, SERIES, 0.06, () =>
      trimmedMeanInterval(values(), 0.95),
    );
  }
  for (const n of [10, 30]) {
    const options = { rng, resamples: BOOTSTRAP_RESAMPLES };
    misses(`median 95 %, ${noise}, n = ${n}`, BOOTSTRAP_SERIES, 0.08, () =>
      interval(Array.from({ length: n }, draw), { ...options, level: 0.95 }),
    );
  }
}

// What gates would have read instead, for the record: there is no bound on it.
misses('bootstrap 99.9 % (not used), normal, n = 10', 4 * BOOTSTRAP_SERIES, 1, () =>
  interval(Array.from({ length: 10 }, normal), {
    rng,
    resamples: BOOTSTRAP_RESAMPLES,
    level: 0.999,
  }),
);

for (const likeness of [0, 0.6, 0.9]) {
  misses(`slope 95 %, 120 points, neighbours alike by ${likeness}`, SLOPE_SERIES, 0.1, () => {
    let y = 0;
    const points = Array.from({ length: 120 }, (_, x) => ({ x, y: (y = likeness * y + normal()) }));
    return theilSen(points, 0.95);
  });
}

/** Share of runs whose interval at 99.9 % tells a slowdown of 10 % from one of 3 %. */
function seen(noise: number, pairs: number): number {
  const block = (): number => Math.exp(noise * normal());
  let found = 0;
  for (let i = 0; i < SERIES / 10; i++) {
    const base = Array.from({ length: pairs }, block);
    const slower = Array.from({ length: pairs }, () => 1.1 * block());
    if ((pairedRatio(base, slower, 0.999)?.low ?? 0) > 1.03) found++;
  }
  return found / (SERIES / 10);
}

for (const noise of [0.01, 0.02, 0.04]) {
  for (const pairs of [10, 20, 40, 60]) {
    const share = `${(100 * seen(noise, pairs)).toFixed(1)} %`;
    rows[`10 % slower is seen, noise ${100 * noise} %, ${pairs} pairs`] = share;
  }
}

conclude('intervals hold what their level says', rows, problems);
