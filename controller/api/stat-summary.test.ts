import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ResourceKind } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { ResourceRef, StatSummaryRequest } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { Direction } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import type { SeriesDefinition } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { LATENCY_SLOTS, recordLatency, toSparseCounts } from '../../api/histogram.ts';
import { ownerOf } from '../discovery/endpoints.ts';
import { readFileContent } from '../sources/documents.ts';
import { buildMesh } from '../state.ts';
import { TelemetryStore } from '../telemetry/store.ts';
import { statSummary } from './stat-summary.ts';

const START_MS = 1_700_000_040_000;
const NOW_MS = START_MS + 20_000;
const EPOCH_US = START_MS * 1_000 + 1;

const deployment = (name: string): string =>
  `{apiVersion: apps/v1, kind: Deployment, metadata: {name: ${name}, namespace: demo}}`;
const service = (name: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: demo}, spec: {selector: {app: ${name}}, ports: [{port: 80}]}}`;
const pod = (app: string, name: string, meshed = true): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: demo, labels: {app: ${app}${meshed ? ', culvert.dev/control-plane-ns: c' : ''}}, ownerReferences: [{kind: Deployment, name: ${app}}]}, status: {podIP: 10.0.0.1, phase: Running}}`;

const content = readFileContent(
  'mesh.yaml',
  [
    deployment('web'),
    deployment('api'),
    deployment('idle'),
    service('web'),
    service('api'),
    pod('web', 'web-1'),
    pod('api', 'api-1'),
    pod('api', 'api-2'),
    pod('idle', 'idle-1', false),
  ].join('\n---\n'),
  new Map(),
);
assert.deepEqual(content.problems, []);
const mesh = buildMesh(1, [...content.resources.values()]);

const inbound: SeriesDefinition = {
  id: 1,
  direction: Direction.DIRECTION_INBOUND,
  authority: '',
  dstNamespace: '',
  dstService: '',
  dstPort: 0,
  dstWorkloadKind: '',
  dstWorkload: '',
  dstPod: '',
  route: '',
  tls: 'disabled',
};

const outbound = (service: string, route: string, port = 80): SeriesDefinition => ({
  ...inbound,
  direction: Direction.DIRECTION_OUTBOUND,
  authority: `${service}.demo.svc.cluster.local:${port}`,
  dstNamespace: 'demo',
  dstService: service,
  dstPort: port,
  dstWorkloadKind: 'deployment',
  dstWorkload: service,
  route,
});

/** To a host that is no service of the mesh. */
const abroad: SeriesDefinition = {
  ...inbound,
  direction: Direction.DIRECTION_OUTBOUND,
  authority: 'mail.test:25',
  dstPort: 25,
};

interface Reported {
  readonly pod: string;
  readonly definition: SeriesDefinition;
  readonly success: number;
  readonly failure?: number;
  readonly latenciesUs?: readonly number[];
  readonly open?: number;
}

/** An average of the two pods' percentiles would be far off that of all requests. */
const FAST_US = Array.from({ length: 90 }, () => 1_000);
const SLOW_US = Array.from({ length: 10 }, () => 50_000);

const REPORTED: readonly Reported[] = [
  { pod: 'api-1', definition: inbound, success: 90, latenciesUs: FAST_US, open: 2 },
  { pod: 'api-2', definition: inbound, success: 8, failure: 2, latenciesUs: SLOW_US, open: 1 },
  { pod: 'web-1', definition: inbound, success: 40 },
  { pod: 'web-1', definition: outbound('api', 'list'), success: 90 },
  { pod: 'web-1', definition: outbound('api', 'list', 81), success: 8 },
  { pod: 'web-1', definition: outbound('api', 'POST /gift'), success: 0, failure: 2 },
  { pod: 'web-1', definition: outbound('api', ''), success: 0, open: 3 },
  { pod: 'web-1', definition: abroad, success: 1 },
  { pod: 'gone-1', definition: outbound('api', 'list'), success: 1 },
];

