/** The controller's own metrics, in Prometheus text. */
import { MetricsPage } from '../../base/prometheus.ts';
import type { ControllerView } from '../controller-view.ts';

/** `nowMs` is milliseconds since 1970. */
export function renderMetrics(view: ControllerView, nowMs: number): string {
  const page = new MetricsPage();
  addProcess(page, nowMs);
  addSources(page, view);
  addDiscovery(page, view);
  addTelemetry(page, view, nowMs);
  return page.toString();
}

type AddOne = (name: string, help: string, value: number) => void;

const gauges =
  (page: MetricsPage): AddOne =>
  (name, help, value) =>
    page.add(name, 'gauge', help, {}, value);

const counters =
  (page: MetricsPage): AddOne =>
  (name, help, value) =>
    page.add(name, 'counter', help, {}, value);

function addProcess(page: MetricsPage, nowMs: number): void {
  const { user, system } = process.cpuUsage();
  const memory = process.memoryUsage();
  const gauge = gauges(page);
  const started = nowMs / 1_000 - process.uptime();
  counters(page)('process_cpu_seconds_total', 'CPU time used.', (user + system) / 1e6);
  gauge('process_start_time_seconds', 'Start of the process since 1970.', started);
  gauge('process_resident_memory_bytes', 'Resident memory.', memory.rss);
  gauge('process_heap_bytes', 'JavaScript heap in use.', memory.heapUsed);
}

function addSources(page: MetricsPage, view: ControllerView): void {
  const gauge = gauges(page);
  const snapshot = view.snapshot();
  gauge('source_problems', 'Problems of the resources now.', snapshot?.problems.length ?? 0);
  gauge('source_inputs', 'Files the resources come from.', snapshot?.inputs ?? 0);
  gauge('source_resources', 'Resources in force.', snapshot?.resources.length ?? 0);
  gauge('mesh_version', 'Version of the mesh; grows with each change.', view.mesh().version);
}

function addDiscovery(page: MetricsPage, view: ControllerView): void {
  const { streams, catalog, counters: counts } = view.discovery;
  const gauge = gauges(page);
  const counter = counters(page);
  let subscriptions = 0;
  let waiting = 0;
  let refused = 0;
  for (const stream of streams) {
    subscriptions += stream.subscriptions.size;
    waiting += stream.waiting;
    for (const { error } of stream.subscriptions.values()) if (error !== '') refused++;
  }
  gauge('control_streams', 'Control streams open now.', streams.size);
  gauge('control_subscriptions', 'Resources that proxies hold now.', subscriptions);
  gauge('control_waiting_subscriptions', 'Subscriptions beyond --subscriptions-max now.', waiting);
  gauge('control_resources', 'Different resources among them.', catalog.size);
  gauge('control_refused_resources', 'Resources whose latest answer is a nack.', refused);
  counter('control_updates_total', 'Updates sent.', counts.updates);
  counter('control_acks_total', 'Updates that proxies took.', counts.acks);
  counter('control_nacks_total', 'Updates that proxies refused.', counts.nacks);
  counter('control_slow_readers_total', 'Streams ended as nothing was read.', counts.slowReaders);
  const dropped = 'Subscriptions beyond twice --subscriptions-max.';
  counter('control_dropped_subscriptions_total', dropped, counts.droppedSubscriptions);
  const missed = 'Streams ended as heartbeats were missing.';
  counter('control_missed_heartbeats_total', missed, counts.missedHeartbeats);
}

function addTelemetry(page: MetricsPage, view: ControllerView, nowMs: number): void {
  const { telemetry, reports } = view;
  const { counters: counts } = telemetry;
  const gauge = gauges(page);
  const counter = counters(page);
  gauge('telemetry_streams', 'Telemetry streams open now.', reports.streams);
  gauge('telemetry_series', 'Series held.', telemetry.series.size);
  gauge('telemetry_bytes', 'Estimate of the memory they take.', telemetry.bytes);
  gauge('telemetry_bytes_max', 'Cap of that memory.', telemetry.bytesMax);
  counter('telemetry_reports_total', 'Reports taken.', counts.reports);
  counter('telemetry_stale_reports_total', 'Reports repeated or outdated.', counts.staleReports);
  counter('telemetry_refused_counts_total', 'Counts not understood.', counts.refusedCounts);
  counter('telemetry_dropped_series_total', 'Series dropped at the cap.', counts.droppedSeries);
  for (const reporter of telemetry.reporters.values()) {
    if (reporter.stream === undefined) continue;
    const { namespace, pod } = reporter.owner;
    const ageSeconds = Math.max(0, nowMs - reporter.lastReportMs) / 1_000;
    const help = 'Age of the last report of each reporter with a stream.';
    page.add('telemetry_report_age_seconds', 'gauge', help, { namespace, pod }, ageSeconds);
  }
}
