/** How the network of namespaces ends: by a second run, by SIGKILL, and when its guardian is gone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { it } from 'node:test';
import {
  childrenOf,
  isAlive,
  leftovers,
  NETNS,
  pidsOf,
  startDemo,
  statusIn,
  untilNothingIsLeft,
  withoutNamespaces,
} from '../support/namespaces.ts';

const skip = withoutNamespaces();

it(
  'Network of namespaces: a second run is refused, and a killed one leaves nothing behind',
  { skip },
  async () => {
    await using dev = await startDemo();
    const free = ['--api', '--proxy-api', '--controller-admin'].flatMap((flag) => [
      flag,
      '127.0.0.1:0',
    ]);
    for (const more of [free, ['--clean']]) {
      const second = await dev.meshctl('dev', ...NETNS, ...more);
      assert.equal(second.code, 1);
      assert.match(second.stderr, /another "meshctl dev --network netns" runs on this machine/);
    }
    assert.equal(await statusIn('caller-1', 'http://web/'), '200');

    const pids = pidsOf(dev);
    dev.process.kill('SIGKILL');
    await once(dev.process, 'exit');
    // The next start waits for what the guardian of this one does.
    await using next = await startDemo();
    assert.equal(pids.some(isAlive), false);
    assert.equal(await statusIn('caller-1', 'http://web/'), '200');
    assert.equal(await next.end(), 0);
    await untilNothingIsLeft(pidsOf(next));
  },
);

it(
  'Network of namespaces: what is left when the guardian is killed too is removed when asked',
  { skip },
  async () => {
    await using dev = await startDemo();
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
    await untilNothingIsLeft(pods.flatMap((pod) => [pod.applicationPid, pod.sidecarPid]));
  },
);
