/**
 * The recent past of one series in two rings of time slots:
 *
 *   fine    |10 s|10 s|…            10 min
 *   coarse  |  1 min  |  1 min  |…  1 h
 *
 * Slot n covers [n x width, (n + 1) x width) of the clock. Each ring holds one slot more than its
 * span, because the present one is not complete.
 */
import { EMPTY_LATENCY, SLOT_BYTES, addLatency, addLatencyTo } from './sparse-latency.ts';
import type { SparseLatency } from './sparse-latency.ts';
import type { Traffic } from './traffic.ts';

interface Ring {
  readonly widthMs: number;
  readonly spanMs: number;
}

const FINE: Ring = { widthMs: 10_000, spanMs: 600_000 };
const COARSE: Ring = { widthMs: 60_000, spanMs: 3_600_000 };

/** Estimate of a slot without its latency counts. */
const SLOT_BASE_BYTES = 160;

interface Slot {
  readonly index: number;
  success: number;
  failure: number;
  cancelled: number;
  readBytes: number;
  writeBytes: number;
  latency: SparseLatency;
}

/** Which slots a window of time takes. */
export interface WindowSpan {
  readonly fine: boolean;
  readonly firstIndex: number;
  /** From the start of the first slot to now, but not before counting began; seconds, >= 1. */
  readonly coveredSeconds: number;
}

/** Whole slots: covers up to one slot more than was asked for. `sinceMs` is when counting began. */
export function windowSpan(windowSeconds: number, nowMs: number, sinceMs: number): WindowSpan {
  const windowMs = windowSeconds * 1_000;
  const ring = windowMs <= FINE.spanMs ? FINE : COARSE;
  const firstIndex = Math.floor((nowMs - windowMs) / ring.widthMs);
  const startMs = Math.max(firstIndex * ring.widthMs, sinceMs);
  return {
    fine: ring === FINE,
    firstIndex,
    coveredSeconds: Math.max(1, (nowMs - startMs) / 1_000),
  };
}

/** Sums over a window; `latency` has one count for each slot of the histogram layout. */
export interface WindowTotals {
  success: number;
  failure: number;
  cancelled: number;
  readBytes: number;
  writeBytes: number;
  readonly latency: Float64Array;
}

/** The two rings of one series. */
export class RecentTraffic {
  readonly #fine: Slot[] = [];
  readonly #coarse: Slot[] = [];
  #bytes = 0;

  /** Estimate of the memory held. */
  get bytes(): number {
    return this.#bytes;
  }

  get empty(): boolean {
    return this.#fine.length === 0 && this.#coarse.length === 0;
  }

  add(traffic: Traffic, nowMs: number): void {
    this.#addTo(this.#fine, Math.floor(nowMs / FINE.widthMs), traffic);
    this.#addTo(this.#coarse, Math.floor(nowMs / COARSE.widthMs), traffic);
    this.expire(nowMs);
  }

  /** Drops what no window can reach any more. */
  expire(nowMs: number): void {
    this.#expireRing(this.#fine, FINE, nowMs);
    this.#expireRing(this.#coarse, COARSE, nowMs);
  }

  addTo(totals: WindowTotals, span: WindowSpan): void {
    for (const slot of span.fine ? this.#fine : this.#coarse) {
      if (slot.index < span.firstIndex) continue;
      totals.success += slot.success;
      totals.failure += slot.failure;
      totals.cancelled += slot.cancelled;
      totals.readBytes += slot.readBytes;
      totals.writeBytes += slot.writeBytes;
      addLatencyTo(totals.latency, slot.latency);
    }
  }

  #addTo(slots: Slot[], index: number, traffic: Traffic): void {
    let slot = slots.at(-1);
    // A clock that was set back goes on in the last slot.
    if (slot === undefined || slot.index < index) {
      slot = {
        index,
        success: 0,
        failure: 0,
        cancelled: 0,
        readBytes: 0,
        writeBytes: 0,
        latency: EMPTY_LATENCY,
      };
      slots.push(slot);
      this.#bytes += SLOT_BASE_BYTES;
    }
    slot.success += traffic.success;
    slot.failure += traffic.failure;
    slot.cancelled += traffic.cancelled;
    slot.readBytes += traffic.readBytes;
    slot.writeBytes += traffic.writeBytes;
    const before = slot.latency.slots.length;
    slot.latency = addLatency(slot.latency, traffic.latency);
    this.#bytes += (slot.latency.slots.length - before) * SLOT_BYTES;
  }

  #expireRing(slots: Slot[], ring: Ring, nowMs: number): void {
    const firstIndex = Math.floor((nowMs - ring.spanMs) / ring.widthMs);
    while (slots[0] !== undefined && slots[0].index < firstIndex) {
      this.#bytes -= SLOT_BASE_BYTES + slots[0].latency.slots.length * SLOT_BYTES;
      slots.shift();
    }
  }
}