const clock = { nowMs: START_MS };
const telemetry = new TelemetryStore({
  now: () => clock.nowMs,
  startedAtUs: START_MS * 1_000,
  bytesMax: 1_000_000,
  ownerOf: (namespace, name) => {
    const found = mesh.pods.get(`${namespace}/${name}`);
    return found && ownerOf(found);
  },
});
clock.nowMs = NOW_MS;
for (const podName of new Set(REPORTED.map((one) => one.pod))) {
  const ofPod = REPORTED.filter((one) => one.pod === podName);
  telemetry.openStream({ namespace: 'demo', pod: podName, instance: 'i' }, EPOCH_US).apply({
    reporter: undefined,
    epoch: EPOCH_US,
    sequence: 1,
    definitions: ofPod.map(({ definition }, id) => ({ ...definition, id })),
    counts: ofPod.map(({ success, failure = 0, latenciesUs = [], open = 0 }, id) => ({
      id,
      requests: success + failure,
      outcomes: [
        { statusCode: 200, success: true, count: success },
        { statusCode: 500, success: false, count: failure },
      ],
      cancelled: 0,
      latencyUs: histogram(latenciesUs),
      firstByteUs: undefined,
      tcpOpened: open + 5,
      tcpClosed: 5,
      readBytes: open * 200,
      writeBytes: open * 400,
    })),
    removed: [],
  });
}

function histogram(latenciesUs: readonly number[]) {
  const counts = new Uint32Array(LATENCY_SLOTS);
  for (const us of latenciesUs) recordLatency(counts, us);
  return { ...toSparseCounts(counts), sumUs: 0 };
}

const NAMESPACE = ResourceKind.RESOURCE_KIND_NAMESPACE;
const DEPLOYMENT = ResourceKind.RESOURCE_KIND_DEPLOYMENT;
const POD = ResourceKind.RESOURCE_KIND_POD;
const SERVICE = ResourceKind.RESOURCE_KIND_SERVICE;
const ROUTE = ResourceKind.RESOURCE_KIND_ROUTE;
const AUTHORITY = ResourceKind.RESOURCE_KIND_AUTHORITY;

const ref = (kind: ResourceKind, name = '', namespace = ''): ResourceRef => ({
  kind,
  namespace,
  name,
});

function ask(resource: ResourceRef | undefined, rest: Partial<StatSummaryRequest> = {}) {
  return statSummary({ resource, windowSeconds: 60, ...rest }, mesh, telemetry, NOW_MS);
}

function rows(resource: ResourceRef, rest: Partial<StatSummaryRequest> = {}): string[] {
  const answer = ask(resource, rest);
  assert.ok('rows' in answer, JSON.stringify(answer));
  return answer.rows.map((row) => {
    const place = [row.namespace, row.service, row.name].filter(Boolean).join('/');
    const pods = row.running === undefined ? '-' : `${row.meshed}/${row.running}`;
    return `${place} ${pods} ${row.success}+${row.failure} tcp=${row.tcpConnections ?? '-'}`;
  });
}

test('statSummary shows deployments, pods and namespaces as their own sidecars saw them', () => {
  assert.deepEqual(rows(ref(DEPLOYMENT)), [
    'demo/api 2/2 98+2 tcp=3',
    'demo/idle 0/1 0+0 tcp=-',
    'demo/web 1/1 40+0 tcp=0',
  ]);
  assert.deepEqual(rows(ref(POD, '', 'demo')), [
    'demo/api-1 1/1 90+0 tcp=2',
    'demo/api-2 1/1 8+2 tcp=1',
    'demo/idle-1 0/1 0+0 tcp=-',
    'demo/web-1 1/1 40+0 tcp=0',
  ]);
  assert.deepEqual(rows(ref(NAMESPACE)), ['demo 3/4 138+2 tcp=3']);
  assert.deepEqual(rows(ref(DEPLOYMENT, 'api')), ['demo/api 2/2 98+2 tcp=3']);
});

