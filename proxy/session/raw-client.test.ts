import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHead } from '../../test/support/heads.ts';
import { MemoryPeer, MemoryWorld, newLinkCounts } from '../../test/support/memory-world.ts';
import { HeardResponse } from '../../test/support/sinks.ts';
import { RawClient } from './raw-client.ts';

const ADDRESS = { host: '127.0.0.1', port: 80 };
const CONNECT = requestHead('CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n');

/** A client on an open link, and the server at its other end. */
async function connected() {
  const world = new MemoryWorld();
  const servers = await world.serve(ADDRESS);
  const dialler = new MemoryPeer(world.clock.turn);
  const link = world.transport.dial(
    { ...ADDRESS, from: undefined, counts: newLinkCounts() },
    dialler,
  );
  world.run();
  const told = { closed: 0 };
  const client = new RawClient(world.clock.wheel, link, '127.0.0.1:80', () => void told.closed++);
  const [server] = servers;
  assert(server !== undefined);
  const run = (work: () => void): void => {
    world.clock.turn.run(work);
    world.run();
  };
  return { client, run, server, sink: new HeardResponse(), told, world };
}

test('RawClient grants the tunnel when the request is whole, and lets nothing through before', async () => {
  const { client, run, server, sink, world } = await connected();
  run(() => client.request(CONNECT, 0, sink));
  server.send('hello');
  world.run();
  assert.deepEqual(sink.calls, []);
  run(() => client.requestEnd());
  assert.deepEqual(sink.calls, ['head 200 -2 ', 'data hello']);
  server.reset();
  world.run();
});

test('RawClient ends its half with the second end, and tells once that it is gone', async () => {
  const { client, run, server, sink, told, world } = await connected();
  run(() => {
    client.request(CONNECT, 0, sink);
    client.requestEnd();
  });
  assert.equal(server.ended, false);
  run(() => client.requestEnd());
  assert.deepEqual([server.ended, told.closed], [true, 0]);
  server.send('last');
  server.end();
  world.run();
  assert.deepEqual(sink.calls, ['head 200 -2 ', 'data last', 'end']);
  assert.deepEqual([told.closed, world.transport.slabs.out], [1, 0]);
});

test('RawClient that nobody needs closes its connection', async () => {
  const { client, run, server, told } = await connected();
  run(() => client.close());
  assert.deepEqual([server.ended || server.closed, told.closed], [true, 1]);
});
