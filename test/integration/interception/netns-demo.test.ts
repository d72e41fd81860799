/** The demo in network namespaces: programs that know nothing of a mesh, and what is left of it. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DevMesh } from '../../support/dev-mesh.ts';
import type { DevPod, Outcome } from '../../support/dev-mesh.ts';
import { eventually } from '../../support/deadline.ts';
import { childrenOf, isAlive, leftovers, withoutNamespaces } from '../../support/netns-leftovers.ts';

const DEMO = fileURLToPath(new URL('../../../examples/demo/demo.yaml', import.meta.url));
const NETNS = ['--network', 'netns'];
const SIDECAR_UID = 2102;

const skip = withoutNamespaces();

const start = (): Promise<DevMesh> => DevMesh.start(DEMO, 'demo', NETNS);

function execute(program: string, ...args: readonly string[]): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  execFile(program, args, { timeout: 20_000 }, (error, stdout, stderr) =>
    resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
  );
  return promise;
}

/** What somebody types who looks around in a pod. */
const inPod = (pod: string, ...argv: readonly string[]): Promise<Outcome> =>
  execute('ip', 'netns', 'exec', `culvert-${pod}`, ...argv);

const curl = (pod: string, url: string): Promise<Outcome> =>
  inPod(pod, 'curl', '-sS', '-o', '/dev/null', '-w', '%{http_code}', '--max-time', '10', url);

function podOf(dev: DevMesh, deployment: string): DevPod {
  const [pod] = dev.pods(deployment);
  assert.ok(pod, deployment);
  return pod;
}

/** The effective user of a process: the second number of its line. */
function uidOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]);
}

/** The machine's own rules, without the counters and dates of a dump. */
async function rulesOfMachine(): Promise<string> {
  const { stdout } = await execute('iptables-save');
  return stdout.replaceAll(/^#.*\n/gm, '').replaceAll(/ \[\d+:\d+\]$/gm, '');
}

const pidsOf = ({ ready }: DevMesh): readonly number[] => [
  ready.controller.pid,
  ...ready.pods.flatMap(({ applicationPid, sidecarPid }) => [applicationPid, sidecarPid]),
];

const nothingLeft = (pids: readonly number[]): Promise<unknown> =>
  eventually(
    () => `nothing to be left: ${[...leftovers(), ...pids.filter(isAlive)].join(', ')}`,
    () => leftovers().length === 0 && !pids.some(isAlive),
  );

it(
  'Demo in namespaces: a program that knows no mesh is carried by name, and nothing stays of it',
  { skip },
  async () => {
    const rules = await rulesOfMachine();
    await using dev = await start();
    for (const host of ['web', 'web.demo', 'web.demo.svc', 'web.demo.svc.cluster.local']) {
      const { stdout, stderr } = await curl('caller-1', `http://${host}/`);
      assert.equal(stdout, '200', `${host}: ${stderr}`);
    }
    // Both sidecars saw it: web's of whoever called it, the caller's of what it called.
    const api = ['--api', dev.ready.controller.api];
    await eventually('the controller to know of the requests', async () => {
      const asked = ['stat', 'deploy/caller', '-n', 'demo', '--to', 'deploy/web', '-o', 'json'];
      const { stdout } = await dev.meshctl(...asked, ...api);
      const rows = JSON.parse(stdout) as readonly { readonly success: number }[];
      return (rows[0]?.success ?? 0) >= 4;
    });
    const inbound = await (await fetch(`http://${podOf(dev, 'web').sidecarAdmin}/metrics`)).text();
    assert.match(inbound, /^request_total\{[^}]*direction="inbound"[^}]*\} [1-9]/m);

    const { applicationPid, sidecarPid } = podOf(dev, 'web');
    assert.equal(uidOf(sidecarPid), SIDECAR_UID);
    assert.notEqual(uidOf(applicationPid), SIDECAR_UID);
    for (const { applicationPid, name } of dev.ready.pods) {
      const environment = readFileSync(`/proc/${applicationPid}/environ`, 'utf8');
      assert.doesNotMatch(environment, /=(.*:)?(4140|4143|4191|127\.[\d.]+)\0/, name);
    }

    const pids = pidsOf(dev);
    assert.equal(await dev.end(), 0);
    assert.deepEqual([leftovers(), pids.filter(isAlive)], [[], []]);
    assert.equal(await rulesOfMachine(), rules);
  },
);

