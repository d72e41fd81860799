/**
 * Latency counts of few non-empty slots: two arrays of equal length, slots ascending. The layout
 * of the slots is that of api/histogram.ts.
 */
import type { SparseHistogram } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { visitSparseCounts } from '../../api/histogram.ts';

/** Non-empty slots and their counts. */
export interface SparseLatency {
  readonly slots: Uint16Array;
  readonly counts: Float64Array;
}

/** No latency at all. */
export const EMPTY_LATENCY: SparseLatency = {
  slots: new Uint16Array(0),
  counts: new Float64Array(0),
};

/** Bytes that one slot takes. */
export const SLOT_BYTES = Uint16Array.BYTES_PER_ELEMENT + Float64Array.BYTES_PER_ELEMENT;

/** Undefined when the report is not of the layout. */
export function readSparseHistogram(
  report: SparseHistogram | undefined,
): SparseLatency | undefined {
  if (report === undefined) return EMPTY_LATENCY;
  const slots = new Uint16Array(report.indexDelta.length);
  const counts = new Float64Array(report.count.length);
  let length = 0;
  const ours = visitSparseCounts(report, (slot, count) => {
    slots[length] = slot;
    counts[length] = count;
    length++;
  });
  return ours ? { slots, counts } : undefined;
}

/** `latest - earlier`, slot by slot; undefined when a slot shrank, so that one is not the other's past. */
export function subtractLatency(
  latest: SparseLatency,
  earlier: SparseLatency,
): SparseLatency | undefined {
  const slots: number[] = [];
  const counts: number[] = [];
  let j = 0;
  for (let i = 0; i < latest.slots.length; i++) {
    const slot = latest.slots[i] ?? 0;
    const skipped = earlier.slots[j];
    if (skipped !== undefined && skipped < slot) return undefined;
    const before = skipped === slot ? (earlier.counts[j++] ?? 0) : 0;
    const count = (latest.counts[i] ?? 0) - before;
    if (count < 0) return undefined;
    if (count === 0) continue;
    slots.push(slot);
    counts.push(count);
  }
  if (j < earlier.slots.length) return undefined;
  return { slots: Uint16Array.from(slots), counts: Float64Array.from(counts) };
}

/** `a + b`, slot by slot. */
export function addLatency(a: SparseLatency, b: SparseLatency): SparseLatency {
  if (a.slots.length === 0) return b;
  if (b.slots.length === 0) return a;
  const slots: number[] = [];
  const counts: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.slots.length || j < b.slots.length) {
    const left = a.slots[i] ?? Number.POSITIVE_INFINITY;
    const right = b.slots[j] ?? Number.POSITIVE_INFINITY;
    slots.push(Math.min(left, right));
    counts.push(
      (left <= right ? (a.counts[i++] ?? 0) : 0) + (right <= left ? (b.counts[j++] ?? 0) : 0),
    );
  }
  return { slots: Uint16Array.from(slots), counts: Float64Array.from(counts) };
}

/** Adds to one count for each slot of the layout. */
export function addLatencyTo(dense: Float64Array, latency: SparseLatency): void {
  for (let i = 0; i < latency.slots.length; i++) {
    const slot = latency.slots[i] ?? 0;
    dense[slot] = (dense[slot] ?? 0) + (latency.counts[i] ?? 0);
  }
}
