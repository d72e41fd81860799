/** Counts of one series: cumulative as proxies report them, or what came between two reports. */
import type { SeriesCounts } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { EMPTY_LATENCY, readSparseHistogram, subtractLatency } from './sparse-latency.ts';
import type { SparseLatency } from './sparse-latency.ts';

/** Counts of requests, connections, bytes and latencies. */
export interface Traffic {
  readonly success: number;
  readonly failure: number;
  readonly cancelled: number;
  readonly tcpOpened: number;
  readonly tcpClosed: number;
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly latency: SparseLatency;
}

/** All counts zero. */
export const NO_TRAFFIC: Traffic = {
  success: 0,
  failure: 0,
  cancelled: 0,
  tcpOpened: 0,
  tcpClosed: 0,
  readBytes: 0,
  writeBytes: 0,
  latency: EMPTY_LATENCY,
};

const EXCHANGES = ['success', 'failure', 'cancelled'] as const;
const LINKS = ['tcpOpened', 'tcpClosed', 'readBytes', 'writeBytes'] as const;
const NUMBERS = [...EXCHANGES, ...LINKS];

/** Undefined when the report is not of the histogram layout. */
export function readTraffic(counts: SeriesCounts): Traffic | undefined {
  const latency = readSparseHistogram(counts.latencyUs);
  if (latency === undefined) return undefined;
  let success = 0;
  let failure = 0;
  for (const outcome of counts.outcomes) {
    if (outcome.success) success += outcome.count;
    else failure += outcome.count;
  }
  const { cancelled, tcpOpened, tcpClosed, readBytes, writeBytes } = counts;
  return { success, failure, cancelled, tcpOpened, tcpClosed, readBytes, writeBytes, latency };
}

/**
 * What came between two cumulative counts. A count that shrank says that the proxy began anew: all
 * of `latest` is new then. Proxies keep the counts of exchanges and those of links apart, and drop
 * them at different times, so each group is judged alone.
 */
export function trafficSince(latest: Traffic, earlier: Traffic): Traffic {
  const latency = subtractLatency(latest.latency, earlier.latency);
  const since: { -readonly [Name in keyof Traffic]: Traffic[Name] } = { ...latest };
  if (latency !== undefined && noneShrank(EXCHANGES, latest, earlier)) {
    since.latency = latency;
    for (const name of EXCHANGES) since[name] -= earlier[name];
  }
  if (noneShrank(LINKS, latest, earlier)) {
    for (const name of LINKS) since[name] -= earlier[name];
  }
  return since;
}

const noneShrank = (names: Readonly<typeof NUMBERS>, latest: Traffic, earlier: Traffic): boolean =>
  names.every((name) => latest[name] >= earlier[name]);

/** Whether every count is zero. */
export const isNoTraffic = (traffic: Traffic): boolean =>
  NUMBERS.every((name) => traffic[name] === 0) && traffic.latency.slots.length === 0;
