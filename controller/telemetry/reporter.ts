/**
 * What one proxy reports, as a ledger: cumulative counts in, what is new of them out.
 *
 * A series is known by its labels, not by its id, which holds within one stream only. So a report
 * that is repeated, lost or sent again over a new stream changes nothing. A later epoch, or another
 * start of the proxy, begins at zero: all of its counts are new.
 */
import type { Owner } from '../../api/gen/culvert/proxy/v1/control.ts';
import type { SeriesDefinition } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { SLOT_BYTES } from './sparse-latency.ts';
import { NO_TRAFFIC, isNoTraffic, trafficSince } from './traffic.ts';
import type { Traffic } from './traffic.ts';
import { RecentTraffic } from './window.ts';

/** Estimate of a series without its slots and texts. */
const SERIES_BASE_BYTES = 800;

/** The counts of one set of labels from one proxy. */
export class Series {
  readonly key: string;
  readonly definition: SeriesDefinition;
  readonly reporter: Reporter;
  readonly recent = new RecentTraffic();
  /** Cumulative, as last reported; all zero where the proxy counts from zero next. */
  last: Traffic = NO_TRAFFIC;

  constructor(key: string, definition: SeriesDefinition, reporter: Reporter) {
    this.key = key;
    this.definition = definition;
    this.reporter = reporter;
  }

  /** Estimate of the memory held. */
  get bytes(): number {
    const lastBytes = this.last.latency.slots.length * SLOT_BYTES;
    return SERIES_BASE_BYTES + 2 * this.key.length + lastBytes + this.recent.bytes;
  }

  /** Connections open now, as the proxy last said. */
  get openConnections(): number {
    return Math.max(0, this.last.tcpOpened - this.last.tcpClosed);
  }

  /** Takes the cumulative counts; returns whether any of them is new. */
  advance(latest: Traffic, nowMs: number): boolean {
    const since = trafficSince(latest, this.last);
    this.last = latest;
    if (isNoTraffic(since)) return false;
    this.recent.add(since, nowMs);
    return true;
  }
}

/** One proxy, known by its pod. */
export class Reporter {
  readonly key: string;
  readonly series = new Map<string, Series>();
  /** Owner of its pod; the last one known once the pod is gone. */
  owner: Owner;
  /** Of one start of the proxy. */
  instance: string;
  /** Microseconds since 1970, by the proxy's clock, which may be set back between two starts. */
  epoch: number;
  /** The stream whose reports count: the latest one; undefined when it has ended. */
  stream: object | undefined;
  lastReportMs = 0;
  /** Series of this epoch were dropped while the proxy still counts on. */
  someDropped = false;

  constructor(key: string, owner: Owner, instance: string, epoch: number) {
    this.key = key;
    this.owner = owner;
    this.instance = instance;
    this.epoch = epoch;
  }
}

/** Equal for equal labels. */
export function seriesKey(definition: SeriesDefinition): string {
  return JSON.stringify([
    definition.direction,
    definition.authority,
    definition.dstNamespace,
    definition.dstService,
    definition.dstPort,
    definition.dstWorkloadKind,
    definition.dstWorkload,
    definition.dstPod,
    definition.route,
    definition.tls,
  ]);
}