it(
  'Demo in namespaces: a restarted pod has a namespace and an address of its own, and is found',
  { skip },
  async () => {
    await using dev = await start();
    const before = podOf(dev, 'web');
    const restarted = await dev.restart('web', '-o', 'json');
    assert.equal(restarted.code, 0, restarted.stderr);
    const { pods } = JSON.parse(restarted.stdout) as { readonly pods: readonly DevPod[] };
    const [after] = pods;
    assert.equal(after?.name, 'web-2');
    assert.notEqual(after.address, before.address);
    assert.notEqual((await inPod('web-1', 'true')).code, 0);
    assert.equal((await inPod('web-2', 'true')).code, 0);
    assert.equal((await curl('caller-1', 'http://web/')).stdout, '200');
    assert.equal(await dev.end(), 0);
    await nothingLeft(pidsOf(dev));
  },
);

interface Count {
  readonly sent: number;
  readonly failed: number;
}

interface BotTotals extends Count {
  readonly wishes: Readonly<Partial<Record<string, Count>>>;
  readonly ledger: Count & { readonly booked: number };
}

async function askBot(dev: DevMesh, method: string, path: string): Promise<BotTotals> {
  const address = podOf(dev, 'bot').ports[0]?.address;
  return (await (await fetch(`http://${address}${path}`, { method })).json()) as BotTotals;
}

it(
  'Demo in namespaces: pods that come and go at addresses of their own cost the bot no request',
  { skip },
  async () => {
    await using dev = await start();
    for (const name of ['parcels', 'rates']) {
      const { sent } = await askBot(dev, 'GET', '/totals');
      const restarted = await dev.restart(name);
      assert.equal(restarted.code, 0, restarted.stderr);
      await eventually('the bot to send more', async () => {
        return (await askBot(dev, 'GET', '/totals')).sent > sent + 30;
      });
    }
    const { failed, ledger, wishes } = await askBot(dev, 'POST', '/stop');
    // The foil printer is broken, and always will be.
    assert.equal(failed, wishes['foil label']?.failed, JSON.stringify(wishes));
    assert.ok(ledger.booked > 0);
    assert.equal(ledger.failed, 0, JSON.stringify(ledger));
    assert.equal(await dev.end(), 0);
  },
);

it(
  'Demo in namespaces: a second run is refused, and a killed one leaves nothing behind',
  { skip },
  async () => {
    await using dev = await start();
    const free = ['--api', '--proxy-api', '--controller-admin'].flatMap((flag) => [
      flag,
      '127.0.0.1:0',
    ]);
    for (const more of [free, ['--clean']]) {
      const second = await dev.meshctl('dev', ...NETNS, ...more);
      assert.equal(second.code, 1);
      assert.match(second.stderr, /another "meshctl dev --network netns" runs on this machine/);
    }
    assert.equal((await curl('caller-1', 'http://web/')).stdout, '200');

    const pids = pidsOf(dev);
    dev.process.kill('SIGKILL');
    await once(dev.process, 'exit');
    // The next start waits for what the guardian of this one does.
    await using next = await start();
    assert.equal(pids.some(isAlive), false);
    assert.equal((await curl('caller-1', 'http://web/')).stdout, '200');
    assert.equal(await next.end(), 0);
    await nothingLeft(pidsOf(next));
  },
);

it(
  'Demo in namespaces: what is left when the guardian is killed too is removed when asked',
  { skip },
  async () => {
    await using dev = await start();
    const pid = dev.process.pid ?? 0;
    const guardian = childrenOf(pid).find((child) =>
      readFileSync(`/proc/${child}/cmdline`, 'latin1').includes('guardian.sh'),
    );
    assert.ok(guardian !== undefined);
    // Stopped, so that it cannot end anything once the guardian is gone.
    dev.process.kill('SIGSTOP');
    process.kill(guardian, 'SIGKILL');
    dev.process.kill('SIGKILL');
    await once(dev.process, 'exit');
    assert.notDeepEqual(leftovers(), []);
    const { controller, pods } = dev.ready;
    // It is not in a namespace: nobody would know it for a part of the mesh.
    process.kill(controller.pid, 'SIGKILL');
    const { code, stderr, stdout } = await dev.meshctl('dev', ...NETNS, '--clean');
    assert.equal(code, 0, stderr);
    assert.match(stdout, /nothing of .* is left/);
    await nothingLeft(pods.flatMap(({ applicationPid, sidecarPid }) => [applicationPid, sidecarPid]));
  },
);

it(
  'Demo in namespaces: what is outside the mesh is as without it',
  { skip },
  async () => {
    await using dev = await start();
    const gateway = podOf(dev, 'caller').address.replace(/\.\d+\.\d+$/, '.0.1');
    // Nobody listens there: refused at once, not answered by anybody.
    const refused = await inPod('caller-1', 'curl', '-sS', '--max-time', '5', `http://${gateway}:9/`);
    assert.notEqual(refused.code, 0);
    assert.doesNotMatch(refused.stderr, /timed out/);
    const unknown = await curl('caller-1', 'http://nobody.invalid/');
    assert.equal(unknown.code, 6, unknown.stderr);
    assert.equal(await dev.end(), 0);
  },
);
