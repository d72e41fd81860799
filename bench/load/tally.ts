/** Counts of one run, and the result they make. */
import {
  LATENCY_SLOTS,
  latencyQuantilesUs,
  recordLatency,
  toSparseCounts,
} from '../../api/histogram.ts';
import type { Arrival, LoadResult } from './plan.ts';

/** A run whose 99th percentile of lateness is above this says nothing about a server's p99. */
export const LATENESS_P99_MAX_US = 500;

/** What is counted of requests that fell due in the window; `completed` of all. */
export class Tally {
  due = 0;
  sent = 0;
  answered = 0;
  completed = 0;
  readonly #errors = new Map<string, number>();
  readonly #latencyCounts = new Uint32Array(LATENCY_SLOTS);
  readonly #latenessCounts = new Uint32Array(LATENCY_SLOTS);

  recordAnswer(latencyUs: number): void {
    this.answered++;
    recordLatency(this.#latencyCounts, Math.round(latencyUs));
  }

  recordLateness(latenessUs: number): void {
    recordLatency(this.#latenessCounts, Math.round(latenessUs));
  }

  count(reason: string, times = 1): void {
    if (times > 0) this.#errors.set(reason, (this.#errors.get(reason) ?? 0) + times);
  }

  /** The part of a result that is counted. */
  summarize(
    arrival: Arrival,
  ): Pick<
    LoadResult,
    'due' | 'sent' | 'answered' | 'completed' | 'errors' | 'latencyUs' | 'latenessUs' | 'late'
  > {
    return {
      due: this.due,
      sent: this.sent,
      answered: this.answered,
      completed: this.completed,
      errors: Object.fromEntries(this.#errors),
      latencyUs: toSparseCounts(this.#latencyCounts),
      latenessUs: toSparseCounts(this.#latenessCounts),
      late: arrival.kind === 'closed' ? undefined : this.#whyLate(),
    };
  }

  /** Its own lateness only: what a server keeps waiting is that server's latency, or its errors. */
  #whyLate(): string | undefined {
    const p99 = latencyQuantilesUs(this.#latenessCounts, [0.99])?.[0] ?? 0;
    return p99 > LATENESS_P99_MAX_US
      ? `the generator was late: p99 of lateness ${p99} us, above ${LATENESS_P99_MAX_US} us`
      : undefined;
  }
}