test('statSummary shows services, authorities and routes as their callers saw them', () => {
  assert.deepEqual(rows(ref(SERVICE)), ['demo/api 2/2 99+2 tcp=-', 'demo/web 1/1 0+0 tcp=-']);
  assert.deepEqual(rows(ref(AUTHORITY)), [
    'demo/api.demo.svc.cluster.local:80 - 91+2 tcp=-',
    'demo/api.demo.svc.cluster.local:81 - 8+0 tcp=-',
    'demo/mail.test:25 - 1+0 tcp=-',
  ]);
  assert.deepEqual(rows(ref(ROUTE)), [
    'demo/api/POST /gift - 0+2 tcp=-',
    'demo/api/list - 99+0 tcp=-',
  ]);
});

test("statSummary counts an authority that is no service in its caller's namespace", () => {
  const mail = 'demo/mail.test:25 - 1+0 tcp=-';
  assert.deepEqual(rows(ref(AUTHORITY, 'mail.test:25', 'demo')), [mail]);
  assert.deepEqual(rows(ref(AUTHORITY, 'mail.test:25', 'elsewhere')), []);
  assert.deepEqual(rows(ref(DEPLOYMENT, 'web'), { to: ref(AUTHORITY, 'mail.test:25', 'demo') }), [
    'demo/web 1/1 1+0 tcp=-',
  ]);
});

const web = (counts: string): readonly string[] => [`demo/web 1/1 ${counts} tcp=-`];

test('statSummary --to has the outbound traffic of the named towards the other', () => {
  assert.deepEqual(rows(ref(DEPLOYMENT, 'web'), { to: ref(SERVICE, 'api') }), web('98+2'));
  assert.deepEqual(rows(ref(DEPLOYMENT, 'web'), { to: ref(ROUTE, 'list') }), web('98+0'));
  assert.deepEqual(rows(ref(POD), { to: ref(DEPLOYMENT, 'api') }), [
    'demo/gone-1 - 1+0 tcp=-',
    'demo/web-1 1/1 98+2 tcp=-',
  ]);
  assert.deepEqual(rows(ref(NAMESPACE), { to: ref(NAMESPACE, 'demo') }), ['demo 3/4 99+2 tcp=-']);
  assert.deepEqual(rows(ref(DEPLOYMENT), { to: ref(DEPLOYMENT, 'web') }), []);
});

test('statSummary --from has what the other calls, by destination', () => {
  assert.deepEqual(rows(ref(DEPLOYMENT), { from: ref(DEPLOYMENT, 'web') }), [
    'demo/api 2/2 98+2 tcp=-',
  ]);
  assert.deepEqual(rows(ref(AUTHORITY), { from: ref(POD, 'gone-1') }), [
    'demo/api.demo.svc.cluster.local:80 - 1+0 tcp=-',
  ]);
  assert.deepEqual(rows(ref(ROUTE, 'list'), { from: ref(POD, 'web-1') }), [
    'demo/api/list - 98+0 tcp=-',
  ]);
  assert.deepEqual(rows(ref(SERVICE), { from: ref(DEPLOYMENT, 'api') }), []);
});

test('statSummary says which named resource is nowhere, at either end', () => {
  const cases: [ResourceRef, Partial<StatSummaryRequest>, string | undefined][] = [
    [ref(DEPLOYMENT, 'api', 'elsewhere'), {}, 'no deployment "api" in namespace "elsewhere"'],
    [ref(POD, 'nosuch'), {}, 'no pod "nosuch" in any namespace'],
    [
      ref(DEPLOYMENT, 'web'),
      { to: ref(SERVICE, 'nosuch') },
      'no service "nosuch" in any namespace',
    ],
    [ref(SERVICE), { from: ref(NAMESPACE, 'nosuch') }, 'no namespace "nosuch"'],
    [ref(DEPLOYMENT, 'nosuch'), { to: ref(SERVICE) }, 'no deployment "nosuch" in any namespace'],
    // Gone, but its traffic of the last hour is known.
    [ref(SERVICE), { from: ref(POD, 'gone-1') }, undefined],
    [ref(DEPLOYMENT, '', 'elsewhere'), {}, undefined],
    [ref(ROUTE, 'nosuch'), {}, undefined],
    [ref(AUTHORITY, 'nosuch'), {}, undefined],
  ];
  for (const [resource, rest, expected] of cases) {
    const answer = ask(resource, rest);
    assert.equal('missing' in answer ? answer.missing : undefined, expected);
  }
});

