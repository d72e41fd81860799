import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import type { Destination, Endpoint } from '../../api/gen/culvert/proxy/v1/control.ts';
import { hostPort } from '../resources/ip-address.ts';
import { readResource } from '../resources/read-resource.ts';
import type { Resource } from '../resources/resource.ts';
import { buildMesh } from '../state.ts';
import type { Mesh } from '../state.ts';
import { compileDestination } from './destination.ts';

const APPS = ['a', 'b'];
const PORTS = [80, 8_080, 9_090];

/** One of few texts that it shares with others, so that resources meet. */
const app = fc.constantFrom(...APPS);
const port = fc.constantFrom(...PORTS);

const serviceShape = fc.record({
  app,
  /** By its spec, by an IPAddress, or none. */
  addressed: fc.constantFrom('spec', 'given', 'headless', 'none'),
  ports: fc.uniqueArray(fc.record({ port, targetPort: port, http2: fc.boolean() }), {
    minLength: 1,
    maxLength: 2,
    selector: (one) => one.port,
  }),
});

const podShape = fc.record({
  app,
  hostNetwork: fc.boolean(),
  ready: fc.boolean(),
  terminating: fc.boolean(),
  meshed: fc.boolean(),
  declares: fc.uniqueArray(port),
});

const meshShape = fc.record({
  services: fc.array(serviceShape, { maxLength: 4 }),
  pods: fc.array(podShape, { maxLength: 5 }),
});

type MeshShape = typeof meshShape extends fc.Arbitrary<infer Shape> ? Shape : never;

const serviceAddress = (n: number): string => `10.96.0.${n + 1}`;

function serviceObjects(shape: MeshShape['services'][number], n: number): object[] {
  const name = `s${n}`;
  const ports = shape.ports.map(({ port: number, targetPort, http2 }) => ({
    name: `p${number}`,
    port: number,
    targetPort,
    ...(http2 ? { appProtocol: 'kubernetes.io/h2c' } : {}),
  }));
  const clusterIP = {
    spec: serviceAddress(n),
    headless: 'None',
    given: undefined,
    none: undefined,
  };
  const spec = { selector: { app: shape.app }, ports, clusterIP: clusterIP[shape.addressed] };
  const service = { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
  if (shape.addressed !== 'given') return [service];
  const parentRef = { resource: 'services', namespace: 'default', name };
  const metadata = { name: serviceAddress(n) };
  const apiVersion = 'networking.k8s.io/v1';
  return [{ apiVersion, kind: 'IPAddress', metadata, spec: { parentRef } }, service];
}

function podObject(shape: MeshShape['pods'][number], n: number): object {
  const meshed = shape.meshed ? { 'culvert.dev/control-plane-ns': 'culvert' } : {};
  const leaving = shape.terminating ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {};
  const ports = shape.declares.map((containerPort) => ({ containerPort }));
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `p${n}`, labels: { app: shape.app, ...meshed }, ...leaving },
    spec: { hostNetwork: shape.hostNetwork, containers: [{ ports }] },
    status: {
      podIP: shape.hostNetwork ? '192.168.0.1' : `10.0.0.${n + 1}`,
      phase: 'Running',
      conditions: [{ type: 'Ready', status: shape.ready ? 'True' : 'False' }],
    },
  };
}

function meshOf({ services, pods }: MeshShape): Mesh {
  const objects = [...services.flatMap(serviceObjects), ...pods.map(podObject)];
  const resources = objects.map((object): Resource => {
    const read = readResource(object, []);
    assert.equal(read.outcome, 'resource', JSON.stringify(read));
    return read.outcome === 'resource' ? read.resource : assert.fail();
  });
  return buildMesh(1, resources);
}

/** Undefined: the mesh does not know the address. */
function dialled(mesh: Mesh, originalDst: string): Destination | undefined {
  const found = compileDestination(mesh, { originalDst, authority: 'x', port: 0 }, 'default');
  return found.$case === 'destination' ? found.value : undefined;
}

function named(mesh: Mesh, authority: string, number: number): Destination {
  const target = { originalDst: '', authority, port: number };
  const found = compileDestination(mesh, target, 'default');
  return found.$case === 'destination' ? found.value : assert.fail(authority);
}

test('the address of a Service means what its name means, at each of its ports and no other', () => {
  fc.assert(
    fc.property(meshShape, (shape) => {
      const mesh = meshOf(shape);
      for (const [n, { addressed, ports }] of shape.services.entries()) {
        const known = addressed === 'spec' || addressed === 'given';
        for (const number of PORTS) {
          const found = dialled(mesh, hostPort(serviceAddress(n), number));
          const has = known && ports.some((one) => one.port === number);
          assert.deepEqual(found, has ? named(mesh, `s${n}`, number) : undefined);
        }
      }
    }),
  );
});

/** HTTP/2 if any Service says so that leads to the endpoint: none of them says anything else. */
function protocolSaid({ pods, services }: MeshShape, { owner, port: number }: Endpoint): Protocol {
  const behind = pods[Number(owner?.pod.slice(1))];
  const says = services.some(
    (service) =>
      service.app === behind?.app &&
      service.ports.some((one) => one.targetPort === number && one.http2),
  );
  return says ? Protocol.PROTOCOL_HTTP2 : Protocol.PROTOCOL_UNSPECIFIED;
}

test('an endpoint of a Service is that endpoint when its address is dialled', () => {
  fc.assert(
    fc.property(meshShape, (shape) => {
      const mesh = meshOf(shape);
      for (const [n, { ports }] of shape.services.entries()) {
        for (const endpoint of ports.flatMap((one) => named(mesh, `s${n}`, one.port).endpoints)) {
          const found = dialled(mesh, hostPort(endpoint.address, endpoint.port));
          const sharing = mesh.hostPodsByAddress.get(endpoint.address)?.length ?? 1;
          // On a node's address the port may be that of another pod, or of several.
          if (sharing > 1) continue;
          const [only, ...others] = found?.endpoints ?? [];
          const said = protocolSaid(shape, endpoint);
          assert.deepEqual(only, { ...endpoint, protocol: said, ready: true });
          assert.deepEqual([others, found?.service], [[], '']);
        }
      }
    }),
  );
});

test('a pod dialled on the address of a node has that port, and no other pod that stays has', () => {
  fc.assert(
    fc.property(meshShape, port, (shape, number) => {
      const mesh = meshOf(shape);
      const [endpoint] = dialled(mesh, `192.168.0.1:${number}`)?.endpoints ?? [];
      const having = shape.pods.flatMap((pod, n) => {
        const led = shape.services.some(
          (service) =>
            service.app === pod.app && service.ports.some((one) => one.targetPort === number),
        );
        const has = pod.hostNetwork && (pod.declares.includes(number) || led);
        return has ? [{ name: `p${n}`, staying: !pod.terminating }] : [];
      });
      const staying = having.filter((one) => one.staying);
      const candidates = staying.length > 0 ? staying : having;
      const expected = candidates.length === 1 ? candidates[0]?.name : undefined;
      assert.equal(endpoint?.owner?.pod, expected);
    }),
  );
});
