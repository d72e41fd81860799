/** Rolling restarts of the demo's Deployments while web is called, whatever the network of `dev` is. */
import assert from 'node:assert/strict';
import { eventually } from './deadline.ts';
import type { DevMesh, DevPod } from './dev-mesh.ts';
import type { Load } from './load.ts';
import type { LoadRequests } from './load-requests.ts';
import { isAlive } from './namespaces.ts';

/** Each is answered with what gRPC services say. */
export const REQUESTS_OF_WEB: LoadRequests = {
  clients: 6,
  pauseMs: 30,
  host: 'web',
  requests: ['GET /parcels/1000', 'GET /rates/domestic'],
  statuses: [200],
};

/** Who calls: from here, or from inside a pod. */
type RunningLoad = Pick<Load, 'succeeded' | 'stop'>;

const firstAnswers = (load: RunningLoad): Promise<unknown> =>
  eventually('the first answers', () => load.succeeded > 20, 20_000);

async function moreAnswers(load: RunningLoad): Promise<void> {
  const before = load.succeeded;
  await eventually('answers of the new pods', () => load.succeeded > before + 20);
}

async function assertNoneFailed(load: RunningLoad, dev: DevMesh): Promise<void> {
  const { failed, failures } = await load.stop();
  assert.deepEqual([failed, failures], [0, []], dev.said);
}

const processesOf = (pods: readonly DevPod[]): readonly number[] =>
  pods.flatMap(({ applicationPid, sidecarPid }) => [applicationPid, sidecarPid]);

const podsIn = (stdout: string): readonly DevPod[] =>
  (JSON.parse(stdout) as { pods: readonly DevPod[] }).pods;

/** Restarts each, with as many pods as before: the old ones are gone, and `load` had no failure. */
export async function restartUnderLoad(
  dev: DevMesh,
  load: RunningLoad,
  names: readonly string[],
): Promise<void> {
  await firstAnswers(load);
  for (const name of names) {
    const old = dev.pods(name);
    const { code, stderr, stdout } = await dev.restart(name, '-o', 'json');
    assert.equal(code, 0, stderr);
    const pods = podsIn(stdout);
    assert.equal(pods.length, old.length);
    assert.equal(processesOf(old).some(isAlive), false);
    assert.equal(processesOf(pods).every(isAlive), true);
    assert.match(stderr, new RegExp(`${name}-${old.length + 1} is ready\n`));
    await moreAnswers(load);
  }
  await assertNoneFailed(load, dev);
}

/** Restarts one Deployment, and kills the controller as soon as a new pod starts. */
export async function restartWithoutController(
  dev: DevMesh,
  load: RunningLoad,
  name: string,
): Promise<void> {
  await firstAnswers(load);
  const before = dev.said.length;
  const restarted = dev.restart(name, '-o', 'json');
  const begins = (): boolean => new RegExp(`${name}-\\d+ starts`).test(dev.said.slice(before));
  await eventually('a new pod to start', begins, 20_000);
  process.kill(dev.ready.controller.pid, 'SIGKILL');
  const { code, stderr, stdout } = await restarted;
  assert.equal(code, 0, stderr);
  await moreAnswers(load);
  await assertNoneFailed(load, dev);
  assert.match(dev.said, /the controller was ended by SIGKILL/);
  const pods = podsIn(stdout).map((pod) => pod.name);
  assert.deepEqual(await endpointsTold(dev, name), pods);
}

/** The pods that sidecars are told of a service of the demo. */
export async function endpointsTold(dev: DevMesh, service: string): Promise<readonly string[]> {
  const api = ['--api', dev.ready.controller.api];
  const asked = ['diagnostics', 'endpoints', service, '-n', 'demo', '-o', 'json', ...api];
  const { stdout } = await dev.meshctl(...asked);
  const { endpoints } = JSON.parse(stdout) as { endpoints: readonly { pod: string }[] };
  return endpoints.map(({ pod }) => pod);
}
