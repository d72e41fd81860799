/**
 * What data threads count besides exchanges, in memory that all threads read: links by group,
 * errors by code and when each was last, limits that peers went over, gauges. Each thread writes its own part, a cache line apart from the next one's.
 */
import { ERROR_CODES } from '../errors.ts';
import { DIRECTIONS, type Direction } from '../model/exchange.ts';
import { HTTP2_LIMITS, type Http2Limit } from '../model/http2-limit.ts';
import type { ErrorCode } from '../model/mesh-error.ts';
import { DETECTION_COUNTS, DetectionCounter } from './detection-counts.ts';
import { LINK_CLOSED, LINK_COUNTS, LINK_OPENED, LINK_READ_BYTES } from '../transport/link.ts';

/** Who is at the other end of a link, as Linkerd's `peer` label says it. */
export const PEERS = ['src', 'dst'] as const;
export type PeerSide = (typeof PEERS)[number];

const GROUPS = DIRECTIONS.length * PEERS.length;
const ERRORS_AT = GROUPS * LINK_COUNTS;
const ERROR_TIMES_AT = ERRORS_AT + DIRECTIONS.length * ERROR_CODES.length;
const LIMITS_AT = ERROR_TIMES_AT + DIRECTIONS.length * ERROR_CODES.length;
const GAUGES_AT = LIMITS_AT + DIRECTIONS.length * HTTP2_LIMITS.length;

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
/** Downstream connections that are being told that there are too many. */
const GAUGE_LINKS_BEING_REFUSED = 6;
const GAUGES = 7;
const DETECTION_AT = GAUGES_AT + GAUGES;

const NUMBERS = DETECTION_AT + DETECTION_COUNTS;
const CACHE_LINE_BYTES = 64;
/** A whole line between two parts: the memory itself need not begin with a line. */
const THREAD_BYTES =
  Math.ceil((NUMBERS * Float64Array.BYTES_PER_ELEMENT) / CACHE_LINE_BYTES + 1) * CACHE_LINE_BYTES;

/** Memory for the counts of so many threads; it outlives their deaths. */
export const shareCounts = (threads: number): SharedArrayBuffer =>
  new SharedArrayBuffer(threads * THREAD_BYTES);

/** The counts of every thread that `shared` has room for. */
export const countsOfThreads = (shared: SharedArrayBuffer): readonly SharedCounts[] =>
  Array.from(
    { length: shared.byteLength / THREAD_BYTES },
    (_, thread) => new SharedCounts(shared, thread),
  );

/** Counts of one group of links over all threads. */
export function sumLinks(
  threads: readonly SharedCounts[],
  direction: Direction,
  peer: PeerSide,
): Float64Array {
  const sum = new Float64Array(LINK_COUNTS);
  for (const thread of threads) {
    thread.links(direction, peer).forEach((count, i) => (sum[i]! += count));
  }
  return sum;
}

/** A view of one thread's part of the shared memory. */
export class SharedCounts {
  readonly shared: SharedArrayBuffer;
  readonly #all: Float64Array;

  constructor(shared: SharedArrayBuffer = shareCounts(1), thread = 0) {
    this.shared = shared;
    this.#all = new Float64Array(shared, thread * THREAD_BYTES, NUMBERS);
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
    this.setGauge(GAUGE_LINKS_BEING_REFUSED, 0);
  }

  /** Downstream connections that are open. */
  openDownstreamLinks(): number {
    const gone = this.#downstream(LINK_CLOSED);
    return this.#downstream(LINK_OPENED) - gone;
  }

  /** Where the thread counts those of them that are being refused: one number. */
  linksBeingRefused(): Float64Array {
    const at = GAUGES_AT + GAUGE_LINKS_BEING_REFUSED;
    return this.#all.subarray(at, at + 1);
  }

  /**
   * Those that are open and not being refused: what the limit of the process counts. Who reads while
   * the thread counts on gets too many rather than too few: what opens is read last.
   */
  servedDownstreamLinks(): number {
    const gone = this.#downstream(LINK_CLOSED) + this.gauge(GAUGE_LINKS_BEING_REFUSED);
    return this.#downstream(LINK_OPENED) - gone;
  }

  /** Bytes read on all links: traffic, whatever it is. */
  bytesRead(): number {
    let bytes = 0;
    for (let group = 0; group < GROUPS; group++) {
      bytes += this.#all[group * LINK_COUNTS + LINK_READ_BYTES] ?? 0;
    }
    return bytes;
  }

  /** `nowMs` since 1970: threads have no other clock in common. */
  addError(direction: Direction, code: ErrorCode, nowMs: number): void {
    const error = errorIndex(direction, code);
    this.#all[ERRORS_AT + error]! += 1;
    this.#all[ERROR_TIMES_AT + error] = nowMs;
  }

  errors(direction: Direction, code: ErrorCode): number {
    return this.#all[ERRORS_AT + errorIndex(direction, code)] ?? 0;
  }

  /** When the latest was, milliseconds since 1970; 0 when there was none. */
  lastErrorMs(direction: Direction, code: ErrorCode): number {
    return this.#all[ERROR_TIMES_AT + errorIndex(direction, code)] ?? 0;
  }

  /** A peer went over a limit of HTTP/2. */
  addLimitHit(direction: Direction, limit: Http2Limit): void {
    this.#all[limitAt(direction, limit)]! += 1;
  }

  limitHits(direction: Direction, limit: Http2Limit): number {
    return this.#all[limitAt(direction, limit)] ?? 0;
  }

  /** Where the thread counts the detections of one port's connections; `reached`: a dial succeeded. */
  detectionCounter(direction: Direction, port: number, reached: () => boolean): DetectionCounter {
    return new DetectionCounter(this.detections, direction, port, reached);
  }

  /** The counts of protocol detection (detection-counts.ts). */
  get detections(): Float64Array {
    return this.#all.subarray(DETECTION_AT, DETECTION_AT + DETECTION_COUNTS);
  }

  gauge(index: number): number {
    return this.#all[GAUGES_AT + index] ?? 0;
  }

  setGauge(index: number, value: number): void {
    this.#all[GAUGES_AT + index] = value;
  }

  /** Sum of one count over the groups of downstream links. */
  #downstream(count: number): number {
    let sum = 0;
    for (let group = 0; group < GROUPS; group += PEERS.length) {
      sum += this.#all[group * LINK_COUNTS + count]!;
    }
    return sum;
  }
}

const errorIndex = (direction: Direction, code: ErrorCode): number =>
  DIRECTIONS.indexOf(direction) * ERROR_CODES.length + ERROR_CODES.indexOf(code);

const limitAt = (direction: Direction, limit: Http2Limit): number =>
  LIMITS_AT + DIRECTIONS.indexOf(direction) * HTTP2_LIMITS.length + HTTP2_LIMITS.indexOf(limit);
