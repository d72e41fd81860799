/**
 * Garbage collections of one thread, counted in memory that the main thread reads: how often, how
 * long in all, the longest, and a histogram, by kind. Costs an event a collection.
 */
import { type PerformanceNodeEntry, PerformanceObserver, constants } from 'node:perf_hooks';

/** Kinds, as prom-client names them. */
export const GC_KINDS = ['minor', 'major', 'incremental', 'weakcb'] as const;
export type GcKind = (typeof GC_KINDS)[number];

/** Upper bounds of the histogram of pauses, seconds; one bucket more is above the last. */
export const GC_BOUNDS_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1] as const;

const COUNT = 0;
const SUM = 1;
const MAX = 2;
const BUCKETS = 3;
const KIND_NUMBERS = BUCKETS + GC_BOUNDS_SECONDS.length;

/** Pauses of one kind; seconds. */
export interface GcPauses {
  readonly count: number;
  readonly sum: number;
  readonly max: number;
  /** By bound: pauses of that length or less. */
  readonly cumulative: readonly number[];
}

/** Memory for the counts of one thread; it outlives the thread's deaths. */
export const shareGcCounts = (): SharedArrayBuffer =>
  new SharedArrayBuffer(GC_KINDS.length * KIND_NUMBERS * Float64Array.BYTES_PER_ELEMENT);

/** A view of that memory. One thread adds, others read. */
export class GcCounts {
  readonly #all: Float64Array;

  constructor(shared: SharedArrayBuffer) {
    this.#all = new Float64Array(shared);
  }

  add(kind: GcKind, seconds: number): void {
    const all = this.#all;
    const at = GC_KINDS.indexOf(kind) * KIND_NUMBERS;
    all[at + COUNT]! += 1;
    all[at + SUM]! += seconds;
    all[at + MAX] = Math.max(all[at + MAX]!, seconds);
    const bucket = GC_BOUNDS_SECONDS.findIndex((bound) => seconds <= bound);
    if (bucket !== -1) all[at + BUCKETS + bucket]! += 1;
  }

  pauses(kind: GcKind): GcPauses {
    const at = GC_KINDS.indexOf(kind) * KIND_NUMBERS;
    const number = (index: number): number => this.#all[at + index] ?? 0;
    let seen = 0;
    const cumulative = GC_BOUNDS_SECONDS.map((_, i) => (seen += number(BUCKETS + i)));
    return { count: number(COUNT), sum: number(SUM), max: number(MAX), cumulative };
  }
}

/** Counts the collections of this thread in `shared` until what it returns is called. */
export function watchGc(shared: SharedArrayBuffer): () => void {
  const counts = new GcCounts(shared);
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      // Entries of this type are of this class.
      const { detail, duration } = entry as PerformanceNodeEntry;
      counts.add(kindOf(detail), duration / 1000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}

/** Of the detail of an entry. Kinds that V8 may add are counted with the great ones. */
function kindOf(detail: unknown): GcKind {
  const kind = detail !== null && typeof detail === 'object' && 'kind' in detail && detail.kind;
  switch (kind) {
    // 2: the young generation by mark and sweep, when a flag asks for it.
    case constants.NODE_PERFORMANCE_GC_MINOR:
    case 2:
      return 'minor';
    case constants.NODE_PERFORMANCE_GC_INCREMENTAL:
      return 'incremental';
    case constants.NODE_PERFORMANCE_GC_WEAKCB:
      return 'weakcb';
    default:
      return 'major';
  }
}
