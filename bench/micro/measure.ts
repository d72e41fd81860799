/**
 * Measures one operation: time and bytes that V8 allocated, each divided by the iterations.
 *
 *   warm-up until the compiler is done ─> calibrate ─> short rounds ─> median and its interval
 *
 * A round is shorter than the scheduler's slice, so on a shared core most rounds are undisturbed
 * and the median is one of those.
 */
import v8 from 'node:v8';
import type { Operation } from './micro-case.ts';

const WARM_UP_MS = 300;
const ROUND_MS = 2;
const ROUNDS = 101;
/**
 * Places of the interval among the sorted rounds: the true median lies between the 41st and the
 * 61st of 101 with 95 % (binomial distribution), however the values are distributed.
 */
const LOW = 40;
const MIDDLE = 50;
const HIGH = 60;
/** Rounds' worth of iterations between two looks at the heap, which themselves allocate. */
const ALLOCATION_ROUNDS = 50;

/** What an operation costs. */
export interface Cost {
  /** Nanoseconds an operation: median of the rounds and its 95 % interval. */
  readonly ns: number;
  readonly nsLow: number;
  readonly nsHigh: number;
  /** Bytes allocated on V8's heap an operation. */
  readonly bytes: number;
  /** Operations timed, all rounds together. */
  readonly n: number;
}

/** Measures `operation`, in about 0.7 s; throws when it does not return what it should. */
export function measure(operation: Operation): Cost {
  const until = performance.now() + WARM_UP_MS;
  do repeat(operation, 100);
  while (performance.now() < until);
  const iterations = calibrate(operation);
  const ns = Float64Array.from({ length: ROUNDS }, () => {
    return (msOf(operation, iterations) * 1e6) / iterations;
  }).toSorted();
  return {
    ns: ns[MIDDLE] ?? 0,
    nsLow: ns[LOW] ?? 0,
    nsHigh: ns[HIGH] ?? 0,
    bytes: allocation(operation, iterations * ALLOCATION_ROUNDS),
    n: iterations * ROUNDS,
  };
}

/** Runs it `iterations` times. A wrong result could be a fast one. */
function repeat({ run, expected }: Operation, iterations: number): void {
  let wrong = 0;
  for (let i = 0; i < iterations; i++) if (run() !== expected) wrong++;
  if (wrong > 0) throw new Error(`${wrong} of ${iterations} results were not ${expected}`);
}

function msOf(operation: Operation, iterations: number): number {
  const before = performance.now();
  repeat(operation, iterations);
  return performance.now() - before;
}

/** How many iterations fill a round. */
function calibrate(operation: Operation): number {
  for (let iterations = 16; ; iterations *= 2) {
    const ms = msOf(operation, iterations);
    if (ms * 2 >= ROUND_MS) return Math.ceil((iterations * ROUND_MS) / ms);
  }
}

function allocation(operation: Operation, iterations: number): number {
  const before = v8.getHeapStatistics().total_allocated_bytes;
  repeat(operation, iterations);
  return (v8.getHeapStatistics().total_allocated_bytes - before) / iterations;
}
