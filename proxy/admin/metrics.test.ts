import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordLatency } from '../../api/histogram.ts';
import { readMetricsPage } from '../../test/support/metrics-page.ts';
import { outboundLabels } from '../../test/support/observed.ts';
import type { SeriesLabels } from '../model/series-labels.ts';
import { Meter } from '../observe/meter.ts';
import { Series } from '../observe/series.ts';
import {
  GAUGE_DESTINATIONS,
  GAUGE_SERIES_LIMITED,
  SharedCounts,
  countsOfThreads,
  shareCounts,
} from '../observe/shared-counts.ts';
import { LINK_CLOSED, LINK_CLOSED_MS, LINK_LIFETIMES, LINK_OPENED } from '../transport/link.ts';
import { type MetricsParts, renderMetrics } from './metrics.ts';

const OUT = 'direction="outbound",tls="disabled",authority="web.demo.svc.cluster.local:80"';
const WEB = `${OUT},dst_service="web",dst_port="80",dst_namespace="demo",dst_deployment="web"`;
const NO_GRPC = -1;

let nextId = 1;

function addSeries(meter: Meter, labels: SeriesLabels): Series {
  const series = new Series();
  meter.add(0, { id: nextId++, labels, shared: series.shared });
  return series;
}

const NO_PARTS: MetricsParts = {
  groups: [],
  seriesLimited: 9,
  threads: [],
  control: undefined,
  runtime: [],
  memoryTrim: undefined,
  conntrack: undefined,
  nowMs: 10_000,
};

/** Values by sample of a page that is valid. */
function samplesOf(meter: Meter, counts = new SharedCounts()): Map<string, number> {
  const threads = [{ counts, restarts: 2, utilization: undefined }];
  const page = renderMetrics({ ...NO_PARTS, groups: meter.groups(), threads });
  return new Map(readMetricsPage(page).flatMap(({ samples }) => [...samples]));
}

test('renderMetrics of a proxy without traffic is a valid page with both directions at 0', () => {
  const samples = samplesOf(new Meter());
  for (const direction of ['inbound', 'outbound']) {
    const traffic = [...samples].filter(([name]) => name.includes(`{direction="${direction}"`));
    assert.ok(traffic.length > 0);
    for (const [name, value] of traffic) assert.equal(value, 0, name);
  }
  assert.equal(samples.get('proxy_thread_restarts_total{thread="0"}'), 2);
  assert.ok((samples.get('process_resident_memory_bytes') ?? 0) > 1_000_000);
  assert.ok(![...samples.keys()].some((name) => /^control_|utilization/.test(name)));
});

test('renderMetrics adds up series that differ only by route', () => {
  const meter = new Meter();
  for (const route of ['GET /a', 'GET /b']) {
    const series = addSeries(meter, outboundLabels({ route }));
    series.addRequest();
    series.addRequest();
    series.addCancelled();
    series.addOutcome(200, NO_GRPC, true);
  }
  addSeries(meter, outboundLabels({ route: 'GET /c' })).addOutcome(200, 13, false);
  const samples = samplesOf(meter);
  assert.equal(samples.get(`request_total{${WEB}}`), 4);
  assert.equal(samples.get(`response_cancel_total{${WEB}}`), 2);
  const ok = `${WEB},status_code="200",classification="success"`;
  assert.equal(samples.get(`response_total{${ok}}`), 2);
  const failed = `${WEB},status_code="200",grpc_status="13",classification="failure"`;
  assert.equal(samples.get(`response_total{${failed}}`), 1);
});

test('renderMetrics has Linkerd buckets, in milliseconds', () => {
  const meter = new Meter();
  const series = addSeries(meter, outboundLabels());
  for (const us of [400, 2_000, 45_000, 59_000_000]) {
    series.addLatency(recordLatency(series.latencyCounts, us));
  }
  series.addFirstByte(recordLatency(series.firstByteCounts, 3_000));
  const samples = samplesOf(meter);
  const bucket = (le: string): number | undefined =>
    samples.get(`response_latency_ms_bucket{${WEB},le="${le}"}`);
  assert.deepEqual(['1', '2', '3', '40', '50', '50000', '+Inf'].map(bucket), [1, 2, 2, 2, 3, 3, 4]);
  assert.equal(samples.get(`response_latency_ms_sum{${WEB}}`), 59_047.4);
  assert.equal(samples.get(`response_first_byte_ms_count{${WEB}}`), 1);
  const bounds = [...samples.keys()].filter((name) =>
    name.startsWith(`response_latency_ms_bucket{${WEB}`),
  );
  assert.equal(bounds.length, 26);
});

