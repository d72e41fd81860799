import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import { readFileContent } from '../sources/documents.ts';
import { buildMesh } from '../state.ts';
import type { Mesh } from '../state.ts';
import { declaredAtPod, declaredToCallers, inboundPorts, outboundPorts } from './declared-ports.ts';

const WORDS: Readonly<Record<number, string>> = {
  [Protocol.PROTOCOL_UNSPECIFIED]: 'detect',
  [Protocol.PROTOCOL_HTTP1]: 'http1',
  [Protocol.PROTOCOL_HTTP2]: 'http2',
  [Protocol.PROTOCOL_OPAQUE]: 'opaque',
};

const DEFAULTS = [
  { first: 25, last: 25 },
  { first: 5432, last: 5433 },
];

function meshOf(...documents: readonly string[]): Mesh {
  const content = readFileContent('mesh.yaml', documents.join('\n---\n'), new Map());
  assert.deepEqual(content.problems, []);
  return buildMesh(1, [...content.resources.values()], DEFAULTS);
}

const annotated = (annotations: string): string =>
  annotations === '' ? '' : `, annotations: {config.culvert.dev/${annotations}}`;

const service = (name: string, ports: string, annotations = ''): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: demo${annotated(annotations)}}, spec: {selector: {app: db}, ports: [${ports}]}}`;

const pod = (annotations = ''): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: db-1, namespace: demo, labels: {app: db}${annotated(annotations)}}, spec: {containers: [{ports: [{name: sql, containerPort: 7000}]}]}, status: {podIP: 10.0.0.1}}`;

/** What the callers of each port of demo/db are told. */
function toCallers(...documents: readonly string[]): string[] {
  const mesh = meshOf(...documents);
  const db = mesh.services.get('demo/db') ?? assert.fail('no service');
  return db.ports.map((port) => `${port.port} ${WORDS[declaredToCallers(mesh, db, port)]}`);
}

/** What demo/db-1 is told of its own ports. */
function atPod(...documents: readonly string[]): string[] {
  const mesh = meshOf(...documents);
  const found = mesh.pods.get('demo/db-1') ?? assert.fail('no pod');
  return inboundPorts(mesh, found).map(
    ({ first, last, protocol }) => `${first}-${last} ${WORDS[protocol]}`,
  );
}

const OWN_DEFAULTS = ['25-25 opaque', '5432-5433 opaque'];

test('callers are told what annotation, appProtocol, name and default list say, in this order', () => {
  const ports = [
    '{name: a, port: 25}',
    '{name: b, port: 26}',
    '{name: c, port: 80, targetPort: 5433}',
    '{name: grpc, port: 81}',
    '{name: d, port: 5432, appProtocol: http}',
    '{name: e, port: 5433, appProtocol: mysql}',
  ].join(', ');
  const unannotated = [
    '25 opaque',
    '26 detect',
    '80 opaque',
    '81 http2',
    '5432 http1',
    '5433 opaque',
  ];
  assert.deepEqual(toCallers(service('db', ports)), unannotated);
  assert.deepEqual(toCallers(service('db', ports, "opaque-ports: '26,81'")), [
    '25 opaque',
    '26 opaque',
    '80 opaque',
    '81 opaque',
    '5432 http1',
    '5433 opaque',
  ]);
  assert.deepEqual(toCallers(service('db', ports, "app-protocol: '25=detect,80=http2'")), [
    '25 detect',
    '26 detect',
    '80 http2',
    '81 http2',
    '5432 http1',
    '5433 opaque',
  ]);
});

test('callers are told what a slice says where the Service says nothing', () => {
  const slice =
    '{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: db, namespace: demo, labels: {kubernetes.io/service-name: db}}, addressType: IPv4, ports: [{name: a, port: 1}, {name: b, port: 2, appProtocol: tcp}], endpoints: []}';
  const ports = '{name: a, port: 1}, {name: b, port: 2}';
  assert.deepEqual(toCallers(service('db', ports), slice), ['1 detect', '2 opaque']);
});

test('a pod knows the default list, and what the Services say that lead to it', () => {
  assert.deepEqual(atPod(pod()), OWN_DEFAULTS);
  assert.deepEqual(atPod(pod(), service('db', '{port: 5432, targetPort: 7000}')), [
    '7000-7000 opaque',
    ...OWN_DEFAULTS,
  ]);
  assert.deepEqual(
    atPod(pod(), service('db', '{name: a, port: 9, targetPort: 25}', 'app-protocol: http1')),
    ['25-25 http1', ...OWN_DEFAULTS],
  );
});

test("a pod's own annotations go before what Services say of its ports", () => {
  const db = service('db', '{name: a, port: 80, targetPort: sql}', 'app-protocol: http2');
  assert.deepEqual(atPod(db, pod("opaque-ports: 'sql,90-91'")), [
    '90-91 opaque',
    '7000-7000 opaque',
    '7000-7000 http2',
    ...OWN_DEFAULTS,
  ]);
});

test('Services that contradict each other about a port of a pod say nothing of it', () => {
  const two = [
    service('a', '{port: 80, targetPort: 7000, appProtocol: tcp}'),
    service('b', '{port: 81, targetPort: 7000, appProtocol: http}'),
  ];
  assert.deepEqual(atPod(pod(), ...two), OWN_DEFAULTS);
  const same = [two[0]!, two[1]!.replace('http}', 'opaque}')];
  assert.deepEqual(atPod(pod(), ...same), ['7000-7000 opaque', ...OWN_DEFAULTS]);
  assert.deepEqual(
    atPod(pod(), ...two, service('c', '{port: 82, targetPort: 7000, appProtocol: tcp}')),
    OWN_DEFAULTS,
  );
});

test('who dials a pod at its address is told what the pod is told', () => {
  const mesh = meshOf(pod("skip-inbound-ports: '22'"));
  const found = mesh.pods.get('demo/db-1') ?? assert.fail('no pod');
  const told = [22, 5432, 80].map((port) => WORDS[declaredAtPod(mesh, found, port)]);
  assert.deepEqual(told, ['opaque', 'opaque', 'detect']);
});

test('a pod knows what it declared of ports that it dials', () => {
  const mesh = meshOf(pod("skip-outbound-ports: '9-10'"));
  const found = mesh.pods.get('demo/db-1') ?? assert.fail('no pod');
  assert.deepEqual(outboundPorts(found), [
    { first: 9, last: 10, protocol: Protocol.PROTOCOL_OPAQUE },
  ]);
});
