import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { getHeapStatistics } from 'node:v8';
import { Log } from '../base/log.ts';
import { renderMetrics as renderControllerMetrics } from '../controller/admin/metrics.ts';
import type { ControllerView } from '../controller/controller-view.ts';
import { DiscoveryService } from '../controller/discovery/control-server.ts';
import { MeshState } from '../controller/state.ts';
import { TelemetryService } from '../controller/telemetry/report-server.ts';
import { TelemetryStore } from '../controller/telemetry/store.ts';
import { renderMetrics } from '../proxy/admin/metrics.ts';
import { GcCounts, shareGcCounts } from '../proxy/observe/gc-counts.ts';
import { Meter } from '../proxy/observe/meter.ts';
import { Series } from '../proxy/observe/series.ts';
import { SharedCounts } from '../proxy/observe/shared-counts.ts';
import { readMetricsPage } from '../test/support/metrics-page.ts';
import { outboundLabels } from '../test/support/observed.ts';

const page = readFileSync(path.join(import.meta.dirname, 'metrics.md'), 'utf8');
const GRPC_OK = 0;

/** "name type labels" of each metric that the section documents. */
function documented(section: string): string[] {
  const text = page.split(/^## /m).find((part) => part.startsWith(`${section}\n`)) ?? '';
  const rows = text.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \| ([^|]*)\| .+ \|$/gm);
  return [...rows]
    .filter(([, name = '']) => process.platform === 'linux' || !/_fds$|_anonymous_/.test(name))
    .map(([, name = '', type = '', labels = '']) => {
      const names = [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label);
      return `${name} ${type} ${names.toSorted((a, b) => a.localeCompare(b)).join(' ')}`;
    })
    .toSorted((a, b) => a.localeCompare(b));
}

const served = (text: string): string[] =>
  readMetricsPage(text)
    .map(({ labelNames, name, type }) => {
      const names = [...labelNames].toSorted((a, b) => a.localeCompare(b));
      return `${name} ${type} ${names.join(' ')}`;
    })
    .toSorted((a, b) => a.localeCompare(b));

/** A page with everything that a sidecar may serve. */
function sidecarPage(): string {
  const meter = new Meter();
  const series = new Series();
  series.addOutcome(200, GRPC_OK, true);
  meter.add(0, { id: 1, labels: outboundLabels(), shared: series.shared });
  const counts = new SharedCounts();
  counts.addError('outbound', 'no-endpoint', 1);
  counts.addLimitHit('inbound', 'resets');
  counts.detectionCounter('inbound', 8_080, () => true).add('http1', 1_000, false);
  return renderMetrics({
    groups: meter.groups(),
    seriesLimited: 0,
    threads: [{ counts, restarts: 0, utilization: 0.5 }],
    control: { connected: true, ageMs: 1, nacks: 0 },
    runtime: [{ thread: 'main', heap: getHeapStatistics(), gc: new GcCounts(shareGcCounts()) }],
    memoryTrim: { trims: 1, bytes: 4096 },
    conntrack: { entries: 1, entriesMax: 2 },
    nowMs: 2,
  });
}

/** The page of a controller that one sidecar reports to. */
function controllerPage(): string {
  const owner = { namespace: 'demo', pod: 'web-1', workloadKind: 'deployment', workload: 'web' };
  const state = new MeshState();
  const telemetry = new TelemetryStore({
    now: () => 1_000,
    startedAtUs: 1,
    bytesMax: 1_000_000,
    ownerOf: () => owner,
  });
  telemetry.openStream({ namespace: 'demo', pod: 'web-1', instance: 'i' }, 1);
  const discovery = new DiscoveryService(
    state,
    {
      epochUs: 1,
      controllerVersion: '1.2.3',
      heartbeatMs: 5_000,
      drainMs: 30_000,
      subscriptionsMax: 3,
      streamAgeMsMax: 1_800_000,
    },
    { now: () => 1_000, random: () => 0.5, log: new Log('controller', 'error') },
  );
  const view: ControllerView = {
    version: '1.2.3',
    startedAtUs: 1,
    mesh: () => state.current,
    snapshot: () => undefined,
    discovery,
    telemetry,
    reports: new TelemetryService(telemetry),
  };
  return renderControllerMetrics(view, 2_000);
}

test('docs/metrics.md has every metric of a sidecar with its type and labels, and no other', () => {
  assert.deepEqual(documented('Sidecar'), served(sidecarPage()));
});

test('docs/metrics.md has every metric of the controller with its type and labels, no other', () => {
  assert.deepEqual(documented('Controller'), served(controllerPage()));
});

test('docs/metrics.md explains every label of a sidecar', () => {
  const explained = [...page.matchAll(/^\| ((?:`\w+` ?)+)\| (?!counter|gauge|histogram)/gm)]
    .flatMap(([, names = '']) => [...names.matchAll(/`(\w+)`/g)])
    .map(([, name]) => name);
  const labels = readMetricsPage(sidecarPage()).flatMap(({ labelNames }) => [...labelNames]);
  assert.deepEqual(new Set(explained), new Set(labels));
});
