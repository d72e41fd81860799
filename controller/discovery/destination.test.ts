import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import type { Destination, NoSuchService } from '../../api/gen/culvert/proxy/v1/control.ts';
import { readFileContent } from '../sources/documents.ts';
import { buildMesh } from '../state.ts';
import type { Mesh } from '../state.ts';
import { compileDestination } from './destination.ts';

const DEFAULT_OPAQUE_PORTS = [
  { first: 3306, last: 3306 },
  { first: 6379, last: 6379 },
];

function meshOf(...documents: readonly string[]): Mesh {
  const content = readFileContent('mesh.yaml', documents.join('\n---\n'), new Map());
  assert.deepEqual(content.problems, []);
  return buildMesh(1, [...content.resources.values()], DEFAULT_OPAQUE_PORTS);
}

/** What a proxy is told that asks for an original destination, or for the authority "web". */
function told(mesh: Mesh, originalDst: string, authority = ''): Destination | NoSuchService {
  const resource = compileDestination(mesh, { originalDst, authority, port: 80 }, 'demo');
  assert.ok(resource.$case !== 'inbound');
  return resource.value;
}

function destination(mesh: Mesh, originalDst: string, authority = ''): Destination {
  const found = told(mesh, originalDst, authority);
  assert.ok('endpoints' in found, originalDst);
  return found;
}

