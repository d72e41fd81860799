import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockAddresses } from './address-space.ts';
import { LivePods } from './live-pods.ts';
import type { Manifest } from './manifest.ts';
import { planPods } from './pod-plan.ts';
import type { PodPlan } from './pod-plan.ts';
import type { PodRunner } from './pod-runner.ts';

const MANIFEST: Manifest = {
  deployments: [
    {
      namespace: 'demo',
      name: 'web',
      replicas: 2,
      labels: { app: 'web' },
      annotations: {},
      meshed: true,
      container: {
        name: 'web',
        argv: ['true'],
        directory: '/',
        env: [],
        ports: [{ name: 'http', port: 80 }],
        runAsUser: undefined,
      },
      tryCommand: undefined,
    },
  ],
  services: [
    {
      namespace: 'demo',
      name: 'web',
      selector: { app: 'web' },
      ports: [{ name: 'http', port: 80, targetPort: 80 }],
      clusterIp: undefined,
    },
  ],
  warnings: [],
};

interface Slice {
  readonly endpoints: readonly {
    readonly addresses: readonly string[];
    readonly conditions: object;
  }[];
}

const ready = (plan: PodPlan): PodRunner => ({ plan, ready: true }) as unknown as PodRunner;

function bench() {
  const written: string[] = [];
  const files = new Map<string, object>();
  const state = {
    write: (name: string, resource: object) => {
      written.push(name);
      files.set(name, resource);
    },
    removeOthers: (names: readonly string[]) => {
      for (const name of files.keys()) if (!names.includes(name)) files.delete(name);
    },
  };
  const plans = planPods(MANIFEST, blockAddresses(64));
  const pods = new LivePods({ state, services: MANIFEST.services, wallClockMs: () => 0 });
  for (const plan of plans) pods.add(plan);
  const endpoints = () => (files.get('endpointslice.demo.web-1') as Slice | undefined)?.endpoints;
  return { plans, pods, files, endpoints, written: () => written.splice(0) };
}

test('LivePods tells of pods before their programs run, as not ready', () => {
  const { endpoints, files, pods } = bench();
  pods.write();
  assert.deepEqual(
    [...files.keys()],
    ['pod.demo.web-1', 'pod.demo.web-2', 'endpointslice.demo.web-1'],
  );
  assert.deepEqual(endpoints()?.[0]?.conditions, {
    ready: false,
    serving: false,
    terminating: false,
  });
  assert.deepEqual(pods.runners, []);
});

test('LivePods marks a pod that ends: it serves on, and its slice is told before the pod', () => {
  const { endpoints, plans, pods, written } = bench();
  for (const plan of plans) pods.run(ready(plan));
  pods.markDeleted(plans[0]!);
  pods.write();
  assert.deepEqual(endpoints()?.[0]?.conditions, {
    ready: false,
    serving: true,
    terminating: true,
  });
  assert.deepEqual(endpoints()?.[1]?.conditions, {
    ready: true,
    serving: true,
    terminating: false,
  });
  assert.deepEqual(written(), ['pod.demo.web-2', 'endpointslice.demo.web-1', 'pod.demo.web-1']);
  assert.deepEqual(
    [pods.runners.length, pods.staying.map(({ plan }) => plan.name)],
    [2, ['web-2']],
  );
});

test('LivePods takes back what it told of a pod that is gone', () => {
  const { endpoints, files, plans, pods } = bench();
  for (const plan of plans) pods.run(ready(plan));
  pods.write();
  pods.remove(plans[0]!);
  pods.write();
  assert.deepEqual([...files.keys()], ['pod.demo.web-2', 'endpointslice.demo.web-1']);
  assert.deepEqual(
    endpoints()?.map(({ addresses }) => addresses),
    [['127.64.0.2']],
  );
});
