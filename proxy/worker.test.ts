import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { type TestContext, test } from 'node:test';
import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { SocketAddress } from '../base/settings.ts';
import { eventually } from '../test/support/deadline.ts';
import { shareNeighbours } from './accept/neighbours.ts';
import { limits } from './limits.ts';
import type { FromThread, ThreadConfig } from './model/thread.ts';
import { shareGcCounts } from './observe/gc-counts.ts';
import { SharedCounts } from './observe/shared-counts.ts';
import { run } from './worker.ts';

const LOOPBACK = '127.0.0.1';

const configOf = (
  listens: readonly SocketAddress[],
  more: Partial<ThreadConfig> = {},
): ThreadConfig => ({
  thread: 0,
  inbound: listens.map((listen) => ({ listen, forward: { host: LOOPBACK, port: 9 } })),
  outbound: [],
  wayOut: [],
  interceptOutbound: [],
  interceptInbound: [],
  interceptProtocol: undefined,
  destinations: [],
  controlled: false,
  dns: false,
  http1Transport: 'http1',
  dialFrom: undefined,
  drainQuietMs: 100,
  logLevel: 'error',
  seed: 1,
  limits: {},
  counts: new SharedCounts().shared,
  gc: shareGcCounts(),
  neighbours: shareNeighbours(1),
  ...more,
});

/** Runs the thread's task here; resolves to its first word and the port to speak with it. */
async function begin(
  listens: readonly SocketAddress[],
  more: Partial<ThreadConfig> = {},
): Promise<{ said: FromThread; port: MessagePort; over: Promise<void> }> {
  const { port1, port2 } = new MessageChannel();
  const over = run({ port: port2, config: configOf(listens, more) });
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
    listeners: {
      inbound: listens,
      outbound: [],
      wayOut: [],
      interceptOutbound: [],
      interceptInbound: [],
    },
  });
  again.port.postMessage({ type: 'stop' });
  await again.over;
  again.port.close();
});

test('a data thread refuses who dials the listeners of redirected connections', async (t) => {
  const listen = [{ host: LOOPBACK, port: 0 }];
  const { over, port, said } = await begin([], {
    interceptOutbound: listen,
    interceptInbound: listen,
  });
  assert(said.type === 'ready');
  t.after(async () => {
    port.postMessage({ type: 'stop' });
    await over;
    port.close();
  });
  const { interceptInbound, interceptOutbound } = said.listeners;
  for (const address of [interceptInbound[0]!, interceptOutbound[0]!]) {
    const client = net.connect(address.port, LOOPBACK);
    client.end('GET / HTTP/1.1\r\nHost: web\r\n\r\n');
    const chunks: Buffer[] = [];
    client.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(client, 'close');
    assert.match(Buffer.concat(chunks).toString('latin1'), /^HTTP\/1\.1 508 /);
  }
});

/** No connection is served in this process until the test is over. */
function withoutRoom(t: TestContext): ThreadConfig['limits'] {
  const { downstreamLinksMax, refusedLinksMax } = limits;
  t.after(() => Object.assign(limits, { downstreamLinksMax, refusedLinksMax }));
  return { downstreamLinksMax: 0, refusedLinksMax: 0 };
}

test('a data thread that has drained has done so also after it reset a connection', async (t) => {
  const outbound = [{ host: LOOPBACK, port: 0 }];
  const { over, port, said } = await begin([], { outbound, limits: withoutRoom(t) });
  assert(said.type === 'ready');
  t.after(async () => {
    port.postMessage({ type: 'stop' });
    await over;
  });
  const drained: boolean[] = [];
  const hear = (message: FromThread): void => {
    if (message.type === 'drained') drained.push(message.drained);
  };
  port.on('message', hear);
  port.postMessage({ type: 'drain' });
  await eventually('it to have drained', () => drained.length > 0);
  const late = net.connect(said.listeners.outbound[0]!.port, LOOPBACK);
  await assert.rejects(once(late, 'close'), { code: 'ECONNRESET' });
  for (;;) {
    const unheard = receiveMessageOnPort(port);
    if (unheard === undefined) break;
    hear(unheard.message);
  }
  assert.equal(drained.at(-1), true, drained.join());
});
