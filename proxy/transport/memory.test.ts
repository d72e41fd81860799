import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Timer } from '../../base/timer-wheel.ts';
import { type MemoryPeer, MemoryWorld, newLinkCounts } from '../../test/support/memory-world.ts';
import { SLAB_BYTES } from '../limits.ts';
import {
  LINK_CLOSED,
  LINK_CLOSED_MS,
  LINK_OPENED,
  LINK_READ_BYTES,
  LINK_WRITTEN_BYTES,
} from './link.ts';
import { MemoryLink } from './memory-link.ts';
import type { MemoryOptions } from './memory.ts';

const ADDRESS = { host: '127.0.0.1', port: 80 };

const acceptNobody = (): never => assert.fail('nobody is accepted');

interface Pair {
  readonly world: MemoryWorld;
  readonly near: MemoryPeer;
  readonly far: MemoryPeer;
}

async function connected(options: MemoryOptions = {}): Promise<Pair> {
  const world = new MemoryWorld(options);
  const [fars, near] = [await world.serve(ADDRESS), world.connect(ADDRESS)];
  world.run();
  const far = fars[0];
  assert(far !== undefined && near.opened);
  return { world, near, far };
}

test('MemoryTransport connects a dialler with a listener, each knowing the other', async () => {
  const { near, far } = await connected();
  assert.equal(near.link.peer.remote, '127.0.0.1:80');
  assert.equal(far.link.peer.local, '127.0.0.1:80');
  assert.equal(near.link.peer.local, far.link.peer.remote);
});

test('MemoryTransport redirects dials, and tells who accepts them where they were going', async () => {
  const world = new MemoryWorld();
  const [direct, proxy] = [
    await world.serve(ADDRESS),
    await world.serve({ ...ADDRESS, port: 4140 }),
  ];
  world.transport.redirect(({ host }) =>
    host === ADDRESS.host ? undefined : { ...ADDRESS, port: 4140 },
  );
  const clients = [world.connect(ADDRESS), world.connect({ host: '10.96.0.1', port: 81 })];
  world.run();
  assert.equal(direct[0]?.link.peer.originalDst, undefined);
  assert.deepEqual(proxy[0]?.link.peer.originalDst, { host: '10.96.0.1', port: 81 });
  assert.deepEqual(
    clients.map(({ link }) => link.peer.remote),
    ['127.0.0.1:80', '10.96.0.1:81'],
    'a client knows nothing of it',
  );
});

test('MemoryTransport gives each port 0 a port of its own', async () => {
  const { transport } = new MemoryWorld();
  const first = await transport.listen({ host: '::1', port: 0 }, newLinkCounts(), acceptNobody);
  const second = await transport.listen({ host: '::1', port: 0 }, newLinkCounts(), acceptNobody);
  assert.notEqual(first.address.port, second.address.port);
  await assert.rejects(
    transport.listen(first.address, newLinkCounts(), acceptNobody),
    /EADDRINUSE/,
  );
});

test('MemoryTransport refuses dials where nobody listens any more', async () => {
  const world = new MemoryWorld();
  const listener = await world.transport.listen(ADDRESS, newLinkCounts(), acceptNobody);
  listener.close();
  const near = world.connect(ADDRESS);
  world.run();
  assert.deepEqual([near.opened, near.closed], [false, true]);
  assert.equal(near.error?.code, 'upstream-refused');
  assert.equal(near.error?.retry, 'unsent');
});

test('MemoryTransport leaves dials to a silent address unanswered until they are given up', () => {
  const world = new MemoryWorld();
  world.transport.silence(ADDRESS);
  const near = world.connect(ADDRESS);
  near.send('early');
  world.run();
  assert.deepEqual([near.opened, near.closed], [false, false]);
  near.reset();
  world.run();
  assert.deepEqual([near.opened, near.closed, near.error], [false, true, undefined]);
  assert.equal(world.transport.slabs.out, 0);
});

test('MemoryLink sends what was written before the connection was there', async () => {
  const world = new MemoryWorld();
  const fars = await world.serve(ADDRESS);
  const near = world.connect(ADDRESS);
  near.send('early');
  world.run();
  assert.equal(fars[0]?.text, 'early');
  assert.equal(near.sentBytes, 5);
});

test('MemoryLink makes the writer wait when the far end does not read', async () => {
  const { world, near, far } = await connected({ capacityBytes: 100 });
  far.pause();
  near.send(Buffer.alloc(250, 'x'));
  world.run();
  assert.equal(near.sentBytes, 100);
  assert.equal(near.link.unsentBytes, 150);
  assert.equal(far.text, '');
  far.resume();
  world.run();
  assert.equal(near.sentBytes, 250);
  assert.equal(near.link.unsentBytes, 0);
  assert.equal(far.text.length, 250);
  assert.equal(world.transport.slabs.out, 0);
});

