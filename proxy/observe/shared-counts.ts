/**
 * What a data thread counts besides exchanges, in memory that the main thread reads: links by
 * group, errors by code, gauges. One writer, a cache line apart from the next thread's.
 */
import { ERROR_CODES } from '../errors.ts';
import { DIRECTIONS, type Direction } from '../model/exchange.ts';
import type { ErrorCode } from '../model/mesh-error.ts';
import { LINK_CLOSED, LINK_COUNTS, LINK_OPENED } from '../transport/link.ts';

/** Who is at the other end of a link, as Linkerd's `peer` label says it. */
export const PEERS = ['src', 'dst'] as const;
export type PeerSide = (typeof PEERS)[number];

const GROUPS = DIRECTIONS.length * PEERS.length;
const ERRORS_AT = GROUPS * LINK_COUNTS;
const GAUGES_AT = ERRORS_AT + DIRECTIONS.length * ERROR_CODES.length;

/** Destinations the thread knows. */
export const GAUGE_DESTINATIONS = 0;
/** Lateness of the loop's last one-second timer. */
export const GAUGE_LOOP_LAG_MS = 1;
/** The greatest lateness since the process started. */
export const GAUGE_LOOP_LAG_MAX_MS = 2;
/** Downstream connections over the limit, a count. */
export const GAUGE_LINKS_REFUSED = 3;
/** Exchanges counted under "other" because there are too many series. */
export const GAUGE_SERIES_LIMITED = 4;
/** Turns of the thread's one-second timer: one that stands still is a thread that hangs. */
export const GAUGE_LOOP_TICKS = 5;
const GAUGES = 6;

const BYTES = Math.ceil(((GAUGES_AT + GAUGES) * Float64Array.BYTES_PER_ELEMENT) / 64) * 64;

/** A view of the shared memory, made once and given to each life of the thread. */
export class SharedCounts {
  readonly shared: SharedArrayBuffer;
  readonly #all: Float64Array;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(BYTES)) {
    this.shared = shared;
    this.#all = new Float64Array(shared);
  }

  /** Counts of one group of links, indexed by LINK_* (transport/link.ts). */
  links(direction: Direction, peer: PeerSide): Float64Array {
    const group = DIRECTIONS.indexOf(direction) * PEERS.length + PEERS.indexOf(peer);
    return this.#all.subarray(group * LINK_COUNTS, (group + 1) * LINK_COUNTS);
  }

  /** The thread that counted is gone, and its links with it. */
  closeAllLinks(): void {
    for (const direction of DIRECTIONS) {
      for (const peer of PEERS) {
        const links = this.links(direction, peer);
        links[LINK_CLOSED] = links[LINK_OPENED] ?? 0;
      }
    }
  }

  addError(direction: Direction, code: ErrorCode): void {
    this.#all[this.#errorAt(direction, code)]! += 1;
  }

  errors(direction: Direction, code: ErrorCode): number {
    return this.#all[this.#errorAt(direction, code)] ?? 0;
  }

  gauge(index: number): number {
    return this.#all[GAUGES_AT + index] ?? 0;
  }

  setGauge(index: number, value: number): void {
    this.#all[GAUGES_AT + index] = value;
  }

  #errorAt(direction: Direction, code: ErrorCode): number {
    const row = DIRECTIONS.indexOf(direction) * ERROR_CODES.length;
    return ERRORS_AT + row + ERROR_CODES.indexOf(code);
  }
}
