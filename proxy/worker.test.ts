import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { SocketAddress } from '../base/settings.ts';
import { shareNeighbours } from './accept/neighbours.ts';
import type { FromThread, ThreadConfig } from './model/thread.ts';
import { shareGcCounts } from './observe/gc-counts.ts';
import { SharedCounts } from './observe/shared-counts.ts';
import { run } from './worker.ts';

const LOOPBACK = '127.0.0.1';

const configOf = (listens: readonly SocketAddress[]): ThreadConfig => ({
  thread: 0,
  inbound: listens.map((listen) => ({ listen, forward: { host: LOOPBACK, port: 9 } })),
  outbound: [],
  wayOut: [],
  destinations: [],
  controlled: false,
  dns: false,
  dialFrom: undefined,
  drainQuietMs: 100,
  logLevel: 'error',
  seed: 1,
  limits: {},
  counts: new SharedCounts().shared,
  gc: shareGcCounts(),
  neighbours: shareNeighbours(1),
});

/** Runs the thread's task here; resolves to its first word and the port to speak with it. */
async function begin(
  listens: readonly SocketAddress[],
): Promise<{ said: FromThread; port: MessagePort; over: Promise<void> }> {
  const { port1, port2 } = new MessageChannel();
  const over = run({ port: port2, config: configOf(listens) });
  const [said] = (await once(port1, 'message')) as [FromThread];
  return { said, port: port1, over };
}

test('a data thread that cannot have all its listeners leaves none of them open', async () => {
  const occupied = net.createServer().listen(0, LOOPBACK);
  const free = net.createServer().listen(0, LOOPBACK);
  await Promise.all([once(occupied, 'listening'), once(free, 'listening')]);
  const listens = [free, occupied].map((server) => ({
    host: LOOPBACK,
    port: (server.address() as net.AddressInfo).port,
  }));
  free.close();
  await once(free, 'close');

  const failed = await begin(listens);
  assert.equal(failed.said.type, 'failed');
  await failed.over;
  failed.port.close();
  occupied.close();
  await once(occupied, 'close');

  const again = await begin(listens);
  assert.deepEqual(again.said, {
    type: 'ready',
    listeners: { inbound: listens, outbound: [], wayOut: [] },
  });
  again.port.postMessage({ type: 'stop' });
  await again.over;
  again.port.close();
});