test('MemoryLink carries more than a slab in order, through room and write', async () => {
  const { world, near, far } = await connected({ capacityBytes: 1000, readBytes: () => 77 });
  const bytes = Buffer.alloc(2 * SLAB_BYTES + 5, 'abcdefg');
  world.clock.turn.run(() => {
    const out = near.link.room(3);
    out.write('>> ', near.link.length, 'latin1');
    near.link.advance(3);
    near.link.write(bytes, 0, bytes.length);
  });
  world.run();
  assert.equal(far.text, `>> ${bytes.toString('latin1')}`);
  assert.equal(world.transport.slabs.out, 0);
});

test('MemoryLink overwrites what it lent after the call', async () => {
  const { world, near, far } = await connected();
  let kept: Buffer = Buffer.alloc(0);
  far.onBytes = (bytes, start, end) => (kept = bytes.subarray(start, end));
  near.send('lent');
  world.run();
  assert.deepEqual([...kept], [0xee, 0xee, 0xee, 0xee]);
});

test('MemoryLink delivers FIN behind the bytes, and closes when both ends have ended', async () => {
  const { world, near, far } = await connected();
  near.send('last words');
  near.end();
  world.run();
  assert.deepEqual([far.text, far.ended, far.closed], ['last words', true, false]);
  far.send('answer');
  far.end();
  world.run();
  assert.equal(near.text, 'answer');
  assert.deepEqual([near.ended, near.closed, near.error], [true, true, undefined]);
  assert.deepEqual([far.closed, far.error], [true, undefined]);
});

test('MemoryLink tells a paused end nothing of FIN, RST and bytes until it resumes', async () => {
  for (const ending of ['end', 'reset'] as const) {
    const { world, near, far } = await connected();
    far.pause();
    near.send('before');
    world.run();
    near[ending]();
    world.run();
    assert.deepEqual([far.text, far.ended, far.closed], ['', false, false]);
    far.resume();
    world.run();
    assert.equal(far.text, 'before');
    assert.deepEqual([far.ended, far.closed], [ending === 'end', ending === 'reset']);
    if (ending === 'reset') assert.equal(far.error?.code, 'upstream-reset');
  }
});

test('MemoryLink that resets drops what is unsent and closes without an error', async () => {
  const { world, near, far } = await connected({ capacityBytes: 10 });
  far.pause();
  near.send('0123456789lost');
  world.run();
  near.reset();
  world.run();
  assert.deepEqual([near.closed, near.error], [true, undefined]);
  assert.equal(near.link.unsentBytes, 0);
  assert.equal(world.transport.slabs.out, 0);
  far.resume();
  world.run();
  assert.deepEqual([far.text, far.error?.code], ['0123456789', 'upstream-reset']);
});

test('MemoryLink notices a reset while paused when it has bytes to send', async () => {
  const { world, near, far } = await connected({ capacityBytes: 10 });
  far.pause();
  near.pause();
  near.send('more than ten bytes');
  world.run();
  far.reset();
  world.run();
  assert.equal(near.error?.code, 'upstream-reset');
});

test('MemoryTransport answers dials again to an address that was silent, late ones too', async () => {
  const world = new MemoryWorld();
  await world.serve(ADDRESS);
  world.transport.silence(ADDRESS);
  const early = world.connect(ADDRESS);
  world.run();
  world.transport.unsilence(ADDRESS);
  const late = world.connect(ADDRESS);
  world.run();
  assert.deepEqual([early.opened, late.opened], [true, true]);
  early.reset();
  world.run();
  assert(early.closed);
});

test('MemoryLink that is severed hears nothing, and everything once it is joined', async () => {
  for (const ending of ['end', 'reset'] as const) {
    const { world, near, far } = await connected({ capacityBytes: 10 });
    assert(near.link instanceof MemoryLink);
    near.link.sever();
    near.send('more than ten bytes');
    world.run();
    assert.deepEqual([far.text, near.sentBytes], ['', 10], 'the kernel takes what it has room for');
    near[ending]();
    world.run();
    assert.deepEqual([far.ended, far.closed], [false, false]);
    near.link.join();
    world.run();
    const text = ending === 'end' ? 'more than ten bytes' : 'more than ';
    assert.deepEqual([far.text, far.ended, far.closed], [text, ending === 'end', ending !== 'end']);
  }
});

