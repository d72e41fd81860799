import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockAddresses, singleAddresses } from './address-space.ts';
import type { AddressSpace } from './address-space.ts';
import type { DeploymentSpec, Manifest } from './manifest.ts';
import { planPods } from './pod-plan.ts';
import { PodPlanner } from './pod-planner.ts';

const deployment = (name: string, replicas: number): DeploymentSpec => ({
  namespace: 'demo',
  name,
  replicas,
  labels: { app: name },
  annotations: {},
  meshed: true,
  container: {
    name,
    argv: ['true'],
    directory: '/',
    env: [],
    ports: [{ name: 'http', port: 8080 }],
    runAsUser: undefined,
  },
  tryCommand: undefined,
});
const service = {
  namespace: 'demo',
  name: 'web',
  selector: { app: 'web' },
  ports: [{ name: 'http', port: 80, targetPort: 8080 }],
  clusterIp: undefined,
};

function bench(space: AddressSpace) {
  const web = deployment('web', 2);
  const api = deployment('api', 1);
  const manifest: Manifest = { deployments: [web, api], services: [service], warnings: [] };
  const planned = planPods(manifest, space);
  return { web, api, planned, planner: new PodPlanner(manifest, space, planned) };
}

test('PodPlanner gives a new pod a name and addresses that none has had', () => {
  const { planned, planner, web, api } = bench(blockAddresses(64));
  assert.deepEqual(
    planned.map(({ address, name }) => `${name} ${address}`),
    ['web-1 127.64.0.1', 'web-2 127.64.0.2', 'api-1 127.64.0.3'],
  );
  const next = planner.next(web);
  planner.release(planned[0]!);
  const after = planner.next(api);
  assert.deepEqual(
    [next, after].map(({ address, name }) => `${name} ${address}`),
    ['web-3 127.64.0.4', 'api-2 127.64.0.5'],
  );
  assert.deepEqual(next.waysOut[0]?.at, { host: '127.64.20.1', port: 10_080 });
});

test('PodPlanner comes back to addresses that were let go, and says when there is none', () => {
  const { planned, planner, api } = bench({ ...blockAddresses(64), podsMax: 4 });
  assert.equal(planner.next(api).address, '127.64.0.4');
  assert.throws(() => planner.next(api), /there are 4 pods/);
  planner.release(planned[1]!);
  assert.equal(planner.next(api).address, '127.64.0.2');
});

test('PodPlanner at a single address uses the ports again of a pod that is gone', () => {
  const { planned, planner, web } = bench(singleAddresses(20_000));
  const next = planner.next(web);
  const taken = planned.flatMap(({ ports }) => ports.map(({ inbound }) => inbound.port));
  assert.ok(!taken.includes(next.ports[0]!.inbound.port));
  planner.release(planned[0]!);
  const again = planner.next(web);
  assert.deepEqual([again.name, again.ports], ['web-4', planned[0]!.ports]);
});