const service = (name: string, spec: string, annotations = ''): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: demo, annotations: {${annotations}}}, spec: {${spec}}}`;

const PODS = [
  "{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: demo, labels: {app: web, culvert.dev/control-plane-ns: culvert}, annotations: {config.culvert.dev/skip-inbound-ports: '9000'}, ownerReferences: [{kind: Deployment, name: web}]}, spec: {containers: [{ports: [{name: culvert-admin, containerPort: 4191}]}]}, status: {podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}}",
  '{apiVersion: v1, kind: Pod, metadata: {name: lone, namespace: demo}, status: {podIP: 10.0.0.2}}',
];

const HTTP1_TRANSPORT = 'config.culvert.dev/http1-transport';
const WEB =
  'selector: {app: web}, clusterIP: 10.96.0.1, ports: [{name: http2, port: 80, targetPort: 8080}]';

const transport = (annotations: string): Protocol =>
  destination(meshOf(service('web', WEB, annotations)), '', 'web').http1Transport;

test('a destination says what HTTP/1.1 rides on as its Service does, or nothing', () => {
  assert.equal(transport(`${HTTP1_TRANSPORT}: http2`), Protocol.PROTOCOL_HTTP2);
  assert.equal(transport(`${HTTP1_TRANSPORT}: http1`), Protocol.PROTOCOL_HTTP1);
  assert.equal(transport('other: x'), Protocol.PROTOCOL_UNSPECIFIED);
});

test('the address of a Service means what its name means', () => {
  const mesh = meshOf(service('web', WEB, `${HTTP1_TRANSPORT}: http1`), ...PODS);
  const byAddress = destination(mesh, '10.96.0.1:80', 'some.other.name');
  assert.deepEqual(byAddress, destination(mesh, '', 'web'));
  assert.equal(byAddress.endpoints.length, 1);
});

test('a pod dialled at its address is the endpoint that its Services have, and that alone', () => {
  const mesh = meshOf(service('web', WEB, `${HTTP1_TRANSPORT}: http1`), ...PODS);
  const [named] = destination(mesh, '', 'web').endpoints;
  const expected = {
    authority: '10.0.0.1:8080',
    service: '',
    namespace: 'demo',
    port: 8080,
    // Who dials a pod means that pod, ready or not.
    endpoints: [{ ...named, ready: true }],
    routes: [],
    http1Transport: Protocol.PROTOCOL_HTTP1,
    declared: Protocol.PROTOCOL_HTTP2,
  };
  assert.equal(named?.ready, false);
  assert.equal(named.protocol, Protocol.PROTOCOL_HTTP2);
  assert.deepEqual(destination(mesh, '10.0.0.1:8080'), expected);
  const [endpoint, ...others] = destination(mesh, '[fd00::1]:8080').endpoints;
  assert.deepEqual([endpoint, others], [{ ...named, address: 'fd00::1', ready: true }, []]);
});

test('a pod that is about to end is there for who dials its address, and told as what it is', () => {
  const mesh = meshOf(
    service('web', WEB),
    '{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: demo, labels: {app: web}, deletionTimestamp: "2026-01-01T00:00:00Z"}, status: {podIP: 10.0.0.1}}',
  );
  const [byService] = destination(mesh, '', 'web').endpoints;
  const [byAddress] = destination(mesh, '10.0.0.1:8080').endpoints;
  assert.deepEqual([byService?.ready, byService?.terminating], [false, true]);
  assert.deepEqual([byAddress?.ready, byAddress?.terminating], [true, true]);
});

test('a pod of a headless Service is told as one of any other', () => {
  const headless = WEB.replace('10.96.0.1', 'None');
  const mesh = meshOf(service('web', headless, `${HTTP1_TRANSPORT}: http2`), ...PODS);
  const { declared, endpoints, http1Transport } = destination(mesh, '10.0.0.1:8080');
  assert.deepEqual(
    [declared, http1Transport, endpoints.map(({ id, protocol }) => `${id} ${protocol}`)],
    [Protocol.PROTOCOL_HTTP2, Protocol.PROTOCOL_HTTP2, ['demo/web-1:8080 2']],
  );
});

test('Services that say different things of a pod say nothing to who dials its address', () => {
  const other = WEB.replace('10.96.0.1', '10.96.0.2');
  const mesh = meshOf(
    service('web', WEB, `${HTTP1_TRANSPORT}: http1`),
    service('other', other, `${HTTP1_TRANSPORT}: http2, config.culvert.dev/app-protocol: http1`),
    ...PODS,
  );
  const { declared, endpoints, http1Transport } = destination(mesh, '10.0.0.1:8080');
  const said = [declared, http1Transport, endpoints[0]?.protocol];
  assert.deepEqual(
    said,
    said.map(() => Protocol.PROTOCOL_UNSPECIFIED),
  );
});

test('a Service that says nothing of a pod takes nothing from what another says', () => {
  const silent = 'selector: {app: web}, ports: [{port: 80, targetPort: 8080}]';
  const mesh = meshOf(
    service('silent', silent),
    service('web', WEB, `${HTTP1_TRANSPORT}: http1`),
    ...PODS,
  );
  const { declared, endpoints, http1Transport } = destination(mesh, '10.0.0.1:8080');
  assert.deepEqual(
    [declared, http1Transport, endpoints[0]?.protocol],
    [Protocol.PROTOCOL_HTTP2, Protocol.PROTOCOL_HTTP1, Protocol.PROTOCOL_HTTP2],
  );
});

test('a pod in no Service is an endpoint with its labels, of which nothing is said', () => {
  const { declared, endpoints } = destination(meshOf(...PODS), '10.0.0.2:80');
  assert.equal(declared, Protocol.PROTOCOL_UNSPECIFIED);
  assert.deepEqual(endpoints, [
    {
      id: 'demo/lone:80',
      address: '10.0.0.2',
      port: 80,
      weight: 1,
      ready: true,
      terminating: false,
      meshed: false,
      zone: '',
      owner: { namespace: 'demo', pod: 'lone', workloadKind: 'pod', workload: 'lone' },
      protocol: Protocol.PROTOCOL_UNSPECIFIED,
    },
  ]);
});

test('a port that no sidecar is in front of is not meshed, though its pod is', () => {
  const skipping = 'selector: {app: web}, ports: [{name: skipped, port: 80, targetPort: 9000}]';
  const mesh = meshOf(service('web', skipping), ...PODS);
  const meshed = (originalDst: string, authority = ''): unknown[] =>
    destination(mesh, originalDst, authority).endpoints.map((one) => one.meshed);
  assert.deepEqual(meshed('10.0.0.1:8080'), [true]);
  assert.deepEqual(meshed('10.0.0.1:9000'), [false]);
  assert.deepEqual(meshed('10.0.0.1:4191'), [false]);
  assert.deepEqual(meshed('', 'web'), [false]);
});

test('an address without a pod is an endpoint as the Service has it whose slice names it', () => {
  const slice =
    '{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: db, namespace: demo, labels: {kubernetes.io/service-name: db}}, addressType: IPv4, ports: [{port: 5000}], endpoints: [{addresses: [172.16.0.1], zone: a, conditions: {ready: false}}]}';
  const mesh = meshOf(service('db', 'ports: [{port: 5432, appProtocol: tcp}]'), slice);
  const { declared, endpoints, namespace } = destination(mesh, '172.16.0.1:5000');
  assert.deepEqual(
    [declared, namespace, endpoints.map(({ id, ready, zone, owner }) => [id, ready, zone, owner])],
    [Protocol.PROTOCOL_OPAQUE, 'demo', [['172.16.0.1:5000', true, 'a', undefined]]],
  );
});

test("an address that is nobody's is told what the default list says of its port", () => {
  const mesh = meshOf(service('web', WEB), ...PODS);
  const reason = 'no Service and no Pod has the address 203.0.113.1';
  const [opaque, detect] = [Protocol.PROTOCOL_OPAQUE, Protocol.PROTOCOL_UNSPECIFIED];
  assert.deepEqual(told(mesh, '203.0.113.1:3306'), { reason, declared: opaque });
  assert.deepEqual(told(mesh, '203.0.113.1:80'), { reason, declared: detect });
  assert.deepEqual(told(mesh, '', 'nosuch'), {
    reason: 'no Service "nosuch" in namespace "demo"',
    declared: detect,
  });
});

test('an address becomes known when a pod has it, and unknown when that is gone', () => {
  const kinds = [meshOf(), meshOf(...PODS), meshOf()].map((mesh) =>
    'endpoints' in told(mesh, '10.0.0.2:80') ? 'endpoint' : 'unknown',
  );
  assert.deepEqual(kinds, ['unknown', 'endpoint', 'unknown']);
});

const RIDES = `${HTTP1_TRANSPORT}: http2`;
const toPort = (targetPort: string): string =>
  `selector: {app: web}, ports: [{port: 80, targetPort: ${targetPort}}]`;
const podWith = (annotations: string, meshed = true): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: web-1, namespace: demo, labels: {app: web${meshed ? ', culvert.dev/control-plane-ns: c' : ''}}, annotations: {${annotations}}}, spec: {containers: [{name: web, ports: [{name: own, containerPort: 8080}, {name: cache, containerPort: 6379}]}]}, status: {podIP: 10.0.0.1}}`;

