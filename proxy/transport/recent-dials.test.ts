import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MemoryPeer, MemoryWorld, newLinkCounts } from '../../test/support/memory-world.ts';
import type { SocketAddress } from '../../base/settings.ts';
import { RecentDials } from './recent-dials.ts';

const TO = { host: '10.96.0.1', port: 80 };
const OTHER = '10.96.0.9';

function bench(t: TestContext) {
  const world = new MemoryWorld();
  t.after(() => world.clock.wheel.stop());
  const dials = new RecentDials(world.transport, world.clock.wheel);
  for (const host of [TO.host, OTHER]) void world.serve({ ...TO, host });
  const dial = (host = TO.host): MemoryPeer => {
    const peer = new MemoryPeer(world.clock.turn);
    peer.link = dials.dial({ ...TO, host, from: '10.1.0.1', counts: newLinkCounts() }, peer);
    world.run();
    return peer;
  };
  const isOwn = (remote: string, to: SocketAddress | undefined = TO): boolean =>
    dials.isOwn({ remote, local: '127.0.0.1:4140' }, to);
  return { world, dials, dial, isOwn };
}

test('RecentDials knows a connection of its own by both ends', (t) => {
  const { dial, isOwn } = bench(t);
  assert.equal(isOwn('10.1.0.1:40000'), false, 'nothing was dialled');
  const { local } = dial().link.peer;
  assert.equal(isOwn(local), true);
  assert.equal(isOwn(`::ffff:${local}`), true, 'on a socket of both families');
  assert.equal(isOwn(local, { ...TO, port: 81 }), false);
  assert.equal(isOwn(local, { ...TO, host: '10.96.0.2' }), false);
  assert.equal(isOwn('10.1.0.1:9'), false, 'from another port');
  assert.equal(isOwn('10.1.0.2:40000'), false);
});

test('RecentDials takes no connection for its own that nothing redirected', (t) => {
  const { dial, dials } = bench(t);
  const { local } = dial().link.peer;
  assert.equal(dials.isOwn({ remote: local, local: '' }, undefined), false);
});

test('RecentDials forgets after a while, and keeps no more than it needs', (t) => {
  const { dial, isOwn, world } = bench(t);
  const old = dial().link.peer;
  world.advance(4_000);
  const young = dial().link.peer;
  world.advance(2_000);
  assert.deepEqual([isOwn(old.local), isOwn(young.local)], [false, true]);
  world.advance(10_000);
  assert.equal(isOwn(young.local), false);
  const first = dial().link.peer;
  for (let i = 0; i < 512; i++) dial(OTHER);
  assert.equal(isOwn(first.local), false);
});

test('RecentDials does not take for its own what has the ends of one that is gone', (t) => {
  const { dial, isOwn, world } = bench(t);
  const gone = dial();
  const { local } = gone.link.peer;
  assert.equal(isOwn(local), true);
  gone.reset();
  world.run();
  assert.equal(isOwn(local), false);
});

test('RecentDials listens as its transport does', async (t) => {
  const { dials, world } = bench(t);
  const counts = newLinkCounts();
  const peer = new MemoryPeer(world.clock.turn);
  const listener = await dials.listen({ host: '127.0.0.1', port: 0 }, counts, (link) => {
    peer.link = link;
    return peer;
  });
  const client = world.connect(listener.address);
  world.run();
  assert.equal(client.opened, true);
});
