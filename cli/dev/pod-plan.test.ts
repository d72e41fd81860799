import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { Failure } from '../failure.ts';
import { formatSocketAddress } from '../../base/settings.ts';
import { blockAddresses, singleAddresses } from './address-space.ts';
import type { AddressSpace } from './address-space.ts';
import { applicationEnvironment, baseEnvironment, expandVariables } from './environment.ts';
import { readManifests } from './manifest.ts';
import type { DeploymentSpec, Manifest } from './manifest.ts';
import { listenersOf, planPods } from './pod-plan.ts';
import type { PodPlan } from './pod-plan.ts';
import { endpointSlices, podResource } from './pod-resources.ts';

const demo = readManifests([
  fileURLToPath(new URL('../../examples/demo/demo.yaml', import.meta.url)),
]);

/** The demo with the named Deployment outside the mesh. */
const without = (name: string): Manifest => ({
  ...demo,
  deployments: demo.deployments.map((deployment) =>
    deployment.name === name ? { ...deployment, meshed: false } : deployment,
  ),
});

function plan(manifest: Manifest, space: AddressSpace): Readonly<Record<string, PodPlan>> {
  return Object.fromEntries(planPods(manifest, space).map((pod) => [pod.name, pod]));
}

function podOf(pods: Readonly<Record<string, PodPlan>>, name: string): PodPlan {
  const pod = pods[name];
  assert.ok(pod, name);
  return pod;
}

const spaces = { block: () => blockAddresses(70), 'single address': () => singleAddresses(20_000) };

test('plan in a block follows the picture: pods, applications and ways out apart', () => {
  const pod = podOf(plan(demo, blockAddresses(70)), 'parcels-2');
  assert.equal(pod.address, '127.70.0.3');
  assert.deepEqual(pod.admin, { host: '127.70.0.3', port: 4191 });
  assert.deepEqual(pod.ports, [
    {
      name: 'grpc',
      containerPort: 7081,
      inbound: { host: '127.70.0.3', port: 7081 },
      application: { host: '127.70.1.3', port: 7081 },
    },
  ]);
  assert.deepEqual(
    pod.waysOut.map(({ service, at }) => `${service.name} ${formatSocketAddress(at)}`),
    [
      'web 127.70.19.1:10080',
      'parcels 127.70.19.2:7081',
      'rates 127.70.19.3:7082',
      'labels 127.70.19.4:7083',
      'ledger 127.70.19.5:7084',
    ],
  );
});

for (const [name, create] of Object.entries(spaces)) {
  test(`plan in a ${name} gives no address twice`, () => {
    const listeners = listenersOf(planPods(demo, create())).map(formatSocketAddress);
    // Seven pods: a sidecar listener, an application, an admin port and five ways out each.
    assert.equal(listeners.length, 7 * 8);
    assert.equal(new Set(listeners).size, listeners.length);
  });
}

test('pod without a sidecar listens itself and calls first endpoints', () => {
  const pods = plan(without('bot'), blockAddresses(70));
  const bot = podOf(pods, 'bot-1');
  assert.equal(bot.admin, undefined);
  assert.deepEqual(bot.ports[0]?.application, bot.ports[0]?.inbound);
  const environment = applicationEnvironment(bot);
  assert.equal(environment['PARCELS_SERVICE_HOST'], podOf(pods, 'parcels-1').address);
  const listeners = listenersOf([bot]).map(formatSocketAddress);
  assert.deepEqual(listeners, ['127.70.0.7:7090']);
});

test('plan refuses more pods than there are addresses', () => {
  const [first] = demo.deployments;
  assert.ok(first);
  const deployments = [0, 1, 2].map((i): DeploymentSpec => ({
    ...first,
    name: `web${i}`,
    replicas: 100,
  }));
  assert.throws(
    () => planPods({ ...demo, deployments }, blockAddresses(70)),
    (error) => error instanceof Failure && error.message.includes('300 pods'),
  );
});

/** The demo's first Deployment with these container ports and replicas, and no Service. */
const webWith = (ports: readonly number[], replicas = 1): Manifest => ({
  ...demo,
  services: [],
  deployments: demo.deployments.slice(0, 1).map((deployment) => ({
    ...deployment,
    replicas,
    container: {
      ...deployment.container,
      ports: ports.map((port) => ({ name: undefined, port })),
    },
  })),
});

test('plan refuses two listeners of a pod at one address', () => {
  const refuses = (ports: readonly number[], why: string): void =>
    assert.throws(() => planPods(webWith(ports), blockAddresses(70)), new Failure(why));
  const pod = 'pod demo/web-1 cannot listen twice at';
  refuses([4191], `${pod} 127.70.0.1:4191: port 4191 is its sidecar's own; choose another`);
  refuses([80, 80], `${pod} 127.70.1.1:80: port 80 is given twice; choose another`);
  assert.equal(planPods(webWith([4191]), singleAddresses(20_000)).length, 1);
});

test('plan with a single address refuses to leave its range of ports', () => {
  // An inbound listener and an application for each of nine ports, and an admin port: 19 a pod.
  const ports = Array.from({ length: 9 }, (_, i) => 8_000 + i);
  const listeners = listenersOf(planPods(webWith(ports, 52), singleAddresses(20_000)));
  assert.equal(Math.max(...listeners.map(({ port }) => port)), 20_000 + 52 * 19);
  assert.throws(
    () => planPods(webWith(ports, 53), singleAddresses(20_000)),
    (error) => error instanceof Failure && error.message.includes('more than the 999 ports'),
  );
});