test('MemoryLink keeps what it sends to an end that died behind a cut', async () => {
  const { world, near, far } = await connected();
  assert(near.link instanceof MemoryLink);
  near.link.sever();
  far.reset();
  world.run();
  near.send('lost');
  world.run();
  near.send('too');
  world.run();
  assert.deepEqual([near.sentBytes, near.closed, near.link.unsentBytes], [0, false, 7]);
  near.reset();
  world.run();
  assert.deepEqual([near.link.closed, world.transport.slabs.out], [true, 0]);
});

test('MemoryLink.close sends FIN after what is unsent, or RST over unread bytes', async () => {
  const { world, near, far } = await connected({ capacityBytes: 4 });
  near.send('tenletters');
  near.close();
  world.run();
  assert.deepEqual([far.text, far.ended, near.closed], ['tenletters', true, true]);

  const other = await connected();
  other.near.pause();
  other.far.send('unread');
  other.world.run();
  other.near.close();
  other.world.run();
  assert.deepEqual([other.far.ended, other.far.error?.code], [false, 'upstream-reset']);
});

test('MemoryLink loses the first write to a closed end and fails at the second', async () => {
  const { world, near, far } = await connected();
  far.close();
  world.run();
  assert.deepEqual([near.ended, near.closed], [true, false]);
  near.send('lost');
  world.run();
  assert.deepEqual([near.sentBytes, near.closed], [4, false]);
  near.send('fails');
  world.run();
  assert.deepEqual([near.closed, near.error?.code], [true, 'upstream-reset']);
  assert.equal(world.transport.slabs.out, 0);
});

test('MemoryLink counts links, bytes and lifetimes', async () => {
  const { world, near, far } = await connected();
  near.send('abc');
  world.run();
  world.advance(250);
  near.close();
  far.close();
  world.run();
  const { peerCounts } = world;
  assert.equal(peerCounts[LINK_OPENED], 2);
  assert.equal(peerCounts[LINK_CLOSED], 2);
  assert.equal(peerCounts[LINK_READ_BYTES], 3);
  assert.equal(peerCounts[LINK_WRITTEN_BYTES], 3);
  assert.equal(peerCounts[LINK_CLOSED_MS], 500);
});

test('MemoryClock fires timers in their tick and not before, and settles after each', () => {
  const { clock } = new MemoryWorld();
  const begin = clock.nowUs();
  const fired: number[] = [];
  const timer = new Timer(() => fired.push((clock.nowUs() - begin) / 1000));
  clock.wheel.set(timer, 250);
  let settled = 0;
  clock.advance(200, () => settled++);
  assert.deepEqual(fired, []);
  clock.advance(150, () => settled++);
  assert.deepEqual(fired, [300]);
  assert.equal(settled, 4);
});

/** What either end may do; whatever the order of events, bytes arrive as a prefix in order. */
const action = fc.record({
  end: fc.boolean(),
  what: fc.constantFrom('send', 'send', 'send', 'pause', 'resume', 'end', 'close', 'reset', 'step'),
  size: fc.integer({ min: 1, max: 300 }),
});

test('MemoryLink delivers a prefix of what was written, whole when nothing was cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 40 }),
      fc.integer({ min: 1, max: 400 }),
      fc.infiniteStream(fc.nat()),
      async (actions, capacityBytes, draws) => {
        const draw = (below: number): number => Number(draws.next().value) % below;
        const options = { capacityBytes, readBytes: () => 1 + draw(200), choose: draw };
        const { world, near, far } = await connected(options);
        const ends = [near, far] as const;
        const written: [string, string] = ['', ''];
        const finished = [false, false];
        let cut = false;
        for (const { end, what, size } of actions) {
          const side = end ? 1 : 0;
          const peer = ends[side];
          if (what === 'step') world.transport.step();
          else if (what !== 'send') {
            cut ||= what === 'reset' || what === 'close';
            if (what === 'end') finished[side] = true;
            peer[what]();
          } else if (!finished[side]) {
            const text = `${written[side].length},`.padEnd(size, '.');
            written[side] += text;
            peer.send(text);
          }
        }
        for (const peer of ends) if (!peer.closed) peer.resume();
        world.run();
        assert(written[0].startsWith(far.text));
        assert(written[1].startsWith(near.text));
        if (!cut) assert.deepEqual([far.text, near.text], written);
        for (const peer of ends) if (!peer.closed) peer.close();
        world.run();
        assert.deepEqual([near.closed, far.closed], [true, true]);
        assert.equal(world.transport.slabs.out, 0);
      },
    ),
    { numRuns: 300 },
  );
});
