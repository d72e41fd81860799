/** A Deployment of the demo is replaced under load: nobody who calls notices. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DevMesh, type DevPod } from '../support/dev-mesh.ts';
import { eventually } from '../support/deadline.ts';
import { Load } from '../support/load.ts';

const DEMO = fileURLToPath(new URL('../../examples/demo/demo.yaml', import.meta.url));
/** The first service of the demo's manifest. */
const WEB = { k: 1, port: 80 };
const skip = process.platform !== 'linux' && 'each pod needs an address of its own';

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('a rolling restart under load fails no request, in HTTP/1.1 and gRPC', { skip }, async () => {
  await using dev = await DevMesh.start(DEMO, 'demo');
  const load = new Load(dev.wayOut(WEB.k, WEB.port), {
    clients: 6,
    pauseMs: 30,
    host: 'web',
    // Both are answered with what gRPC services say.
    requestLine: (n) => (n % 2 === 0 ? `GET /parcels/${1_000 + n}` : 'GET /rates/domestic'),
  });
  await using _ = load;
  await eventually('the first answers', () => load.succeeded > 20, 20_000);
  for (const name of ['parcels', 'web']) {
    const old = dev.pods(name);
    const restarted = await dev.restart(name, '-o', 'json');
    assert.equal(restarted.code, 0, restarted.stderr);
    const { pods } = JSON.parse(restarted.stdout) as { pods: readonly DevPod[] };
    assert.equal(pods.length, old.length);
    assert.ok(
      old.every(
        ({ applicationPid, sidecarPid }) => !isAlive(applicationPid) && !isAlive(sidecarPid),
      ),
    );
    assert.ok(
      pods.every(
        ({ applicationPid, sidecarPid }) => isAlive(applicationPid) && isAlive(sidecarPid),
      ),
    );
    assert.match(restarted.stderr, new RegExp(`${name}-${old.length + 1} is ready\n`));
    const before = load.succeeded;
    await eventually('answers of the new pods', () => load.succeeded > before + 10);
  }
  const { failed, failures } = await load.stop();
  assert.deepEqual([failed, failures], [0, []], dev.said);

  const api = ['--api', dev.ready.controller.api];
  const [held, told] = await Promise.all([
    dev.meshctl('diagnostics', 'proxy', 'caller-1', '-n', 'demo', '-o', 'json', ...api),
    dev.meshctl('diagnostics', 'endpoints', 'parcels', '-n', 'demo', '-o', 'json', ...api),
  ]);
  const { destinations } = JSON.parse(held.stdout) as {
    destinations: readonly { target: string; ready: number; total: number }[];
  };
  assert.deepEqual(
    destinations.map(({ ready, target, total }) => `${target} ${ready}/${total}`),
    ['web.demo.svc.cluster.local:80 1/1'],
  );
  const { endpoints } = JSON.parse(told.stdout) as { endpoints: readonly { pod: string }[] };
  assert.deepEqual(
    endpoints.map(({ pod }) => pod),
    ['parcels-3', 'parcels-4'],
  );
  assert.equal(await dev.end(), 0);
});

test(
  'a controller that is killed during a rolling restart costs no request',
  { skip },
  async () => {
    await using dev = await DevMesh.start(DEMO, 'demo');
    await using load = new Load(dev.wayOut(WEB.k, WEB.port), {
      clients: 4,
      pauseMs: 30,
      host: 'web',
      requestLine: (n) => `GET /parcels/${1_000 + n}`,
    });
    await eventually('the first answers', () => load.succeeded > 20, 20_000);
    const before = dev.said.length;
    const restarted = dev.restart('parcels', '-o', 'json');
    const begins = (): boolean => /parcels-\d+ starts/.test(dev.said.slice(before));
    await eventually('a new pod to start', begins, 20_000);
    process.kill(dev.ready.controller.pid, 'SIGKILL');
    const { code, stderr, stdout } = await restarted;
    assert.equal(code, 0, stderr);
    const { pods } = JSON.parse(stdout) as { pods: readonly DevPod[] };
    const answered = load.succeeded;
    await eventually('answers of the new pods', () => load.succeeded > answered + 20);
    assert.deepEqual((await load.stop()).failures, [], dev.said);
    assert.match(dev.said, /the controller was ended by SIGKILL/);

    const api = ['--api', dev.ready.controller.api];
    const told = await dev.meshctl(
      'diagnostics',
      'endpoints',
      'parcels',
      '-n',
      'demo',
      '-o',
      'json',
      ...api,
    );
    const { endpoints } = JSON.parse(told.stdout) as { endpoints: readonly { pod: string }[] };
    assert.deepEqual(
      endpoints.map(({ pod }) => pod),
      pods.map(({ name }) => name),
    );
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
