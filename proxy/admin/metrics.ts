/** The Prometheus page of a proxy (contract section 3, docs/metrics.md). */
import { readFileSync } from 'node:fs';
import { LATENCY_SLOTS, cumulativeCounts } from '../../api/histogram.ts';
import { MetricsPage } from '../../base/prometheus.ts';
import { ERROR_CODES } from '../errors.ts';
import { HTTP2_LIMITS } from '../model/http2-limit.ts';
import { DIRECTIONS, type Direction } from '../model/exchange.ts';
import type { ErrorCode } from '../model/mesh-error.ts';
import type { SeriesLabels } from '../model/series-labels.ts';
import type { MeterGroup } from '../observe/meter.ts';
import type { Series } from '../observe/series.ts';
import {
  GAUGE_DESTINATIONS,
  GAUGE_LINKS_REFUSED,
  GAUGE_LOOP_LAG_MAX_MS,
  GAUGE_LOOP_LAG_MS,
  GAUGE_SERIES_LIMITED,
  PEERS,
  type SharedCounts,
  sumLinks,
} from '../observe/shared-counts.ts';
import {
  LIFETIME_BOUNDS_MS,
  LINK_CLOSED,
  LINK_CLOSED_MS,
  LINK_LIFETIMES,
  LINK_OPENED,
  LINK_READ_BYTES,
  LINK_WRITTEN_BYTES,
} from '../transport/link.ts';
import { type ConntrackFigures, addConntrack } from './conntrack-metrics.ts';
import { addDetections } from './detection-metrics.ts';
import { type RuntimeFigures, addRuntime } from './runtime-metrics.ts';
import { descriptorLimit, openDescriptors } from '../transport/descriptors.ts';

/** Bounds of Linkerd's latency buckets, milliseconds. */
const LATENCY_BOUNDS_MS = [1, 10, 100, 1_000, 10_000].flatMap((decade) =>
  [1, 2, 3, 4, 5].map((step) => step * decade),
);

/** What the trimming of memory has done (memory/memory-trim.ts). */
export interface MemoryTrimFigures {
  readonly trims: number;
  /** Resident bytes dropped, of all trims. */
  readonly bytes: number;
}

/** What one data thread counts besides exchanges. */
export interface ThreadFigures {
  readonly counts: SharedCounts;
  readonly restarts: number;
  /** Share of the loop's time that was not idle since the last scrape, 0 to 1. */
  readonly utilization: number | undefined;
}

/** The state of the control link. */
export interface ControlFigures {
  readonly connected: boolean;
  /** Since the last update or heartbeat of the controller; undefined when there was none yet. */
  readonly ageMs: number | undefined;
  readonly nacks: number;
}

/** Everything a page is made of. */
export interface MetricsParts {
  readonly groups: readonly MeterGroup[];
  /** Series that are among "other" because those of all threads together are too many. */
  readonly seriesLimited: number;
  readonly threads: readonly ThreadFigures[];
  readonly control: ControlFigures | undefined;
  /** Of the main thread and each data thread. */
  readonly runtime: readonly RuntimeFigures[];
  /** Memory given back; undefined when that is off. */
  readonly memoryTrim: MemoryTrimFigures | undefined;
  /** Undefined where nothing tracks connections. */
  readonly conntrack: ConntrackFigures | undefined;
  /** Milliseconds since 1970, by the clock that the threads note their failures with. */
  readonly nowMs: number;
}

/** The page as text. Cost grows with the number of series; off the request path. */
export function renderMetrics(parts: MetricsParts): string {
  const page = new MetricsPage();
  addHttp(page, parts.groups);
  addTcp(
    page,
    parts.threads.map(({ counts }) => counts),
    parts.nowMs,
  );
  addDetections(
    page,
    parts.threads.map(({ counts }) => counts.detections),
  );
  parts.threads.forEach((thread, i) => addThread(page, thread, String(i)));
  addSeriesLimited(page, 'main', parts.seriesLimited);
  if (parts.control !== undefined) addControl(page, parts.control);
  addRuntime(page, parts.runtime);
  addProcess(page);
  if (parts.memoryTrim !== undefined) addMemoryTrim(page, parts.memoryTrim);
  if (parts.conntrack !== undefined) addConntrack(page, parts.conntrack);
  return page.toString();
}

/** Routes are not among Prometheus labels: series that differ only by route are one here. */
function addHttp(page: MetricsPage, groups: readonly MeterGroup[]): void {
  const merged = new Map<string, { labels: Record<string, string>; series: Series[] }>();
  for (const group of groups) {
    const labels = prometheusLabels(group.labels);
    const key = JSON.stringify(labels);
    const known = merged.get(key) ?? { labels, series: [] };
    known.series.push(...group.parts);
    merged.set(key, known);
  }
  for (const { labels, series } of merged.values()) addSeries(page, labels, series);
}

