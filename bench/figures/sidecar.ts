/** What a sidecar counts about itself, from its /metrics page (docs/metrics.md), over a window. */
import { type SocketAddress, formatSocketAddress } from '../../base/settings.ts';

const READ_MS = 5_000;

/** The counters of one thread since its start; NaN where the sidecar does not have them. */
export interface ThreadReading {
  readonly allocatedBytes: number;
  readonly gcPauses: number;
  readonly gcPauseMs: number;
  /** Longest pause since the start. */
  readonly gcPauseMsMax: number;
  /** Greatest lateness of a timer since the start. */
  readonly loopLagMsMax: number;
}

/** By thread: "0", "1", … carry traffic; "main" supervises. */
export type SidecarReading = ReadonlyMap<string, ThreadReading>;

const add = (a: number, b: number): number => a + b;
const greater = (a: number, b: number): number => Math.max(a, b);

type Merge = typeof add;

/** The samples that are read: unit, and how those of one thread become one number. */
const SAMPLES: Readonly<Record<string, readonly [keyof ThreadReading, number, Merge]>> = {
  nodejs_heap_allocated_bytes_total: ['allocatedBytes', 1, add],
  nodejs_gc_duration_seconds_count: ['gcPauses', 1, add],
  nodejs_gc_duration_seconds_sum: ['gcPauseMs', 1_000, add],
  nodejs_gc_duration_seconds_max: ['gcPauseMsMax', 1_000, greater],
  proxy_event_loop_lag_max_ms: ['loopLagMsMax', 1, greater],
};

/** Reads the page of the sidecar whose admin address is `admin`. */
export async function readSidecar(admin: SocketAddress): Promise<SidecarReading> {
  const url = `http://${formatSocketAddress(admin)}/metrics`;
  const response = await fetch(url, { signal: AbortSignal.timeout(READ_MS) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return parseSidecar(await response.text());
}

/** Samples of a thread that differ in other labels, as by kind of collection, become one. */
export function parseSidecar(page: string): SidecarReading {
  const threads = new Map<string, ThreadReading>();
  for (const [, name = '', labels = '', text] of page.matchAll(/^(\w+)\{(.*)\} (\S+)$/gm)) {
    const thread = /(?:^|,)thread="([^"]*)"/.exec(labels)?.[1];
    const sample = SAMPLES[name];
    if (thread === undefined || sample === undefined) continue;
    const [field, factor, merge] = sample;
    const known = threads.get(thread) ?? NOTHING;
    const before = Number.isNaN(known[field]) ? 0 : known[field];
    threads.set(thread, { ...known, [field]: merge(before, Number(text) * factor) });
  }
  return threads;
}

const NOTHING: ThreadReading = {
  allocatedBytes: Number.NaN,
  gcPauses: Number.NaN,
  gcPauseMs: Number.NaN,
  gcPauseMsMax: Number.NaN,
  loopLagMsMax: Number.NaN,
};

/**
 * What the threads that carry traffic did between two readings, summed over all sidecars of an
 * arm; NaN where one does not say. The greatest lag and the longest pause are since the start: they
 * have no window.
 */
export function carriedBetween(
  before: readonly SidecarReading[],
  after: readonly SidecarReading[],
): ThreadReading {
  const carriers = after.flatMap((reading, i) =>
    [...reading]
      .filter(([thread]) => /^\d+$/.test(thread))
      .map(([thread, now]) => ({ now, past: before[i]?.get(thread) ?? NOTHING })),
  );
  const spent = (field: keyof ThreadReading): number =>
    carriers.reduce((sum, { now, past }) => sum + now[field] - past[field], 0);
  const greatest = (field: keyof ThreadReading): number =>
    carriers.reduce((most, { now }) => greater(most, now[field]), 0);
  return {
    allocatedBytes: spent('allocatedBytes'),
    gcPauses: spent('gcPauses'),
    gcPauseMs: spent('gcPauseMs'),
    gcPauseMsMax: greatest('gcPauseMsMax'),
    loopLagMsMax: greatest('loopLagMsMax'),
  };
}