test('application learns where to listen, who it is and where services are', () => {
  const { container, ...rest } = podOf(plan(demo, blockAddresses(70)), 'web-1').deployment;
  const env = [
    { name: 'SELF', value: '', fieldPath: 'metadata.name' as const },
    { name: 'RATES_URL', value: 'http://$(RATES_SERVICE_HOST)/$$(X)', fieldPath: undefined },
  ];
  const deployment = { ...rest, container: { ...container, env } };
  const pod = { ...podOf(plan(demo, blockAddresses(70)), 'web-1'), deployment };
  assert.deepEqual(applicationEnvironment(pod), {
    HOST: '127.70.1.1',
    PORT: '7080',
    PORT_HTTP: '7080',
    POD_NAME: 'web-1',
    POD_NAMESPACE: 'demo',
    POD_IP: '127.70.0.1',
    ...Object.fromEntries(
      [
        ['WEB', 'HTTP', '10080'],
        ['PARCELS', 'GRPC', '7081'],
        ['RATES', 'GRPC', '7082'],
        ['LABELS', 'GRPC', '7083'],
        ['LEDGER', 'LEDGER', '7084'],
      ].flatMap(([name, portName, port], i) => [
        [`${name}_SERVICE_HOST`, `127.70.17.${i + 1}`],
        [`${name}_SERVICE_PORT`, port],
        [`${name}_SERVICE_PORT_${portName}`, port],
      ]),
    ),
    SELF: 'web-1',
    RATES_URL: 'http://127.70.17.3/$(X)',
  });
});

test('variables expand as in Kubernetes', () => {
  const environment = { A: '1' };
  assert.equal(expandVariables('$(A)-$(B)-$$(A)-$A', environment), '1-$(B)-$(A)-$A');
});

test('programs find the pinned node first and inherit little', () => {
  const ours = { PATH: '/usr/bin', HOME: '/home/me', NODE_OPTIONS: '--inspect', CULVERT_API: 'x' };
  assert.deepEqual(baseEnvironment('/checkout', ours), {
    PATH: '/checkout/node_modules/.bin:/usr/bin',
    HOME: '/home/me',
  });
});

test('Pod resource says who owns it, where it is, how it does, and its sidecar', () => {
  const pod = podOf(plan(demo, blockAddresses(70)), 'parcels-1');
  assert.deepEqual(podResource(pod, { ready: true, deletedAt: undefined }), {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'demo',
      name: 'parcels-1',
      labels: {
        app: 'parcels',
        'culvert.dev/control-plane-ns': 'culvert',
        'culvert.dev/proxy-deployment': 'parcels',
      },
      annotations: {},
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'Deployment', name: 'parcels', controller: true },
      ],
    },
    spec: {
      initContainers: [
        {
          name: 'culvert-proxy',
          restartPolicy: 'Always',
          ports: [{ name: 'culvert-admin', containerPort: 4191 }],
        },
      ],
      containers: [{ name: 'parcels', ports: [{ name: 'grpc', containerPort: 7081 }] }],
    },
    status: {
      phase: 'Running',
      podIP: '127.70.0.2',
      podIPs: [{ ip: '127.70.0.2' }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  });
});

test('Pod outside the mesh has no mesh labels, one that ends a deletion time', () => {
  const pod = podOf(plan(without('rates'), blockAddresses(70)), 'rates-1');
  const deletedAt = '2026-01-02T03:04:05.000Z';
  const { metadata } = podResource(pod, { ready: false, deletedAt }) as {
    metadata: { labels: object; deletionTimestamp: string };
  };
  assert.deepEqual(metadata.labels, { app: 'rates' });
  assert.equal(metadata.deletionTimestamp, deletedAt);
});

interface Slice {
  readonly ports: readonly { port: number }[];
  readonly endpoints: readonly { addresses: string[]; conditions: object }[];
}

/** Only the first pod is ready. */
const condition = (pod: PodPlan) => ({ ready: pod.name === 'parcels-1', deletedAt: undefined });

function slicesOf(space: AddressSpace): readonly Slice[] {
  const pods = planPods(demo, space);
  const service = demo.services.find(({ name }) => name === 'parcels');
  assert.ok(service);
  return endpointSlices(service, pods, condition).map(({ resource }) => resource as Slice);
}

test('EndpointSlice of a service lists its pods with their conditions', () => {
  const slices = slicesOf(blockAddresses(70));
  assert.equal(slices.length, 1);
  assert.deepEqual(slices[0]?.ports, [{ name: 'grpc', port: 7081, protocol: 'TCP' }]);
  assert.deepEqual(
    slices[0]?.endpoints.map(({ addresses, conditions }) => ({ addresses, conditions })),
    [
      {
        addresses: ['127.70.0.2'],
        conditions: { ready: true, serving: true, terminating: false },
      },
      {
        addresses: ['127.70.0.3'],
        conditions: { ready: false, serving: false, terminating: false },
      },
    ],
  );
});

test('EndpointSlices with a single address are one a pod, each with its port', () => {
  const slices = slicesOf(singleAddresses(20_000));
  assert.equal(slices.length, 2);
  assert.equal(new Set(slices.map(({ ports }) => ports[0]?.port)).size, 2);
  assert.ok(slices.every(({ endpoints }) => endpoints[0]?.addresses[0] === '127.0.0.1'));
});