function addSeries(
  page: MetricsPage,
  labels: Record<string, string>,
  series: readonly Series[],
): void {
  const sum = (read: (one: Series) => number): number =>
    series.reduce((total, one) => total + read(one), 0);
  page.add(
    'request_total',
    'counter',
    'Requests.',
    labels,
    sum((one) => one.requests),
  );
  const outcomes = new Map<string, { labels: Record<string, string>; count: number }>();
  for (const { status, grpcStatus, success, count } of series.flatMap((one) => one.outcomes())) {
    const outcome = {
      ...labels,
      status_code: String(status),
      ...(grpcStatus === undefined ? {} : { grpc_status: String(grpcStatus) }),
      classification: success ? 'success' : 'failure',
    };
    const key = JSON.stringify(outcome);
    outcomes.set(key, { labels: outcome, count: (outcomes.get(key)?.count ?? 0) + count });
  }
  for (const outcome of outcomes.values()) {
    page.add('response_total', 'counter', 'Answered requests.', outcome.labels, outcome.count);
  }
  const cancelled = sum((one) => one.cancelled);
  page.add('response_cancel_total', 'counter', 'Cancelled by the client.', labels, cancelled);
  const latency = series.map((one) => one.latencyCounts);
  const help = 'Request head complete to response complete, milliseconds.';
  addLatency(
    page,
    'response_latency_ms',
    help,
    labels,
    latency,
    sum((one) => one.latencySumUs),
  );
  const firstByte = series.map((one) => one.firstByteCounts);
  const firstHelp = 'Request head complete to first response byte, milliseconds.';
  const firstSum = sum((one) => one.firstByteSumUs);
  addLatency(page, 'response_first_byte_ms', firstHelp, labels, firstByte, firstSum);
}

function addLatency(
  page: MetricsPage,
  name: string,
  help: string,
  labels: Record<string, string>,
  parts: readonly Uint32Array[],
  sumUs: number,
): void {
  const counts = new Float64Array(LATENCY_SLOTS);
  let total = 0;
  for (const part of parts) {
    for (let i = 0; i < LATENCY_SLOTS; i++) {
      const count = part[i] ?? 0;
      counts[i] = (counts[i] ?? 0) + count;
      total += count;
    }
  }
  const bounds = LATENCY_BOUNDS_MS.map((ms) => ms * 1000);
  const cumulative = cumulativeCounts(counts, bounds);
  page.addHistogram(name, help, labels, LATENCY_BOUNDS_MS, cumulative, total, sumUs / 1000);
}

function prometheusLabels(labels: SeriesLabels): Record<string, string> {
  const { direction, tls } = labels;
  if (direction === 'inbound') return { direction, tls };
  const { authority, dstNamespace, dstPort, dstService, dstWorkload, dstWorkloadKind } = labels;
  const owner = dstWorkloadKind === '' ? {} : { [`dst_${dstWorkloadKind}`]: dstWorkload };
  const service = dstService === '' ? {} : { dst_service: dstService, dst_port: String(dstPort) };
  const namespace = dstNamespace === '' ? {} : { dst_namespace: dstNamespace };
  return { direction, tls, authority, ...service, ...namespace, ...owner };
}

/** Sums over the threads. */
function addTcp(page: MetricsPage, threads: readonly SharedCounts[], nowMs: number): void {
  for (const direction of DIRECTIONS) {
    for (const peer of PEERS) {
      const links = sumLinks(threads, direction, peer);
      const labels = { direction, peer };
      const at = (index: number): number => links[index] ?? 0;
      const open = at(LINK_OPENED) - at(LINK_CLOSED);
      page.add('tcp_open_total', 'counter', 'Connections opened.', labels, at(LINK_OPENED));
      page.add('tcp_open_connections', 'gauge', 'Connections open now.', labels, open);
      page.add('tcp_close_total', 'counter', 'Connections closed.', labels, at(LINK_CLOSED));
      page.add('tcp_read_bytes_total', 'counter', 'Bytes read.', labels, at(LINK_READ_BYTES));
      page.add(
        'tcp_write_bytes_total',
        'counter',
        'Bytes written.',
        labels,
        at(LINK_WRITTEN_BYTES),
      );
      let seen = 0;
      const cumulative = LIFETIME_BOUNDS_MS.map((_, i) => (seen += at(LINK_LIFETIMES + i)));
      page.addHistogram(
        'tcp_connection_duration_ms',
        'Lifetime of closed connections, milliseconds.',
        labels,
        LIFETIME_BOUNDS_MS,
        cumulative,
        at(LINK_CLOSED),
        at(LINK_CLOSED_MS),
      );
    }
    for (const code of ERROR_CODES) addErrors(page, threads, direction, code, nowMs);
    for (const limit of HTTP2_LIMITS) {
      const labels = { direction, limit };
      const count = threads.reduce((sum, counts) => sum + counts.limitHits(direction, limit), 0);
      if (count > 0)
        page.add('proxy_http2_limits_total', 'counter', 'HTTP/2 abuse.', labels, count);
    }
  }
}