test('renderMetrics leaves out labels of a destination that is no service', () => {
  const meter = new Meter();
  const none = { dstNamespace: '', dstService: '', dstWorkload: '', dstWorkloadKind: '' };
  addSeries(meter, outboundLabels({ ...none, authority: 'a"b\\c:80' })).addRequest();
  const samples = samplesOf(meter);
  const labels = 'direction="outbound",tls="disabled",authority="a\\"b\\\\c:80"';
  assert.equal(samples.get(`request_total{${labels}}`), 1);
});

test('renderMetrics has connections by direction and peer, errors by cause, limits by thread', () => {
  const counts = new SharedCounts();
  const links = counts.links('inbound', 'src');
  links[LINK_OPENED] = 5;
  links[LINK_CLOSED] = 3;
  links[LINK_LIFETIMES] = 1;
  links[LINK_LIFETIMES + 1] = 1;
  links[LINK_CLOSED_MS] = 12.5;
  counts.addError('outbound', 'no-endpoint', 8_500);
  counts.addLimitHit('inbound', 'resets');
  counts.addLimitHit('inbound', 'resets');
  counts.setGauge(GAUGE_SERIES_LIMITED, 7);
  const samples = samplesOf(new Meter(), counts);
  const src = 'direction="inbound",peer="src"';
  assert.equal(samples.get(`tcp_open_connections{${src}}`), 2);
  const lifetimes = ['1', '10', '100', '+Inf'].map((le) =>
    samples.get(`tcp_connection_duration_ms_bucket{${src},le="${le}"}`),
  );
  assert.deepEqual(lifetimes, [1, 2, 2, 3]);
  assert.equal(samples.get(`tcp_connection_duration_ms_sum{${src}}`), 12.5);
  const failures = [...samples].filter(([name]) => name.startsWith('proxy_errors_total'));
  assert.deepEqual(failures, [['proxy_errors_total{direction="outbound",error="no-endpoint"}', 1]]);
  const age = 'proxy_error_age_seconds{direction="outbound",error="no-endpoint"}';
  assert.equal(samples.get(age), 1.5);
  const limits = [...samples].filter(([name]) => name.startsWith('proxy_http2_limits_total'));
  assert.deepEqual(limits, [['proxy_http2_limits_total{direction="inbound",limit="resets"}', 2]]);
  assert.equal(samples.get('proxy_series_limited_total{thread="0"}'), 7);
  assert.equal(samples.get('proxy_series_limited_total{thread="main"}'), 9);
});

test('renderMetrics adds up connections and errors of all threads, and tells gauges apart', () => {
  const all = countsOfThreads(shareCounts(3));
  all.forEach((counts, thread) => {
    counts.links('inbound', 'src')[LINK_OPENED] = 10 ** thread;
    counts.addError('inbound', 'no-endpoint', 7_000 + thread * 1_000);
    counts.setGauge(GAUGE_DESTINATIONS, thread);
  });
  const threads = all.map((counts) => ({ counts, restarts: 0, utilization: undefined }));
  const page = readMetricsPage(renderMetrics({ ...NO_PARTS, threads }));
  const samples = new Map(page.flatMap((metric) => [...metric.samples]));
  assert.equal(samples.get('tcp_open_total{direction="inbound",peer="src"}'), 111);
  assert.equal(samples.get('proxy_errors_total{direction="inbound",error="no-endpoint"}'), 3);
  const age = 'proxy_error_age_seconds{direction="inbound",error="no-endpoint"}';
  assert.equal(samples.get(age), 1, 'of the latest');
  const destinations = [0, 1, 2].map((n) => samples.get(`proxy_destinations{thread="${n}"}`));
  assert.deepEqual(destinations, [0, 1, 2]);
});

/** What the page says of a controller heard so long ago. */
function controlSamples(ageMs: number | undefined): string[] {
  const control = { connected: true, ageMs, nacks: 4 };
  return readMetricsPage(renderMetrics({ ...NO_PARTS, control })).flatMap(({ samples }) =>
    [...samples].filter(([name]) => name.startsWith('control_')).map((one) => one.join(' ')),
  );
}

test('renderMetrics tells of the controller once there is one, of its age once it was heard', () => {
  assert.deepEqual(controlSamples(undefined), ['control_connected 1', 'control_nack_total 4']);
  assert.deepEqual(controlSamples(1_500).at(-1), 'control_last_update_age_seconds 1.5');
});
