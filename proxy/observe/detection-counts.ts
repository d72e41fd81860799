/**
 * Counts of protocol detection by side and port, in the memory that threads share with the main
 * one: rows of numbers, claimed by the thread that writes them, a port each.
 *
 *   free ─a port─> claimed ─ somebody was reached there ─> kept
 *                     └─ none is free: counted with the further ports from now on, and another's
 *
 * So whoever tries all ports takes no row from those that are served.
 */
import { DIRECTIONS, type Direction } from '../model/exchange.ts';

/** What a connection's detection ended with, in the order of the counts. */
export const DETECTION_RESULTS = ['http1', 'http2', 'tcp', 'none'] as const;
export type DetectionResult = (typeof DETECTION_RESULTS)[number];

/** Bounds of the time-to-detect buckets, milliseconds, inclusive. */
export const DETECTION_BOUNDS_MS = [0.1, 1, 10, 25, 50, 100, 1_000, 10_000] as const;

const SIDE = 0;
const PORT = 1;
/** 1: somebody was reached at the port. */
const KEPT = 2;
const TIMEOUTS = 3;
const SUM_MS = 4;
const RESULTS_AT = 5;
const BUCKETS_AT = RESULTS_AT + DETECTION_RESULTS.length;
const ROW = BUCKETS_AT + DETECTION_BOUNDS_MS.length + 1;
const ROWS = 64;
/** Of single ports; behind them is a row a side for further ones. */
const PORT_ROWS = ROWS - DIRECTIONS.length;
/** Numbers that the counts of one thread take. */
export const DETECTION_COUNTS = ROW * ROWS;
/** The port of connections to further ports than there are rows for, and of those that lead nowhere. */
const OTHER_PORTS = 0;

/** The counts of one port. */
export interface PortDetections {
  readonly direction: Direction;
  /** 0: of all ports that have no row of their own. */
  readonly port: number;
  /** By DETECTION_RESULTS. */
  readonly results: readonly number[];
  /** Decided by time: not enough bytes came. */
  readonly timeouts: number;
  readonly sumMs: number;
  /** By DETECTION_BOUNDS_MS, and one for what took longer; not cumulative. */
  readonly buckets: readonly number[];
}

/** Where the connections of one port are counted: `counts` are one thread's, written by it alone. */
export class DetectionCounter {
  readonly #counts: Float64Array;
  readonly #side: number;
  readonly #port: number;
  readonly #reached: () => boolean;
  #row: Float64Array;

  /**
   * Claims a row, or takes the one that the port has. `reached`: a dial there has succeeded; asked when
   * a protocol was detected, until it is so.
   */
  constructor(counts: Float64Array, direction: Direction, port: number, reached: () => boolean) {
    this.#counts = counts;
    this.#side = DIRECTIONS.indexOf(direction) + 1;
    this.#port = port;
    this.#reached = reached;
    this.#row = rowOf(counts, this.#side, port);
  }

  /** HOT: per exchange, where connections are not kept. */
  add(result: DetectionResult, tookUs: number, timedOut: boolean): void {
    const row = this.#claimed();
    const ms = tookUs / 1000;
    if (row[KEPT] === 0 && result !== 'none' && this.#reached()) row[KEPT] = 1;
    row[RESULTS_AT + DETECTION_RESULTS.indexOf(result)]! += 1;
    row[SUM_MS]! += ms;
    if (timedOut) row[TIMEOUTS]! += 1;
    let bucket = 0;
    while (bucket < DETECTION_BOUNDS_MS.length && ms > DETECTION_BOUNDS_MS[bucket]!) bucket++;
    row[BUCKETS_AT + bucket]! += 1;
  }

  /** Its row, or another one where that has become another port's. */
  #claimed(): Float64Array {
    const row = this.#row;
    const port = row[PORT];
    if (port === OTHER_PORTS || (port === this.#port && row[SIDE] === this.#side)) return row;
    return (this.#row = rowOf(this.#counts, this.#side, this.#port));
  }
}

/** The row of the port, claimed if need be; when all are kept, the one of its side's further ports. */
function rowOf(counts: Float64Array, side: number, port: number): Float64Array {
  if (port === OTHER_PORTS) return rowOfFurther(counts, side);
  let unkept: Float64Array | undefined = undefined;
  for (let at = 0; at < PORT_ROWS; at++) {
    const found = counts[at * ROW + SIDE];
    if (found === 0) return claim(counts, at, side, port);
    if (found === side && counts[at * ROW + PORT] === port) return rowAt(counts, at);
    if (counts[at * ROW + KEPT] === 0) unkept ??= rowAt(counts, at);
  }
  if (unkept === undefined) return rowOfFurther(counts, side);
  const further = rowOfFurther(counts, unkept[SIDE]!);
  for (let i = TIMEOUTS; i < ROW; i++) further[i]! += unkept[i]!;
  unkept.fill(0);
  unkept[PORT] = port;
  unkept[SIDE] = side;
  return unkept;
}

const rowOfFurther = (counts: Float64Array, side: number): Float64Array =>
  claim(counts, PORT_ROWS + side - 1, side, OTHER_PORTS);

function claim(counts: Float64Array, at: number, side: number, port: number): Float64Array {
  const row = rowAt(counts, at);
  row[PORT] = port;
  row[SIDE] = side;
  return row;
}

const rowAt = (counts: Float64Array, at: number): Float64Array =>
  counts.subarray(at * ROW, (at + 1) * ROW);

/** The sums over all threads, by side and port. */
export function sumDetections(threads: readonly Float64Array[]): readonly PortDetections[] {
  const sums = new Map<string, Float64Array>();
  for (const counts of threads) {
    for (let at = 0; at < ROWS; at++) {
      const row = counts.slice(at * ROW, (at + 1) * ROW);
      if (row[SIDE] === 0) continue;
      const key = `${row[SIDE]} ${row[PORT]}`;
      const sum = sums.get(key);
      if (sum === undefined) sums.set(key, row);
      else for (let i = TIMEOUTS; i < ROW; i++) sum[i]! += row[i]!;
    }
  }
  return [...sums.values()].map((row) => ({
    direction: DIRECTIONS[row[SIDE]! - 1]!,
    port: row[PORT]!,
    results: [...row.subarray(RESULTS_AT, BUCKETS_AT)],
    timeouts: row[TIMEOUTS]!,
    sumMs: row[SUM_MS]!,
    buckets: [...row.subarray(BUCKETS_AT)],
  }));
}
