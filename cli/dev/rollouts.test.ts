import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blockAddresses } from './address-space.ts';
import { Failure } from '../failure.ts';
import type { DeploymentSpec } from './manifest.ts';
import { planPods } from './pod-plan.ts';
import type { PodPlan } from './pod-plan.ts';
import { PodPlanner } from './pod-planner.ts';
import type { PodRunner } from './pod-runner.ts';
import { Rollouts } from './rollouts.ts';

const deployment = (namespace: string, name: string, replicas: number): DeploymentSpec => ({
  namespace,
  name,
  replicas,
  labels: {},
  annotations: {},
  meshed: true,
  container: {
    name,
    argv: ['true'],
    directory: '/',
    env: [],
    ports: [],
    runAsUser: undefined,
  },
  tryCommand: undefined,
});

const DEPLOYMENTS = [
  deployment('demo', 'web', 2),
  deployment('demo', 'api', 1),
  deployment('other', 'api', 1),
];

const runner = (plan: PodPlan): PodRunner => ({ plan, ready: true }) as unknown as PodRunner;

/** Pods that are ready at once, but for those of `bad`, and gone at once. */
function bench(...bad: string[]) {
  const space = blockAddresses(64);
  const manifest = { deployments: DEPLOYMENTS, services: [], warnings: [] };
  const planned = planPods(manifest, space);
  const pods = planned.map(runner);
  const mesh = {
    get stayingPods() {
      return pods;
    },
    startPod: async (plan: PodPlan) => {
      await Promise.resolve();
      if (bad.includes(plan.name)) throw new Failure(`${plan.name} was not ready`);
      const pod = runner(plan);
      pods.push(pod);
      return pod;
    },
    endPod: async (pod: PodRunner) => {
      await Promise.resolve();
      pods.splice(pods.indexOf(pod), 1);
    },
  };
  const stop = new AbortController();
  const planner = new PodPlanner(manifest, space, planned);
  const rollouts = new Rollouts(mesh, planner, DEPLOYMENTS, stop.signal);
  const said: string[] = [];
  const restart = async (name: string, namespace?: string): Promise<readonly string[]> => {
    const request = { deployment: name, namespace };
    const fresh = await rollouts.restart(request, (line) => said.push(line));
    return fresh.map(({ plan }) => plan.name);
  };
  const names = (): readonly string[] => pods.map(({ plan }) => plan.name);
  return { restart, said, names, pods, stop };
}

test('Rollouts replaces the pods of a deployment and says each step', async () => {
  const { names, restart, said } = bench();
  assert.deepEqual(await restart('web'), ['web-3', 'web-4']);
  assert.deepEqual(names(), ['api-1', 'api-1', 'web-3', 'web-4']);
  assert.deepEqual(said.slice(0, 3), ['web-3 starts', 'web-3 is ready', 'web-1 ends']);
  assert.ok(said.indexOf('web-4 is ready') < said.indexOf('web-2 ends'));
  assert.deepEqual(await restart('web', 'demo'), ['web-5', 'web-6'], 'again');
});

test('Rollouts stops where a new pod does not get ready', async () => {
  const { names, restart } = bench('web-4');
  await assert.rejects(restart('web'), /web-4 was not ready/);
  assert.deepEqual(names(), ['web-2', 'api-1', 'api-1', 'web-3']);
});

test('Rollouts brings back the number that is wanted after one that failed', async () => {
  const { names, pods, restart } = bench('web-3');
  pods.splice(0, 2);
  await assert.rejects(restart('web'), /web-3 was not ready/);
  assert.deepEqual(names(), ['api-1', 'api-1', 'web-4']);
  assert.deepEqual(await restart('web'), ['web-5', 'web-6']);
  assert.deepEqual(names(), ['api-1', 'api-1', 'web-5', 'web-6']);
});

test('Rollouts says that the mesh is ending, whatever it is at', async () => {
  const { restart, stop } = bench('api-2');
  const under = restart('api', 'other');
  stop.abort();
  await assert.rejects(under, { name: 'Failure', message: 'the mesh is ending' });
  await assert.rejects(restart('web'), { name: 'Failure', message: 'the mesh is ending' });
});

test('Rollouts says which deployments there are, and where several have the name', async () => {
  const { restart } = bench();
  await assert.rejects(restart('nosuch'), /no deployment "nosuch"; there are deploy\/web, /);
  await assert.rejects(restart('web', 'other'), /no deployment "web" in namespace "other"/);
  await assert.rejects(restart('api'), /in several namespaces: say one of demo, other with -n/);
  assert.deepEqual(await restart('api', 'other'), ['api-2']);
});

test('Rollouts does one restart of a deployment at a time', async () => {
  const { restart } = bench();
  const first = restart('web');
  await assert.rejects(restart('web'), /is being restarted already/);
  assert.deepEqual(await first, ['web-3', 'web-4']);
});
