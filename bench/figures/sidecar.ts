/** What a sidecar counts about itself, from its /metrics page (docs/metrics.md), over a window. */
import { type SocketAddress, formatSocketAddress } from '../../base/settings.ts';

const READ_MS = 5_000;

/** The counters of one thread since its start; NaN where the sidecar does not have them. */
export interface ThreadReading {
  readonly allocatedBytes: number;
  readonly gcPauses: number;
  readonly gcPauseMs: number;
  /** Greatest lateness of a timer since the start. */
  readonly loopLagMsMax: number;
}

/** By thread: "0", "1", … carry traffic; "main" supervises. */
export type SidecarReading = ReadonlyMap<string, ThreadReading>;

/** The samples that are read, and what one unit of them is. */
const SAMPLES: Readonly<Record<string, readonly [keyof ThreadReading, number]>> = {
  nodejs_heap_allocated_bytes_total: ['allocatedBytes', 1],
  nodejs_gc_duration_seconds_count: ['gcPauses', 1],
  nodejs_gc_duration_seconds_sum: ['gcPauseMs', 1_000],
  proxy_event_loop_lag_max_ms: ['loopLagMsMax', 1],
};

/** Reads the page of the sidecar whose admin address is `admin`. */
export async function readSidecar(admin: SocketAddress): Promise<SidecarReading> {
  const url = `http://${formatSocketAddress(admin)}/metrics`;
  const response = await fetch(url, { signal: AbortSignal.timeout(READ_MS) });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return parseSidecar(await response.text());
}

/** Sums samples of a thread that differ in other labels, as by kind of collection. */
export function parseSidecar(page: string): SidecarReading {
  const threads = new Map<string, ThreadReading>();
  for (const [, name = '', labels = '', text] of page.matchAll(/^(\w+)\{(.*)\} (\S+)$/gm)) {
    const thread = /(?:^|,)thread="([^"]*)"/.exec(labels)?.[1];
    const sample = SAMPLES[name];
    if (thread === undefined || sample === undefined) continue;
    const [field, factor] = sample;
    const known = threads.get(thread) ?? NOTHING;
    const before = Number.isNaN(known[field]) ? 0 : known[field];
    threads.set(thread, { ...known, [field]: before + Number(text) * factor });
  }
  return threads;
}

const NOTHING: ThreadReading = {
  allocatedBytes: Number.NaN,
  gcPauses: Number.NaN,
  gcPauseMs: Number.NaN,
  loopLagMsMax: Number.NaN,
};

/**
 * What the threads that carry traffic did between two readings, summed over all sidecars of an
 * arm; NaN where one does not say. The greatest lag is since the start: a reading has no window.
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
  return {
    allocatedBytes: spent('allocatedBytes'),
    gcPauses: spent('gcPauses'),
    gcPauseMs: spent('gcPauseMs'),
    loopLagMsMax: Math.max(0, ...carriers.map(({ now }) => now.loopLagMsMax)),
  };
}
