import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { describe, it } from 'node:test';
import { totalOf } from '../../flamegraphs/call-tree.ts';
import { renderPage } from '../../flamegraphs/page/page.ts';
import { parseRecording } from '../../flamegraphs/read/parse.ts';
import { readSource } from '../../flamegraphs/read/source.ts';
import { readUrl } from '../../flamegraphs/record/sidecar.ts';
import { summarize } from '../../flamegraphs/summary.ts';
import { eventually } from '../support/deadline.ts';
import { Load } from '../support/load.ts';
import { okAnswer, readRequest } from '../support/raw-http.ts';
import { PeerServer, type PeerLink } from '../support/scripted-peer.ts';
import { Sidecar } from '../support/sidecar.ts';

async function answerAll(link: PeerLink): Promise<void> {
  for (;;) {
    await readRequest(link);
    await link.send(okAnswer());
  }
}

const ROOT = path.resolve(import.meta.dirname, '../..');

describe('npm run flamegraph', () => {
  it('says in one sentence what is wrong, also when both sides of a diff are', () => {
    const args = ['base/launch.mjs', 'flamegraphs/main.ts', 'diff', 'no-such-1', 'no-such-2'];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
    assert.deepEqual([status, stderr], [1, 'no-such-1 cannot be read\n']);
  });
});

describe('a live sidecar', () => {
  it('is recorded for a second, all its threads, and shown as a page', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.inbound(upstream.port);
    await using load = new Load(sidecar.address);
    await eventually('the load to run', () => load.succeeded > 50);
    const admin = `http://${sidecar.ready.admin}`;
    for (const kind of ['cpu', 'allocations'] as const) {
      const recording = await readSource(admin, { kind, seconds: 1 });
      const names = recording.threads.map(({ name }) => name);
      assert.deepEqual(names, ['data thread 0', 'main thread']);
      // What is small may be missed in a second of a little load.
      const stages = summarize(recording).stages.map(({ of }) => of);
      assert.ok(stages.includes('node'), stages.join());
      const [data] = recording.threads;
      assert.ok(totalOf(data!.root) > 0);
      const again = parseRecording(renderPage(recording, 0), 'unused');
      assert.equal(again.kind, kind);
      assert.equal(again.threads.length, 2);
    }
    const one = `${admin}/profile.cpuprofile?seconds=0.2`;
    const profile = parseRecording(await readUrl(one, 10_000), 'unused');
    assert.deepEqual(
      profile.threads.map(({ name }) => name),
      ['data thread 0'],
    );
    assert.ok(profile.seconds >= 0.2);
  });

  it('is profiled by one at a time', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    await using sidecar = await Sidecar.inbound(upstream.port);
    const target = '/profile.cpuprofile?seconds=0.5';
    const answers = await Promise.all([sidecar.admin(target), sidecar.admin(target)]);
    assert.ok(answers.some(({ status }) => status === 200));
    const refused = answers.find(({ status }) => status === 409);
    assert.equal(refused?.text, 'data thread 0 is being profiled: try again in 1 s\n');
    assert.equal((await sidecar.admin(target)).status, 200);
  });

  it('that is none says so', async () => {
    await using upstream = await PeerServer.listen(answerAll);
    const wish = { kind: 'cpu', seconds: 1 } as const;
    await assert.rejects(readSource(`http://127.0.0.1:${upstream.port}`, wish));
    await using sidecar = await Sidecar.inbound(upstream.port);
    const bad = `http://${sidecar.ready.admin}/profile.cpuprofile?seconds=99`;
    await assert.rejects(
      readSource(bad, wish),
      /answers 400: seconds must be above 0 and at most 60/,
    );
  });
});
