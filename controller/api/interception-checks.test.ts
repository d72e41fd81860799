import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  Direction,
  SeriesCounts,
  SeriesDefinition,
} from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { destinationSubject, inboundSubject } from '../discovery/catalog.ts';
import type { Subject } from '../discovery/catalog.ts';
import { ownerOf } from '../discovery/endpoints.ts';
import { readFileContent } from '../sources/documents.ts';
import { buildMesh } from '../state.ts';
import type { Mesh } from '../state.ts';
import { TelemetryStore } from '../telemetry/store.ts';
import { findPassedBy, findRewritten } from './interception-checks.ts';

function meshOf(...documents: readonly string[]): Mesh {
  const content = readFileContent('mesh.yaml', documents.join('\n---\n'), new Map());
  assert.deepEqual(content.problems, []);
  return buildMesh(1, [...content.resources.values()]);
}

const service = (clusterIp: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: web, namespace: demo}, spec: {selector: {app: web}, clusterIP: ${clusterIp}, ports: [{port: 80, targetPort: 8080}]}}`;

const pod = (name: string, ip: string, annotations = ''): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: demo, labels: {app: web, culvert.dev/control-plane-ns: c}, annotations: {${annotations}}, ownerReferences: [{kind: Deployment, name: web}]}, status: {podIP: ${ip}, phase: Running}}`;

const PODS = [pod('web-1', '10.0.0.1'), pod('web-2', '10.0.0.2')];

const target = (originalDst: string): Subject =>
  destinationSubject({ originalDst, authority: '', port: 80 }, 'demo');

/** What is found when the sidecar of demo/bot asks for these original destinations. */
function rewritten(mesh: Mesh, ...originalDsts: readonly string[]): string[] {
  const byName = destinationSubject({ originalDst: '', authority: 'web', port: 80 }, 'demo');
  const subjects = [inboundSubject('demo', 'bot'), byName, ...originalDsts.map(target)];
  const state = { sent: 0, acked: 0, nacked: 0, error: '' };
  const subscriptions = new Map(subjects.map((subject, n) => [`${n}`, { subject, ...state }]));
  const identity = { namespace: 'demo', pod: 'bot', instance: 'i', proxyVersion: '1.0.0' };
  const streams = [
    { identity, subscriptions },
    { identity: undefined, subscriptions },
  ];
  return findRewritten({ mesh: () => mesh, discovery: { streams } });
}

test('findRewritten finds who calls endpoints of Services by address alone', () => {
  const mesh = meshOf(service('10.96.0.1'), ...PODS);
  assert.deepEqual(rewritten(mesh, '10.0.0.1:8080', '10.0.0.2:8080'), [
    'pod demo/bot calls 2 endpoints of Services by address, and no Service',
  ]);
});

test('findRewritten finds nothing where the address may have been asked for', () => {
  const mesh = meshOf(service('10.96.0.1'), ...PODS);
  const pods = ['10.0.0.1:8080', '10.0.0.2:8080'];
  assert.deepEqual(rewritten(mesh, '10.0.0.1:8080'), [], 'one pod alone');
  assert.deepEqual(rewritten(mesh, ...pods, '10.96.0.1:80'), [], 'and a Service');
  assert.deepEqual(rewritten(mesh, '10.0.0.1:9', '10.0.0.2:9'), [], 'at a port of no Service');
  assert.deepEqual(rewritten(mesh, '203.0.113.1:80', '203.0.113.2:80'), [], 'outside the mesh');
  assert.deepEqual(rewritten(meshOf(service('None'), ...PODS), ...pods), [], 'headless');
});

interface Reports {
  /** Answers that callers of deployment demo/web had. */
  readonly called: number;
  /** Requests that the sidecar of demo/web-1 saw; undefined: it reports nothing. */
  readonly seen: number | undefined;
  /** Bytes that it read. */
  readonly readBytes?: number;
  /** Since the traffic. */
  readonly ageMs?: number;
  /** Of a pod of web, that was called by its address. */
  readonly port?: number;
}

function passedBy(reports: Reports, mesh: Mesh): string[] {
  const { called, seen, readBytes = 0, ageMs = 0, port: dstPort = 8080 } = reports;
  const clock = { nowMs: 1_700_000_000_000 };
  const telemetry = new TelemetryStore({
    now: () => clock.nowMs,
    startedAtUs: clock.nowMs * 1_000,
    bytesMax: 1_000_000,
    ownerOf: (namespace, name) => {
      const found = mesh.pods.get(`${namespace}/${name}`);
      return found && ownerOf(found);
    },
  });
  clock.nowMs += 1_000;
  const epoch = clock.nowMs * 1_000;
  const report = (name: string, definition: Partial<SeriesDefinition>, success: number): void => {
    const outcomes = [{ statusCode: 200, success: true, count: success }];
    telemetry.openStream({ namespace: 'demo', pod: name, instance: name }, epoch).apply({
      reporter: undefined,
      epoch,
      sequence: 1,
      definitions: [SeriesDefinition.fromPartial({ id: 1, ...definition })],
      counts: [SeriesCounts.fromPartial({ id: 1, outcomes, readBytes })],
      removed: [],
    });
  };
  const web = { dstNamespace: 'demo', dstWorkloadKind: 'deployment', dstWorkload: 'web' };
  report('bot', { direction: Direction.DIRECTION_OUTBOUND, ...web, dstPort }, called);
  if (seen !== undefined) report('web-1', { direction: Direction.DIRECTION_INBOUND }, seen);
  clock.nowMs += ageMs;
  return findPassedBy({ mesh: () => mesh, telemetry });
}

test('findPassedBy finds a workload whose sidecars saw nothing of what it answered', () => {
  const mesh = meshOf(pod('web-1', '10.0.0.1'));
  assert.deepEqual(passedBy({ called: 20, seen: 0 }, mesh), [
    'deployment demo/web answered 20 requests in the last minute that its own sidecars did not see',
  ]);
});

test('findPassedBy finds nothing that could be otherwise', () => {
  const one = meshOf(pod('web-1', '10.0.0.1'));
  const skipping = meshOf(pod('web-1', '10.0.0.1', "config.culvert.dev/skip-inbound-ports: '80'"));
  assert.deepEqual(passedBy({ called: 19, seen: 0 }, one), [], 'few requests');
  assert.deepEqual(passedBy({ called: 20, seen: 1 }, one), [], 'its sidecar saw one');
  assert.deepEqual(passedBy({ called: 20, seen: 0, readBytes: 1 }, one), [], 'and bytes count');
  assert.deepEqual(passedBy({ called: 20, seen: undefined }, one), [], 'its sidecar is silent');
  assert.deepEqual(passedBy({ called: 20, seen: 0 }, meshOf(...PODS)), [], 'one of two is');
  assert.deepEqual(passedBy({ called: 20, seen: 0 }, skipping), [], 'past its sidecar, as told');
  const unmeshed = meshOf(pod('web-1', '10.0.0.1').replace('culvert.dev/control-plane-ns', 'x'));
  assert.deepEqual(passedBy({ called: 20, seen: 0 }, unmeshed), [], 'it has no sidecar');
});

test('findPassedBy leaves out who reads the metrics of sidecars', () => {
  const container = '{name: p, ports: [{name: culvert-admin, containerPort: 4191}]}';
  const spec = `spec: {containers: [${container}]}, status:`;
  const mesh = meshOf(pod('web-1', '10.0.0.1').replace('status:', spec));
  assert.deepEqual(passedBy({ called: 20, seen: 0, port: 4191 }, mesh), []);
  assert.equal(passedBy({ called: 20, seen: 0 }, mesh).length, 1);
});