/** What the mesh of these says that HTTP/1.1 rides on: to the pod at its address, or to "web". */
function rides(originalDst: string, ...documents: readonly string[]): Protocol {
  const { endpoints, http1Transport } = destination(meshOf(...documents), originalDst, 'web');
  assert.equal(endpoints.length, 1);
  return http1Transport;
}

test('HTTP/1.1 rides on nothing to a pod whose port is opaque, whatever its Service says', () => {
  const { PROTOCOL_HTTP1, PROTOCOL_HTTP2, PROTOCOL_UNSPECIFIED } = Protocol;
  const web = service('web', toPort('8080'), RIDES);
  assert.equal(rides('', web, podWith('')), PROTOCOL_HTTP2, 'nothing is opaque');
  for (const name of ['opaque-ports', 'skip-inbound-ports']) {
    const pod = podWith(`config.culvert.dev/${name}: "8080"`);
    assert.equal(rides('', web, pod), PROTOCOL_HTTP1, name);
    // The setting of a caller's sidecar may be HTTP/2.
    assert.equal(rides('', service('web', toPort('8080')), pod), PROTOCOL_HTTP1, name);
    assert.equal(rides('10.0.0.1:8080', pod), PROTOCOL_HTTP1, name);
    assert.equal(rides('10.0.0.1:8080', web, pod), PROTOCOL_HTTP1, `${name}, and a Service`);
  }
  const other = podWith('config.culvert.dev/opaque-ports: "9090"');
  assert.equal(rides('', web, other), PROTOCOL_HTTP2, 'another port');
  assert.equal(rides('10.0.0.1:8080', other), PROTOCOL_UNSPECIFIED, 'another port');
  const without = podWith('config.culvert.dev/opaque-ports: "8080"', false);
  assert.equal(rides('', web, without), PROTOCOL_HTTP2, 'no sidecar reads the annotation');
});

test('HTTP/1.1 rides on nothing to a port that the default list or another Service calls opaque', () => {
  const byName = service('web', toPort('cache'), RIDES);
  assert.equal(rides('', byName, podWith('')), Protocol.PROTOCOL_HTTP1);
  const web = service('web', toPort('8080'), RIDES);
  const raw = service('raw', toPort('8080'), 'config.culvert.dev/opaque-ports: "80"');
  assert.equal(rides('', web, raw, podWith('')), Protocol.PROTOCOL_HTTP1);
});
