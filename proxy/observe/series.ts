/**
 * One metric series in memory that the data thread writes and the main thread reads at a scrape.
 *
 *   Float64: requests | cancelled | latency sum us | first-byte sum us | (outcome key, count) x 24
 *   Uint32:  latency histogram | first-byte histogram          (api/histogram.ts)
 *
 * Single writer, no locks: a reader may see a count one event old. Pages nobody has touched cost
 * nothing, so an idle histogram is free.
 */
import { LATENCY_BYTES, LATENCY_SLOTS } from '../../api/histogram.ts';

const REQUESTS = 0;
const CANCELLED = 1;
const LATENCY_SUM_US = 2;
const FIRST_BYTE_SUM_US = 3;
const OUTCOMES = 4;
const OUTCOMES_MAX = 24;
const OUTCOMES_END = OUTCOMES + OUTCOMES_MAX * 2;
/** The last two places take the kinds that found no place of their own: failures, successes. */
const REST = OUTCOMES_END - 4;
const COUNTS_BYTES = OUTCOMES_END * Float64Array.BYTES_PER_ELEMENT;

/** How many answers had one status and class. */
export interface Outcome {
  /** 0 for the rest, where there were more kinds of outcomes than there is room for. */
  readonly status: number;
  /** Undefined when the response carried none. */
  readonly grpcStatus: number | undefined;
  readonly success: boolean;
  readonly count: number;
}

/** In place of a gRPC status that was not there. */
const NO_STATUS = -1;

/** An outcome as one positive number: status, gRPC status + 1 (0 is none), success. */
const outcomeKey = (status: number, grpcStatus: number, success: boolean): number =>
  1 + (success ? 1 : 0) + 2 * (Math.min(grpcStatus, 98) + 1) + 200 * status;

/** A view of one series' memory; the data thread's is the only one that writes. */
export class Series {
  readonly shared: SharedArrayBuffer;
  readonly #counts: Float64Array;
  readonly latencyCounts: Uint32Array;
  readonly firstByteCounts: Uint32Array;

  /** A new series, or a view of one that another thread made. */
  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(COUNTS_BYTES + 2 * LATENCY_BYTES)) {
    this.shared = shared;
    this.#counts = new Float64Array(shared, 0, OUTCOMES_END);
    this.latencyCounts = new Uint32Array(shared, COUNTS_BYTES, LATENCY_SLOTS);
    this.firstByteCounts = new Uint32Array(shared, COUNTS_BYTES + LATENCY_BYTES, LATENCY_SLOTS);
  }

  get requests(): number {
    return this.#counts[REQUESTS] ?? 0;
  }

  get cancelled(): number {
    return this.#counts[CANCELLED] ?? 0;
  }

  get latencySumUs(): number {
    return this.#counts[LATENCY_SUM_US] ?? 0;
  }

  get firstByteSumUs(): number {
    return this.#counts[FIRST_BYTE_SUM_US] ?? 0;
  }

  outcomes(): readonly Outcome[] {
    const outcomes: Outcome[] = [];
    for (let at = OUTCOMES; at < OUTCOMES_END; at += 2) {
      const key = (this.#counts[at] ?? 0) - 1;
      if (key < 0) continue;
      const grpc = Math.floor((key % 200) / 2) - 1;
      outcomes.push({
        status: Math.floor(key / 200),
        grpcStatus: grpc < 0 ? undefined : grpc,
        success: key % 2 === 1,
        count: this.#counts[at + 1] ?? 0,
      });
    }
    return outcomes;
  }

  addRequest(): void {
    this.#counts[REQUESTS]! += 1;
  }

  addCancelled(): void {
    this.#counts[CANCELLED]! += 1;
  }

  addLatency(us: number): void {
    this.#counts[LATENCY_SUM_US]! += us;
  }

  addFirstByte(us: number): void {
    this.#counts[FIRST_BYTE_SUM_US]! += us;
  }

  /** HOT: per exchange. `grpcStatus` is -1 when there was none. */
  addOutcome(status: number, grpcStatus: number, success: boolean): void {
    this.#addOutcomes(outcomeKey(status, grpcStatus, success), 1);
  }

  #addOutcomes(key: number, count: number): void {
    const counts = this.#counts;
    let at = OUTCOMES;
    while (at < REST && counts[at] !== key && counts[at] !== 0) at += 2;
    const success = key % 2 === 0;
    if (at === REST && success) at += 2;
    // The count before the key: a reader leaves out places whose key is 0.
    counts[at + 1]! += count;
    if (counts[at] === 0) counts[at] = at < REST ? key : outcomeKey(0, NO_STATUS, success);
  }

  /** Adds everything `other` has counted. */
  addAll(other: Series): void {
    for (let i = 0; i < OUTCOMES; i++) this.#counts[i]! += other.#counts[i] ?? 0;
    for (let at = OUTCOMES; at < OUTCOMES_END; at += 2) {
      const key = other.#counts[at] ?? 0;
      if (key !== 0) this.#addOutcomes(key, other.#counts[at + 1] ?? 0);
    }
    for (let i = 0; i < LATENCY_SLOTS; i++) {
      this.latencyCounts[i]! += other.latencyCounts[i] ?? 0;
      this.firstByteCounts[i]! += other.firstByteCounts[i] ?? 0;
    }
  }
}
