import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResourceKind, StatRow } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { statJson } from './stat-json.ts';
import { formatBytes, formatLatency, renderStatTable } from './stat-table.ts';

const latency = { p50Ms: 0.42, p95Ms: 4.21, p99Ms: 12.4, p999Ms: 99.6, maxMs: 1_204 };
const busy = StatRow.fromPartial({
  kind: ResourceKind.RESOURCE_KIND_DEPLOYMENT,
  namespace: 'demo',
  name: 'web',
  meshed: 1,
  running: 2,
  success: 39,
  failure: 1,
  cancelled: 3,
  rps: 4,
  latency,
  tcpConnections: 5,
  readBytesPerSecond: 1_234,
  writeBytesPerSecond: 80,
});
const idle = StatRow.fromPartial({
  kind: ResourceKind.RESOURCE_KIND_DEPLOYMENT,
  namespace: 'demo',
  name: 'rates',
  meshed: 1,
  running: 1,
  tcpConnections: 0,
});
const route = StatRow.fromPartial({
  kind: ResourceKind.RESOURCE_KIND_ROUTE,
  namespace: 'demo',
  name: 'POST /labels/{id}/foil',
  service: 'labels',
  failure: 7,
  rps: 0.7,
  latency,
});

test('stat table shows every column of the contract and a dash for no traffic', () => {
  assert.equal(
    renderStatTable([busy, idle], { withNamespace: true, wide: false }),
    [
      'NAMESPACE   NAME    MESHED   SUCCESS   RPS   LATENCY_P50   LATENCY_P95   LATENCY_P99   TCP_CONN',
      'demo        web        1/2    97.50%   4.0        0.42ms         4.2ms          12ms          5',
      'demo        rates      1/1         -     -             -             -             -          0',
      '',
    ].join('\n'),
  );
});

test('stat table has no column without a source', () => {
  assert.equal(
    renderStatTable([route], { withNamespace: false, wide: false }),
    [
      'NAME                     SERVICE   SUCCESS   RPS   LATENCY_P50   LATENCY_P95   LATENCY_P99',
      'POST /labels/{id}/foil   labels      0.00%   0.7        0.42ms         4.2ms          12ms',
      '',
    ].join('\n'),
  );
});

test('stat table of namespaces has no namespace column', () => {
  const row = StatRow.fromPartial({ name: 'demo' });
  assert.match(renderStatTable([row], { withNamespace: true, wide: false }), /^NAME +SUCCESS/);
});

test('stat table adds the tail, cancels and bytes when wide', () => {
  const [head = '', row = ''] = renderStatTable([busy], { withNamespace: false, wide: true }).split(
    '\n',
  );
  const columns = head.split(/ {3,}/);
  const cells = row.split(/ {3,}/);
  assert.deepEqual(Object.fromEntries(columns.map((column, i) => [column, cells[i]])), {
    NAME: 'web',
    MESHED: '1/2',
    SUCCESS: '97.50%',
    RPS: '4.0',
    LATENCY_P50: '0.42ms',
    LATENCY_P95: '4.2ms',
    LATENCY_P99: '12ms',
    'LATENCY_P99.9': '100ms',
    LATENCY_MAX: '1204ms',
    CANCELLED: '3',
    'READ_BYTES/S': '1.2kB',
    'WRITE_BYTES/S': '80B',
    TCP_CONN: '5',
  });
});

const wideLines = (...rows: StatRow[]): string[] =>
  renderStatTable(rows, { withNamespace: false, wide: true }).split('\n');

test('stat table has no bytes where no row has a source, a dash where this one has none', () => {
  assert.doesNotMatch(wideLines(route)[0] ?? '', /BYTES|TCP_CONN/);
  assert.match(wideLines(busy, route)[2] ?? '', / -   +-   +-$/);
});

test('stat table lets no name speak to the terminal', () => {
  const row = { ...route, name: 'GET /\u001B[2J\u009B1m' };
  assert.match(renderStatTable([row], { withNamespace: false, wide: false }), /^GET \/\?\[2J\?1m/m);
});

test('success never reads as 100% while anything failed', () => {
  const row = { ...busy, success: 999_999, failure: 1 };
  assert.match(renderStatTable([row], { withNamespace: false, wide: false }), /99\.99%/);
});

test('latency and bytes keep about three digits', () => {
  assert.deepEqual([0.004, 0.999, 1, 9.94, 9.96, 250.4].map(formatLatency), [
    '0.00ms',
    '1.00ms',
    '1.0ms',
    '9.9ms',
    '10ms',
    '250ms',
  ]);
  assert.deepEqual([0, 999, 999.6, 1_500_000, 2e9].map(formatBytes), [
    '0B',
    '999B',
    '1.0kB',
    '1.5MB',
    '2.0GB',
  ]);
});

test('stat JSON has the fields of the contract in base units, null without traffic', () => {
  const [first, second, third] = statJson({ rows: [busy, idle, route], windowSeconds: 10 });
  assert.deepEqual(first, {
    namespace: 'demo',
    kind: 'deployment',
    name: 'web',
    meshed: 1,
    running: 2,
    success: 39,
    failure: 1,
    cancelled: 3,
    successRate: 0.975,
    rps: 4,
    latencyMsP50: 0.42,
    latencyMsP95: 4.21,
    latencyMsP99: 12.4,
    latencyMsP999: 99.6,
    latencyMsMax: 1_204,
    tcpConnections: 5,
    readBytesPerSecond: 1_234,
    writeBytesPerSecond: 80,
    windowSeconds: 10,
  });
  assert.deepEqual(pick(second, 'successRate', 'latencyMsP50', 'rps', 'tcpConnections'), [
    null,
    null,
    0,
    0,
  ]);
  assert.deepEqual(pick(third, 'kind', 'service', 'successRate', 'meshed', 'tcpConnections'), [
    'route',
    'labels',
    0,
    null,
    null,
  ]);
  assert.deepEqual(pick(third, 'readBytesPerSecond', 'writeBytesPerSecond'), [null, null]);
});

function pick(row: object | undefined, ...names: readonly string[]): readonly unknown[] {
  const fields: Readonly<Record<string, unknown>> = { ...row };
  return names.map((name) => fields[name]);
}