function bytesOf(resource: ResourceRef, rest: Partial<StatSummaryRequest> = {}) {
  const answer = ask(resource, rest);
  assert.ok('rows' in answer);
  return answer.rows.map((row) => [row.name, row.readBytesPerSecond, row.writeBytesPerSecond]);
}

const none = (names: readonly string[]) => names.map((name) => [name, undefined, undefined]);

test('statSummary tells bytes where it tells connections, and nowhere else', () => {
  assert.deepEqual(bytesOf(ref(DEPLOYMENT)), [
    ['api', 30, 60],
    ['idle', undefined, undefined],
    ['web', 0, 0],
  ]);
  assert.deepEqual(bytesOf(ref(SERVICE)), none(['api', 'web']));
  assert.deepEqual(bytesOf(ref(ROUTE)), none(['POST /gift', 'list']));
  assert.deepEqual(bytesOf(ref(DEPLOYMENT), { to: ref(SERVICE, 'api') }), none(['web']));
  assert.deepEqual(bytesOf(ref(DEPLOYMENT), { from: ref(DEPLOYMENT, 'web') }), none(['api']));
});

/** Within the 1 % of the histogram. */
const assertNear = (actual: number | undefined, expected: number): void => {
  assert.ok(Math.abs((actual ?? 0) - expected) <= expected / 100, `${actual}, not ${expected}`);
};

test('statSummary takes percentiles from merged histograms and rates from covered seconds', () => {
  const answer = ask(ref(DEPLOYMENT, 'api'));
  assert.ok('rows' in answer);
  assert.equal(answer.windowSeconds, 20, 'counting began 20 s ago');
  const [row] = answer.rows;
  assert.equal(row?.rps, 5);
  assertNear(row?.latency?.p50Ms, 1);
  assertNear(row?.latency?.p95Ms, 50);
  assertNear(row?.latency?.p99Ms, 50);
  assertNear(row?.latency?.maxMs, 50);
  const idle = ask(ref(DEPLOYMENT, 'idle'));
  assert.ok('rows' in idle);
  assert.equal(idle.rows[0]?.latency, undefined);
  assert.equal(idle.rows[0]?.rps, 0);
});

test('statSummary refuses what it cannot answer', () => {
  const cases: [ResourceRef | undefined, Partial<StatSummaryRequest>, RegExp][] = [
    [ref(DEPLOYMENT), { windowSeconds: 9 }, /10 to 3600, is 9/],
    [ref(DEPLOYMENT), { windowSeconds: 3_601 }, /10 to 3600/],
    [undefined, {}, /resource\.kind/],
    [ref(99 as ResourceKind), {}, /resource\.kind/],
    [ref(DEPLOYMENT), { to: ref(SERVICE), from: ref(POD) }, /not both/],
    [ref(SERVICE), { to: ref(DEPLOYMENT) }, /only those call/],
    [ref(SERVICE), { from: ref(SERVICE) }, /only those call/],
    [ref(POD), { to: ref(ResourceKind.RESOURCE_KIND_UNSPECIFIED) }, /to\.kind/],
    [ref(DEPLOYMENT), { to: ref(POD, 'api-2') }, /by workload, not by pod/],
    [ref(POD), { from: ref(DEPLOYMENT, 'web') }, /by workload, not by pod/],
  ];
  for (const [resource, rest, expected] of cases) {
    const answer = ask(resource, rest);
    assert.match('invalid' in answer ? answer.invalid : 'answered', expected);
  }
});