function addErrors(
  page: MetricsPage,
  threads: readonly SharedCounts[],
  direction: Direction,
  error: ErrorCode,
  nowMs: number,
): void {
  const labels = { direction, error };
  const count = threads.reduce((sum, counts) => sum + counts.errors(direction, error), 0);
  if (count === 0) return;
  page.add('proxy_errors_total', 'counter', 'Failures, by cause.', labels, count);
  const lastMs = Math.max(...threads.map((counts) => counts.lastErrorMs(direction, error)));
  // Clocks of threads may differ by a little.
  const age = Math.max(0, nowMs - lastMs) / 1000;
  page.add('proxy_error_age_seconds', 'gauge', 'Since the latest such failure.', labels, age);
}

function addThread(page: MetricsPage, thread: ThreadFigures, name: string): void {
  const labels = { thread: name };
  const { counts } = thread;
  const gauge = (metric: string, help: string, index: number): void =>
    page.add(metric, 'gauge', help, labels, counts.gauge(index));
  const open = counts.openDownstreamLinks();
  page.add('proxy_downstream_links', 'gauge', 'Downstream connections open now.', labels, open);
  gauge('proxy_destinations', 'Destinations the thread knows.', GAUGE_DESTINATIONS);
  gauge('proxy_event_loop_lag_ms', 'Lateness of the last timer.', GAUGE_LOOP_LAG_MS);
  gauge('proxy_event_loop_lag_max_ms', 'Greatest lateness since start.', GAUGE_LOOP_LAG_MAX_MS);
  const refused = counts.gauge(GAUGE_LINKS_REFUSED);
  page.add('proxy_links_refused_total', 'counter', 'Connections over the limit.', labels, refused);
  addSeriesLimited(page, name, counts.gauge(GAUGE_SERIES_LIMITED));
  page.add('proxy_thread_restarts_total', 'counter', 'Restarts.', labels, thread.restarts);
  if (thread.utilization !== undefined) {
    const help = 'Busy share of the loop since the last scrape.';
    page.add('proxy_event_loop_utilization', 'gauge', help, labels, thread.utilization);
  }
}

function addSeriesLimited(page: MetricsPage, thread: string, count: number): void {
  const help = 'Labels counted as "other": there are too many.';
  page.add('proxy_series_limited_total', 'counter', help, { thread }, count);
}

function addControl(page: MetricsPage, control: ControlFigures): void {
  const connected = control.connected ? 1 : 0;
  page.add('control_connected', 'gauge', 'The control stream is up.', {}, connected);
  page.add('control_nack_total', 'counter', 'Resources refused.', {}, control.nacks);
  if (control.ageMs !== undefined) {
    const help = 'Since the controller was last heard.';
    page.add('control_last_update_age_seconds', 'gauge', help, {}, control.ageMs / 1000);
  }
}

function addProcess(page: MetricsPage): void {
  const cpu = process.cpuUsage();
  const seconds = (cpu.user + cpu.system) / 1e6;
  page.add('process_cpu_seconds_total', 'counter', 'CPU time of all threads.', {}, seconds);
  const rss = process.memoryUsage.rss();
  page.add('process_resident_memory_bytes', 'gauge', 'Resident memory.', {}, rss);
  const anonymous = anonymousBytes();
  if (anonymous !== undefined) {
    const help = 'Resident memory that no file backs.';
    page.add('process_resident_anonymous_bytes', 'gauge', help, {}, anonymous);
  }
  const started = Math.round(performance.timeOrigin / 1000);
  page.add('process_start_time_seconds', 'gauge', 'Start of the process.', {}, started);
  const open = openDescriptors();
  const limit = descriptorLimit();
  if (open !== undefined) {
    page.add('process_open_fds', 'gauge', 'Open descriptors.', {}, open);
  }
  if (limit !== undefined) {
    page.add('process_max_fds', 'gauge', 'Limit of descriptors.', {}, limit);
  }
}

/** From /proc; undefined where there is none. */
function anonymousBytes(): number | undefined {
  try {
    const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

function addMemoryTrim(page: MetricsPage, { bytes, trims }: MemoryTrimFigures): void {
  page.add('proxy_memory_trims_total', 'counter', 'Times memory was given back.', {}, trims);
  const help = 'Resident bytes of files dropped.';
  page.add('proxy_memory_trimmed_bytes_total', 'counter', help, {}, bytes);
}
