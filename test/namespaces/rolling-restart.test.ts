/** Pods that come and go in network namespaces: nobody who calls by name, or by address, notices. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/deadline.ts';
import { DevMesh } from '../support/dev-mesh.ts';
import { LoadInPod } from '../support/load-in-pod.ts';
import {
  DEMO,
  NETNS,
  podOf,
  startDemo,
  statusIn,
  withoutNamespaces,
} from '../support/namespaces.ts';
import {
  endpointsTold,
  REQUESTS_OF_WEB,
  restartUnderLoad,
  restartWithoutController,
} from '../support/restart-under-load.ts';

const skip = withoutNamespaces();
const WEB_PODS = fileURLToPath(new URL('../support/web-pods.yaml', import.meta.url));
const CALLER = 'caller-1';

const loadOfWeb = (): LoadInPod => new LoadInPod(CALLER, 'web:80', REQUESTS_OF_WEB);

it('Rolling restarts in namespaces under load fail no request by name', { skip }, async () => {
  await using dev = await startDemo();
  await using load = loadOfWeb();
  await restartUnderLoad(dev, load, ['parcels', 'web']);
  assert.deepEqual(await endpointsTold(dev, 'parcels'), ['parcels-3', 'parcels-4']);
  assert.equal(await dev.end(), 0);
});

for (const connectionEach of [true, false]) {
  const what = connectionEach ? 'a connection each' : 'kept connections';
  it(`Rolling restarts in namespaces fail no request to pods, ${what}`, { skip }, async () => {
    await using dev = await DevMesh.start(DEMO, 'demo', [...NETNS, '-f', WEB_PODS]);
    const plan = { ...REQUESTS_OF_WEB, host: 'web-pods', connectionEach, repeats: true };
    await using load = new LoadInPod(CALLER, 'web-pods:7080', plan);
    await restartUnderLoad(dev, load, ['web']);
    assert.equal(await dev.end(), 0);
  });
}

it(
  'A controller that is killed during a rolling restart in namespaces costs no request',
  { skip },
  async () => {
    await using dev = await startDemo();
    await using load = loadOfWeb();
    await restartWithoutController(dev, load, 'parcels');
    assert.equal(await dev.end(), 0);
  },
);

it(
  'A sidecar that is killed in its namespace serves again in its next life',
  { skip },
  async () => {
    await using dev = await startDemo();
    assert.equal(await statusIn(CALLER, 'http://web/'), '200');
    const said = dev.said.length;
    process.kill(podOf(dev, 'web').sidecarPid, 'SIGKILL');
    await eventually('the sidecar to be missed', () => /web-1/.test(dev.said.slice(said)));
    await eventually('web to answer again', async () => {
      const status = await statusIn(CALLER, 'http://web/').catch(() => '');
      return status === '200';
    });
    assert.equal(await dev.end(), 0);
  },
);
