import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readFileContent } from '../sources/documents.ts';
import { buildMesh } from '../state.ts';
import { endpointsOf } from './endpoints.ts';

/** Endpoints of service demo/web's ports, one line each. */
function endpoints(...documents: string[]): string[] {
  const content = readFileContent('mesh.yaml', documents.join('\n---\n'), new Map());
  assert.deepEqual(content.problems, []);
  const mesh = buildMesh(1, [...content.resources.values()]);
  const service = mesh.services.get('demo/web') ?? assert.fail('no service');
  return service.ports.flatMap((port) =>
    endpointsOf(mesh, service, port).map((endpoint) => {
      const { id, address, ready, terminating, meshed, zone, owner } = endpoint;
      const flags = [ready && 'ready', terminating && 'terminating', meshed && 'meshed', zone];
      const shown = flags.filter((flag) => flag !== false && flag !== '').join(' ');
      return `${id} ${address}:${endpoint.port} ${shown} ${owner?.workloadKind}/${owner?.workload}`;
    }),
  );
}

const service = (ports: string, rest = 'selector: {app: web}'): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: web, namespace: demo}, spec: {${rest}, ports: [${ports}]}}`;

const pod = (
  name: string,
  ip: string,
  rest: { metadata?: string; ready?: boolean; status?: string; port?: number } = {},
): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: demo, labels: {app: web, culvert.dev/control-plane-ns: culvert}, ownerReferences: [{kind: Deployment, name: web}]${rest.metadata ?? ''}},
    spec: {containers: [{ports: [{name: http, containerPort: ${rest.port ?? 8080}}]}]},
    status: {podIP: ${ip}, conditions: [{type: Ready, status: '${rest.ready === false ? 'False' : 'True'}'}]${rest.status ?? ''}}}`;

const slice = (
  name: string,
  endpoints: string,
  rest = 'addressType: IPv4, ports: [{name: http, port: 8080}]',
): string =>
  `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: ${name}, namespace: demo, labels: {kubernetes.io/service-name: web}}, ${rest}, endpoints: [${endpoints}]}`;

test('endpointsOf derives endpoints from selector and pods', () => {
  assert.deepEqual(
    endpoints(
      service('{name: http, port: 80, targetPort: http}'),
      pod('web-2', '10.0.0.2', { ready: false }),
      pod('web-1', '10.0.0.1', { port: 9090 }),
      pod('web-3', '10.0.0.3', { metadata: ", deletionTimestamp: '2026-01-01'" }),
      pod('web-4', '10.0.0.4', { status: ', phase: Succeeded' }),
      pod('web-5', "''"),
      pod('api-1', '10.0.0.9').replace('app: web', 'app: api'),
    ),
    [
      'demo/web-1:9090 10.0.0.1:9090 ready meshed deployment/web',
      'demo/web-2:8080 10.0.0.2:8080 meshed deployment/web',
      'demo/web-3:8080 10.0.0.3:8080 terminating meshed deployment/web',
    ],
  );
});

test('endpointsOf takes target ports by number, by name, or as the port itself', () => {
  const ports =
    '{name: a, port: 80}, {name: b, port: 81, targetPort: 9000}, {name: c, port: 82, targetPort: none}';
  assert.deepEqual(endpoints(service(ports), pod('web-1', '10.0.0.1')), [
    'demo/web-1:80 10.0.0.1:80 ready meshed deployment/web',
    'demo/web-1:9000 10.0.0.1:9000 ready meshed deployment/web',
  ]);
});

test('endpointsOf wants unready pods where the service does, and headless ones alike', () => {
  assert.deepEqual(
    endpoints(
      service(
        '{port: 80}',
        'clusterIP: None, publishNotReadyAddresses: true, selector: {app: web}',
      ),
      pod('web-1', '10.0.0.1', { ready: false }),
    ),
    ['demo/web-1:80 10.0.0.1:80 ready meshed deployment/web'],
  );
});

test('endpointsOf takes EndpointSlices before the selector', () => {
  assert.deepEqual(
    endpoints(
      service('{name: http, port: 80, targetPort: http}'),
      pod('web-1', '10.0.0.1'),
      pod('web-2', '10.0.0.2'),
      slice(
        'web-a',
        `{addresses: [10.0.0.1], zone: z1, targetRef: {kind: Pod, name: web-1}},
         {addresses: [10.0.0.7], conditions: {ready: false, terminating: true}, targetRef: {kind: Pod, name: gone}}`,
      ),
      slice(
        'web-b',
        '{addresses: [10.0.0.2]}, {addresses: [10.0.0.8], conditions: {ready: true}}, {addresses: [10.0.0.1]}',
      ),
    ),
    [
      '10.0.0.8:8080 10.0.0.8:8080 ready undefined/undefined',
      'demo/gone:8080 10.0.0.7:8080 terminating undefined/undefined',
      'demo/web-1:8080 10.0.0.1:8080 ready meshed z1 deployment/web',
      'demo/web-2:8080 10.0.0.2:8080 ready meshed deployment/web',
    ],
  );
});

test('endpointsOf takes a slice port by name and one address family of two', () => {
  const six = slice(
    'web-6',
    "{addresses: ['fd00::1']}",
    'addressType: IPv6, ports: [{port: 8080}]',
  );
  const four = slice(
    'web-4',
    '{addresses: [10.0.0.1]}',
    'addressType: IPv4, ports: [{port: 8080}]',
  );
  assert.deepEqual(endpoints(service('{port: 80}'), six), [
    '[fd00::1]:8080 fd00::1:8080 ready undefined/undefined',
  ]);
  assert.deepEqual(endpoints(service('{port: 80}'), six, four), [
    '10.0.0.1:8080 10.0.0.1:8080 ready undefined/undefined',
  ]);
  assert.deepEqual(endpoints(service('{name: other, port: 80}'), four), []);
  assert.deepEqual(endpoints(service('{port: 80}'), slice('web-0', '')), []);
});

test('endpointsOf finds nothing for a service without selector and slices', () => {
  assert.deepEqual(
    endpoints(service('{port: 80}', 'type: ClusterIP'), pod('web-1', '10.0.0.1')),
    [],
  );
});

/** Endpoints of service demo/web with the numbers of their protocols. */
function protocols(...documents: string[]): string[] {
  const { resources } = readFileContent('mesh.yaml', documents.join('\n---\n'), new Map());
  const mesh = buildMesh(1, [...resources.values()]);
  const web = mesh.services.get('demo/web') ?? assert.fail('no service');
  return web.ports.flatMap((port) =>
    endpointsOf(mesh, web, port).map(({ id, protocol }) => `${id} ${protocol}`),
  );
}

test('endpointsOf has the protocol of the slice, or else of the service', () => {
  const h2c = service('{name: http, port: 80, targetPort: http, appProtocol: kubernetes.io/h2c}');
  assert.deepEqual(protocols(h2c, pod('web-1', '10.0.0.1')), ['demo/web-1:8080 2']);
  assert.deepEqual(protocols(h2c, slice('a', '{addresses: [10.0.0.8]}')), ['10.0.0.8:8080 2']);
  const plain = service('{name: http, port: 80}');
  assert.deepEqual(protocols(plain, slice('a', '{addresses: [10.0.0.8]}')), ['10.0.0.8:8080 0']);
  const port = 'addressType: IPv4, ports: [{name: http, port: 8080, appProtocol: http2}]';
  assert.deepEqual(protocols(plain, slice('a', '{addresses: [10.0.0.8]}', port)), [
    '10.0.0.8:8080 2',
  ]);
});
