/** What the JavaScript runtime of each thread did, by the names that prom-client uses. */
import type { HeapInfo } from 'node:v8';
import type { Worker } from 'node:worker_threads';
import type { MetricsPage } from '../../base/prometheus.ts';
import { GC_BOUNDS_SECONDS, GC_KINDS, type GcCounts } from '../observe/gc-counts.ts';

/** One thread's figures. */
export interface RuntimeFigures {
  /** "main", or the number of the data thread. */
  readonly thread: string;
  /** Of this life of the thread; undefined while it starts or hangs. */
  readonly heap: HeapInfo | undefined;
  /** Of all its lives. */
  readonly gc: GcCounts;
}

/** A thread that takes longer to answer hangs; the page does not wait for it. */
const HEAP_DEADLINE_MS = 250;

/** The heap of a worker at this moment; undefined when there is none or it does not answer. */
export async function heapOf(
  worker: Pick<Worker, 'getHeapStatistics'> | undefined,
): Promise<HeapInfo | undefined> {
  if (worker === undefined) return undefined;
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const deadline = setTimeout(() => resolve(undefined), HEAP_DEADLINE_MS);
  try {
    return await Promise.race([worker.getHeapStatistics(), late]);
  } catch {
    // It has ended meanwhile.
    return undefined;
  } finally {
    clearTimeout(deadline);
  }
}

/** Adds the figures of every thread. */
export function addRuntime(page: MetricsPage, threads: readonly RuntimeFigures[]): void {
  for (const { gc, heap, thread } of threads) {
    if (heap !== undefined) addHeap(page, thread, heap);
    for (const kind of GC_KINDS) {
      const labels = { thread, kind };
      const { count, cumulative, max, sum } = gc.pauses(kind);
      const name = 'nodejs_gc_duration_seconds';
      const help = 'Pauses of garbage collection.';
      page.addHistogram(name, help, labels, GC_BOUNDS_SECONDS, cumulative, count, sum);
      const longest = 'The longest pause since the start.';
      page.add('nodejs_gc_duration_seconds_max', 'gauge', longest, labels, max);
    }
  }
}

function addHeap(page: MetricsPage, thread: string, heap: HeapInfo): void {
  const labels = { thread };
  const gauge = (name: string, help: string, value: number): void =>
    page.add(name, 'gauge', help, labels, value);
  gauge('nodejs_heap_size_used_bytes', 'JavaScript heap in use.', heap.used_heap_size);
  gauge('nodejs_heap_size_total_bytes', 'JavaScript heap reserved.', heap.total_physical_size);
  gauge('nodejs_external_memory_bytes', 'Buffers outside the heap.', heap.external_memory);
  const help = 'Bytes allocated on the JavaScript heap since the thread started.';
  page.add(
    'nodejs_heap_allocated_bytes_total',
    'counter',
    help,
    labels,
    heap.total_allocated_bytes,
  );
}
