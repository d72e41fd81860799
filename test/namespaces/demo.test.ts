/** The demo in network namespaces: programs that know nothing of a mesh. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import { promisify } from 'node:util';
import type { DevMesh, DevPod } from '../support/dev-mesh.ts';
import { eventually } from '../support/deadline.ts';
import {
  inPod,
  isAlive,
  leftovers,
  pidsOf,
  podOf,
  startDemo,
  statusIn,
  untilNothingIsLeft,
  withoutNamespaces,
} from '../support/namespaces.ts';

const run = promisify(execFile);
const SIDECAR_UID = 2102;

const skip = withoutNamespaces();

/** The effective user of a process: the second number of its line. */
function uidOf(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1]);
}

/** Of a program that failed. */
const exitCodeOf = (error: unknown): number =>
  error instanceof Error && 'code' in error ? Number(error.code) : Number.NaN;

/** The machine's own rules, without the counters and dates of a dump. */
async function rulesOfMachine(): Promise<string> {
  const { stdout } = await run('iptables-save');
  return stdout.replaceAll(/^#.*\n/gm, '').replaceAll(/ \[\d+:\d+\]$/gm, '');
}

it(
  'Demo in namespaces: a program that knows no mesh is carried by name, and nothing stays of it',
  { skip },
  async () => {
    const rules = await rulesOfMachine();
    await using dev = await startDemo();
    for (const host of ['web', 'web.demo', 'web.demo.svc', 'web.demo.svc.cluster.local']) {
      assert.equal(await statusIn('caller-1', `http://${host}/`), '200', host);
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
    await using dev = await startDemo();
    const before = podOf(dev, 'web');
    const restarted = await dev.restart('web', '-o', 'json');
    assert.equal(restarted.code, 0, restarted.stderr);
    const { pods } = JSON.parse(restarted.stdout) as { readonly pods: readonly DevPod[] };
    const [after] = pods;
    assert.equal(after?.name, 'web-2');
    assert.notEqual(after.address, before.address);
    await assert.rejects(inPod('web-1', 'true'), /culvert-web-1/);
    await inPod('web-2', 'true');
    assert.equal(await statusIn('caller-1', 'http://web/'), '200');
    assert.equal(await dev.end(), 0);
    await untilNothingIsLeft([...pidsOf(dev), ...pods.map(({ sidecarPid }) => sidecarPid)]);
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
    await using dev = await startDemo();
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

it('Demo in namespaces: what is outside the mesh is as without it', { skip }, async () => {
  await using dev = await startDemo();
  const gateway = podOf(dev, 'caller').address.replace(/\.\d+\.\d+$/, '.0.1');
  // Nobody listens there: refused at once (7, or 56 where it was taken first), no timeout (28).
  const refused = statusIn('caller-1', `http://${gateway}:9/`);
  await assert.rejects(refused, (error) => [7, 52, 56].includes(exitCodeOf(error)));
  // There is no such name (6).
  const unknown = statusIn('caller-1', 'http://nobody.invalid/');
  await assert.rejects(unknown, (error) => exitCodeOf(error) === 6);
  assert.equal(await dev.end(), 0);
});
