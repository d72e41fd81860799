/** A segment out of its window, and the redirected connection that it belongs to. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { LIBERAL_FILE } from '../../k8s/init/connection-tracking.ts';
import { findSystemProgram } from '../../k8s/init/runner.ts';
import { layCable, startInside } from '../support/cable.ts';
import { NetworkNamespace, withoutTables } from '../support/network-namespace.ts';
import { runInit } from '../support/proxy-init.ts';

const PROGRAM = [findSystemProgram('python3') ?? 'python3', 'test/support/stray-segment.py'];
const ROOT_UID = 0;

it(
  'A stray segment leaves a redirected connection as it is',
  { skip: withoutTables('python3') },
  async () => {
    await using pod = await NetworkNamespace.create();
    await using peer = await NetworkNamespace.create();
    await layCable(
      { namespace: pod, link: 'c0', address: '10.99.0.1/24' },
      { namespace: peer, link: 'c0', address: '10.99.0.2/24' },
    );
    const applied = await runInit(pod, ['--ipv6', 'off']);
    assert.deepEqual([applied.code, applied.stderr], [0, '']);
    const meet = async (): Promise<string> => {
      await using _server = await startInside(pod, ROOT_UID, ...PROGRAM, 'serve', '4143');
      const to = ['send', '10.99.0.1', '8080'];
      await using client = await startInside(peer, ROOT_UID, ...PROGRAM, ...to);
      return client.line;
    };
    assert.equal(await meet(), 'alive');
    // As it is without proxy-init's doing: the segment comes to port 8080, where nobody knows it.
    await pod.execute('sh', '-c', `echo 0 >${LIBERAL_FILE}`);
    assert.equal(await meet(), 'ConnectionResetError');
  },
);
