/**
 * The one latency histogram layout of the mesh: HDR, integer microseconds from 1 us to 60 s with
 * two significant digits, so every figure read from it is within 1 %. Workers record into it,
 * proxies report its non-empty slots, the controller adds reports up: all by slot index. A
 * histogram is its counts: a Uint32Array of LATENCY_SLOTS, shared memory if wanted.
 *
 * Source: hdr-histogram-js, its Int32Histogram file alone (the package index costs 13-19 MB).
 */
import Int32HistogramModule from 'hdr-histogram-js/dist/Int32Histogram.js';

/** Range of the layout, microseconds; what lies outside is recorded as its end. */
export const LATENCY_MIN_US = 1;
export const LATENCY_MAX_US = 60_000_000;
const SIGNIFICANT_DIGITS = 2;

const layout = new Int32HistogramModule.default(LATENCY_MIN_US, LATENCY_MAX_US, SIGNIFICANT_DIGITS);

/** Slots of the layout; one count each. */
export const LATENCY_SLOTS: number = layout.countsArrayLength;
/** Bytes of one histogram's counts. */
export const LATENCY_BYTES = LATENCY_SLOTS * Uint32Array.BYTES_PER_ELEMENT;

/** Largest value that falls into each slot, microseconds. */
const slotMaxUs = new Float64Array(LATENCY_SLOTS);
for (let i = 0; i < LATENCY_SLOTS; i++) {
  slotMaxUs[i] = layout.highestEquivalentValue(layout.valueFromIndex(i));
}

/** Two digits need 256 sub-buckets, of which each bucket but the first uses the upper half. */
const SUB_BUCKETS = 256;
const SUB_BUCKET_BITS = 8;

/**
 * The slot of `us`, an integer in the range; as the library's countsArrayIndex, which takes a
 * logarithm and a power (60 ns).
 */
function slotOf(us: number): number {
  const bucket = 32 - SUB_BUCKET_BITS - Math.clz32(us | (SUB_BUCKETS - 1));
  return bucket * (SUB_BUCKETS / 2) + (us >>> bucket);
}

/**
 * HOT: per exchange. Counts `us` in `counts`, clamped to the range. Returns the value recorded,
 * microseconds.
 */
export function recordLatency(counts: Uint32Array, us: number): number {
  const value =
    us >= LATENCY_MIN_US
      ? us <= LATENCY_MAX_US
        ? Math.trunc(us)
        : LATENCY_MAX_US
      : LATENCY_MIN_US;
  counts[slotOf(value)]! += 1;
  return value;
}

/** Non-empty slots: distances between their indexes (the first from -1) and their counts. */
export interface SparseCounts {
  readonly indexDelta: number[];
  readonly count: number[];
}

/** The non-empty slots of `counts`, by slot index. */
export function toSparseCounts(counts: ArrayLike<number>): SparseCounts {
  const sparse: SparseCounts = { indexDelta: [], count: [] };
  let previous = -1;
  for (let i = 0; i < counts.length; i++) {
    const count = counts[i] ?? 0;
    if (count === 0) continue;
    sparse.indexDelta.push(i - previous);
    sparse.count.push(count);
    previous = i;
  }
  return sparse;
}

/**
 * Calls `visit(slot, count)` for each entry. Returns false, before any call, when the lengths
 * differ or an index leaves the layout: the report is not ours.
 */
export function visitSparseCounts(
  sparse: SparseCounts,
  visit: (slot: number, count: number) => void,
): boolean {
  let last = -1;
  for (const delta of sparse.indexDelta) {
    if (!Number.isInteger(delta) || delta < 1) return false;
    last += delta;
  }
  if (last >= LATENCY_SLOTS || sparse.indexDelta.length !== sparse.count.length) return false;
  let slot = -1;
  for (let i = 0; i < sparse.indexDelta.length; i++) {
    slot += sparse.indexDelta[i] ?? 0;
    visit(slot, sparse.count[i] ?? 0);
  }
  return true;
}

/**
 * Values at each of `quantiles` (0 to 1, ascending), microseconds: the largest value of the slot
 * that holds the quantile, as HDR histograms say it. Undefined when the counts are empty.
 */
export function latencyQuantilesUs(
  counts: ArrayLike<number>,
  quantiles: readonly number[],
): readonly number[] | undefined {
  let total = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i] ?? 0;
  if (total === 0) return undefined;
  const values: number[] = [];
  let seen = 0;
  let slot = -1;
  for (const quantile of quantiles) {
    const rank = Math.min(total, Math.max(1, Math.ceil(quantile * total - 1e-9)));
    while (seen < rank) {
      slot++;
      seen += counts[slot] ?? 0;
    }
    values.push(slotMaxUs[slot] ?? LATENCY_MAX_US);
  }
  return values;
}

/** The largest value that a slot counts, microseconds. */
export const slotLargestUs = (slot: number): number => slotMaxUs[slot] ?? LATENCY_MAX_US;

/** For each of `boundsUs` (ascending): how many values are at most it, within the 1 %. */
export function cumulativeCounts(counts: ArrayLike<number>, boundsUs: readonly number[]): number[] {
  const cumulative: number[] = [];
  let slot = 0;
  let seen = 0;
  for (const bound of boundsUs) {
    const last = layout.countsArrayIndex(Math.min(bound, LATENCY_MAX_US));
    for (; slot <= last; slot++) seen += counts[slot] ?? 0;
    cumulative.push(seen);
  }
  return cumulative;
}
