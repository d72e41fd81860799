/** A Deployment of the demo is replaced under load: nobody who calls notices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DevMesh } from '../support/dev-mesh.ts';
import { Load } from '../support/load.ts';
import { optionsOf } from '../support/load-requests.ts';
import {
  endpointsTold,
  REQUESTS_OF_WEB,
  restartUnderLoad,
  restartWithoutController,
} from '../support/restart-under-load.ts';

const DEMO = fileURLToPath(new URL('../../examples/demo/demo.yaml', import.meta.url));
/** The first service of the demo's manifest. */
const WEB = { k: 1, port: 80 };
const skip = process.platform !== 'linux' && 'each pod needs an address of its own';

const loadOfWeb = (dev: DevMesh): Load =>
  new Load(dev.wayOut(WEB.k, WEB.port), optionsOf(REQUESTS_OF_WEB));

test('a rolling restart under load fails no request, in HTTP/1.1 and gRPC', { skip }, async () => {
  await using dev = await DevMesh.start(DEMO, 'demo');
  await restartUnderLoad(dev, loadOfWeb(dev), ['parcels', 'web']);
  const api = ['--api', dev.ready.controller.api];
  const asked = ['diagnostics', 'proxy', 'caller-1', '-n', 'demo', '-o', 'json', ...api];
  const { stdout } = await dev.meshctl(...asked);
  const { destinations } = JSON.parse(stdout) as {
    destinations: readonly { target: string; ready: number; total: number }[];
  };
  assert.deepEqual(
    destinations.map(({ ready, target, total }) => `${target} ${ready}/${total}`),
    ['web.demo.svc.cluster.local:80 1/1'],
  );
  assert.deepEqual(await endpointsTold(dev, 'parcels'), ['parcels-3', 'parcels-4']);
  assert.equal(await dev.end(), 0);
});

test(
  'a controller that is killed during a rolling restart costs no request',
  { skip },
  async () => {
    await using dev = await DevMesh.start(DEMO, 'demo');
    await restartWithoutController(dev, loadOfWeb(dev), 'parcels');
    assert.equal(await dev.end(), 0);
  },
);

test('dev restart of what is not there says what is, and exits 1', { skip }, async () => {
  await using dev = await DevMesh.start(DEMO, 'demo');
  const { code, stderr } = await dev.restart('nosuch');
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^meshctl: no deployment "nosuch"; there are deploy\/web, deploy\/parcels, /,
  );
  const usage = await dev.meshctl('dev', 'restart', 'svc/web');
  assert.deepEqual([usage.code, usage.stderr], [64, 'meshctl: "svc/web" is not deploy/NAME\n']);
});
