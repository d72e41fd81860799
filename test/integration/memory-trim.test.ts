import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { eventually } from '../support/deadline.ts';
import { Load } from '../support/load.ts';
import { samplesOf } from '../support/mesh.ts';
import { okAnswer, readRequest } from '../support/raw-http.ts';
import { PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

const skip = process.platform === 'linux' ? false : 'pages are given back on Linux only';

const answer = async (link: PeerLink): Promise<void> => {
  for (;;) {
    await readRequest(link);
    await link.send(okAnswer());
  }
};

const trimsOf = async (sidecar: Sidecar): Promise<number | undefined> =>
  (await samplesOf(sidecar)).find(({ name }) => name === 'proxy_memory_trims_total')?.value;

const fileKbOf = ({ ready: { pid } }: Sidecar): number =>
  Number(/^RssFile:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** Requests until so many more have been answered; every one must be. */
async function serves(sidecar: Sidecar, requests: number): Promise<void> {
  await using load = new Load(sidecar.inbound, { pauseMs: 0 });
  await eventually('answers', () => load.succeeded >= requests);
  const { failures } = await load.stop();
  assert.deepEqual(failures, []);
}

test('a sidecar gives memory back after its start, and serves on', { skip }, async () => {
  await using application = await PeerServer.listen(answer, { record: false });
  await using sidecar = await Sidecar.inbound(application.port, '--threads', '2');
  const beforeKb = fileKbOf(sidecar);
  await eventually('a trim', async () => ((await trimsOf(sidecar)) ?? 0) > 0, 20_000);
  const afterKb = fileKbOf(sidecar);
  assert.ok(afterKb < beforeKb * 0.8, `${beforeKb} kB of files before, ${afterKb} kB after`);
  await serves(sidecar, 200);
  assert.ok(!/error/i.test(sidecar.stderr), sidecar.stderr);
});

test('a sidecar under load serves every request while it gives memory back', { skip }, async () => {
  await using application = await PeerServer.listen(answer, { record: false });
  await using sidecar = await Sidecar.inbound(application.port);
  await using load = new Load(sidecar.inbound);
  await eventually('a trim', async () => ((await trimsOf(sidecar)) ?? 0) > 0, 20_000);
  const before = load.succeeded;
  await eventually('answers after it', () => load.succeeded > before + 50);
  assert.deepEqual((await load.stop()).failures, []);
});

test('a sidecar with --page-trim off gives nothing back', { skip }, async () => {
  await using sidecar = await Sidecar.inbound(1, '--page-trim', 'off');
  assert.equal(await trimsOf(sidecar), undefined);
});
