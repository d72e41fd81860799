import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcMemoryBench, PORT } from '../../../test/support/grpc-memory.ts';
import { Http2MemoryPeer } from '../../../test/support/http2-memory-peer.ts';
import { PREFACE, settings } from '../../../test/support/http2-wire.ts';
import type { React } from '../../../test/support/memory-world.ts';
import { timeouts } from '../../limits.ts';
import { MeshError } from '../../model/mesh-error.ts';

const CONNECT_MS = 1_000;
const LAST_CONNECT_MS = 5_000;
const ADDRESSES = ['10.0.0.1', '10.0.0.2', 'fd00::3'];

/** Servers of HTTP/2 at some of the addresses; tells which were dialled. */
async function serve(bench: GrpcMemoryBench, ...hosts: readonly string[]): Promise<string[]> {
  const dialled: string[] = [];
  for (const host of hosts) {
    const greet: React = (peer) => {
      if (!peer.text.startsWith(PREFACE.toString('latin1'))) return;
      peer.keep(peer.take().slice(PREFACE.length));
      dialled.push(host);
      new Http2MemoryPeer(bench.world, peer, 'server').put(settings());
    };
    await bench.world.serve({ host, port: PORT }, greet);
  }
  return dialled;
}

for (const [random, order] of [
  [0, ['10.0.0.1']],
  [0.34, ['10.0.0.2']],
  [0.99, ['fd00::3']],
] as const) {
  test(`GrpcDial begins with any of the addresses of a name (${random})`, async () => {
    const bench = new GrpcMemoryBench();
    const dialled = await serve(bench, ...ADDRESSES);
    bench.begin(ADDRESSES, random);
    assert.deepEqual([dialled, bench.heard], [order, ['opened']]);
    bench.run(() => bench.dial.close());
  });
}

test('GrpcDial tries the next address where one refuses or is silent, also from the start again', async () => {
  const bench = new GrpcMemoryBench();
  const dialled = await serve(bench, '10.0.0.2');
  bench.world.transport.silence({ host: '10.0.0.1', port: PORT });
  bench.begin(ADDRESSES, 0.99);
  assert.deepEqual(bench.heard, []);
  bench.world.advance(CONNECT_MS + 500);
  assert.deepEqual([dialled, bench.heard], [['10.0.0.2'], ['opened']]);
  bench.run(() => bench.dial.close());
});

test('GrpcDial tells the only failure, and of several all', async () => {
  const one = new GrpcMemoryBench();
  one.begin(['10.0.0.1']);
  assert.deepEqual(one.heard, ['failed Cannot connect to 10.0.0.1:8086: ECONNREFUSED.']);
  const several = new GrpcMemoryBench();
  several.world.transport.silence({ host: 'fd00::3', port: PORT });
  several.begin(ADDRESSES);
  several.world.advance(LAST_CONNECT_MS + 500);
  assert.deepEqual(several.heard, [
    'failed None of the 3 addresses of controller answers. ' +
      'Cannot connect to 10.0.0.1:8086: ECONNREFUSED. ' +
      'Cannot connect to 10.0.0.2:8086: ECONNREFUSED. ' +
      '[fd00::3]:8086 accepted no connection within 5000 ms.',
  ]);
});

test('GrpcDial tells why a name has no address', async () => {
  const bench = new GrpcMemoryBench();
  const sentence = 'No service and no host is named controller.';
  bench.begin(new MeshError('no-such-service', 'proxy', sentence));
  const none = new GrpcMemoryBench();
  none.begin([]);
  assert.deepEqual(
    [bench.heard, none.heard],
    [[`failed ${sentence}`], ['failed No address of controller was found.']],
  );
});

for (const [what, react, advanceMs, reason] of [
  [
    'HTTP/1.1',
    (peer) => {
      if (peer.text.includes('PRI') && peer.sentBytes === 0) {
        peer.send('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
      }
    },
    0,
    '10.0.0.1:8086 broke HTTP/2: The first frame was not SETTINGS.',
  ],
  [
    'nothing',
    () => undefined,
    timeouts.headTimeoutMs + 500,
    `10.0.0.1:8086 said no SETTINGS within ${timeouts.headTimeoutMs} ms.`,
  ],
  [
    'its end',
    (peer) => peer.end(),
    0,
    '10.0.0.1:8086 ended the connection before it said SETTINGS.',
  ],
  [
    'a reset',
    (peer) => peer.reset(),
    0,
    '10.0.0.1:8086 ended the connection before it said SETTINGS.',
  ],
] as const satisfies readonly (readonly [string, React, number, string])[]) {
  test(`GrpcDial tells that a server says ${what}`, async () => {
    const bench = new GrpcMemoryBench();
    await bench.world.serve({ host: '10.0.0.1', port: PORT }, react);
    bench.begin(['10.0.0.1']);
    bench.world.advance(advanceMs);
    assert.deepEqual(bench.heard, [`failed ${reason}`]);
    bench.world.advance(timeouts.lingerMs + 500);
    assert.deepEqual([bench.heard.length, bench.world.clock.wheel.armed], [1, 0]);
  });
}

test('GrpcDial that is closed while it dials tells nothing, and leaves nothing', async () => {
  const bench = new GrpcMemoryBench();
  bench.world.transport.silence({ host: '10.0.0.1', port: PORT });
  bench.begin(ADDRESSES);
  bench.run(() => bench.dial.close());
  assert.equal(bench.world.clock.wheel.armed, 0);
  bench.world.advance(2 * LAST_CONNECT_MS);
  assert.deepEqual(bench.heard, []);
});

test('GrpcDial that is closed before the name has an answer dials nothing', async () => {
  const bench = new GrpcMemoryBench();
  const answers: (() => void)[] = [];
  bench.begin(['10.0.0.1'], 0, (tell) => answers.push(tell));
  bench.dial.close();
  const dialled = await serve(bench, '10.0.0.1');
  bench.run(() => answers[0]?.());
  assert.deepEqual([dialled, bench.heard], [[], []]);
});
