import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { eventually } from '../../test/support/deadline.ts';
import { keepAliveMs } from '../../test/support/kernel-sockets.ts';
import { MemoryPeer, newLinkCounts } from '../../test/support/memory-world.ts';
import { limits, SLAB_BYTES } from '../limits.ts';
import {
  type DialOptions,
  LINK_CLOSED,
  LINK_OPENED,
  LINK_READ_BYTES,
  LINK_WRITTEN_BYTES,
  type LinkCounts,
} from './link.ts';
import { NodeTransport } from './node.ts';
import { SMALL_SLAB_BYTES } from './slabs.ts';
import { Turn } from './turn.ts';

const LOOPBACK = { host: '127.0.0.1', port: 0 };

interface Pair {
  readonly near: MemoryPeer;
  readonly far: MemoryPeer;
  readonly counts: LinkCounts;
  readonly transport: NodeTransport;
  readonly turn: Turn;
}

/** Two ends of a TCP connection on loopback; both are gone when the test is over. */
async function connected(t: TestContext, at = LOOPBACK): Promise<Pair> {
  const turn = new Turn(() => performance.now() * 1000);
  const transport = new NodeTransport(turn);
  const counts = newLinkCounts();
  const [near, far] = [new MemoryPeer(turn), new MemoryPeer(turn)];
  const listener = await transport.listen(at, counts, (link) => {
    far.link = link;
    far.opened = true;
    return far;
  });
  const { host, port } = listener.address;
  near.link = transport.dial({ host, port, from: undefined, counts: newLinkCounts() }, near);
  t.after(async () => {
    listener.close();
    for (const peer of [near, far]) if (!peer.closed) peer.reset();
    await eventually('both ends to close', () => near.closed && far.closed);
  });
  await eventually('the connection', () => near.opened && far.opened);
  return { near, far, counts, transport, turn };
}

test('NodeLink knows both ends and carries bytes each way', async (t) => {
  const { near, far, counts } = await connected(t);
  assert.equal(near.link.peer.remote, far.link.peer.local);
  assert.equal(near.link.peer.local, far.link.peer.remote);
  near.send('ping');
  await eventually('the bytes', () => far.text === 'ping');
  far.send('pong!');
  await eventually('the answer', () => near.text === 'pong!');
  assert.deepEqual([near.sentBytes, far.sentBytes], [4, 5]);
  assert.deepEqual([counts[LINK_READ_BYTES], counts[LINK_WRITTEN_BYTES]], [4, 5]);
});

test('NodeLink that nothing redirected was going nowhere else', async (t) => {
  const { far } = await connected(t);
  assert.equal(far.link.peer.originalDst, undefined);
  assert.equal(far.link.peer.originalDst, undefined, 'asked again');
});

test('NodeLink carries more than a slab in order, and tells of each byte once', async (t) => {
  const { near, far } = await connected(t);
  const bytes = Buffer.alloc(40 * SLAB_BYTES + 7, 'abcdefghijk');
  near.send(bytes);
  await eventually('all bytes', () => far.bytes.length >= bytes.length);
  assert(far.bytes.equals(bytes));
  await eventually('all credit', () => near.sentBytes === bytes.length);
  assert.equal(near.link.unsentBytes, 0);
});

for (const [what, sizes] of [
  ['small', [1, 30, 4000]],
  ['more and more', [10, SMALL_SLAB_BYTES - 10, 1, SLAB_BYTES / 2, SLAB_BYTES]],
  ['more at once than is left of a small slab', [4000, 70_000, 1]],
  ['a large slab to the last byte', [1, SLAB_BYTES - 1, 1]],
] as const) {
  test(`NodeLink carries what it is given in one turn: ${what}`, async (t) => {
    const { near, far, turn } = await connected(t);
    const parts = sizes.map((size, i) => Buffer.alloc(size, 97 + i));
    turn.run(() => {
      for (const part of parts) {
        // As heads are written, and as data is.
        if (part.length % 2 === 0) near.link.write(part, 0, part.length);
        else {
          const out = near.link.room(part.length);
          near.link.advance(part.copy(out, near.link.length));
        }
      }
    });
    const expected = Buffer.concat(parts);
    await eventually('all bytes', () => far.bytes.length >= expected.length);
    assert(far.bytes.equals(expected));
    await eventually('all credit', () => near.sentBytes === expected.length);
  });
}

test('NodeLink keeps what a paused end does not take, and stops it from being read', async (t) => {
  const { near, far } = await connected(t);
  far.pause();
  const bytes = Buffer.alloc(300 * limits.readBytes, 'x');
  near.send(bytes);
  const unsent = await eventually('the kernel to be full', () => {
    return near.link.unsentBytes > 0 ? near.link.unsentBytes : undefined;
  });
  assert.equal(near.sentBytes + unsent <= bytes.length, true);
  assert.equal(far.bytes.length <= limits.readBytes, true);
  far.resume();
  await eventually('the rest', () => far.bytes.length === bytes.length);
  await eventually('all credit', () => near.sentBytes === bytes.length);
});

test('NodeLink delivers FIN behind the bytes and goes on the other way', async (t) => {
  const { near, far, counts } = await connected(t);
  near.send('last words');
  near.end();
  await eventually('FIN', () => far.ended);
  assert.equal(far.text, 'last words');
  far.send('answer');
  far.end();
  await eventually('both ends to close', () => near.closed && far.closed);
  assert.equal(near.text, 'answer');
  assert.deepEqual([near.error, far.error], [undefined, undefined]);
  assert.deepEqual([counts[LINK_OPENED], counts[LINK_CLOSED]], [1, 1]);
});

test('NodeLink that resets closes without an error, its peer with one', async (t) => {
  const { near, far } = await connected(t);
  near.reset();
  await eventually('both ends to close', () => near.closed && far.closed);
  assert.equal(near.error, undefined);
  assert.deepEqual([far.error?.code, far.error?.retry], ['upstream-reset', 'if-reused']);
});

test('NodeLink.close sends what is unsent, then FIN, and waits for nobody', async (t) => {
  const { near, far } = await connected(t);
  const bytes = Buffer.alloc(20 * limits.readBytes, 'y');
  near.send(bytes);
  near.close();
  await eventually('both', () => near.closed && far.ended);
  assert.equal(far.bytes.length, bytes.length);
});

test('NodeTransport refuses where nobody listens, and rejects an address that is taken', async () => {
  const turn = new Turn(() => 0);
  const transport = new NodeTransport(turn);
  const accept = () => new MemoryPeer(turn);
  const listener = await transport.listen(LOOPBACK, newLinkCounts(), accept);
  await assert.rejects(transport.listen(listener.address, newLinkCounts(), accept), /EADDRINUSE/);
  listener.close();
  const near = new MemoryPeer(turn);
  const { host, port } = listener.address;
  near.link = transport.dial({ host, port, from: undefined, counts: newLinkCounts() }, near);
  await eventually('the refusal', () => near.closed);
  assert.deepEqual(
    [near.opened, near.error?.code, near.error?.retry],
    [false, 'upstream-refused', 'unsent'],
  );
});

/** A dial of `options`; on from the end of the turn in which it was made. */
function dialled(options: Partial<DialOptions>): MemoryPeer {
  const turn = new Turn(() => 0);
  const near = new MemoryPeer(turn);
  const { host, port } = { ...LOOPBACK, ...options };
  const { from } = { from: undefined, ...options };
  near.link = new NodeTransport(turn).dial({ host, port, from, counts: newLinkCounts() }, near);
  return near;
}

for (const [what, options, code, sentence] of [
  [
    'an address that is none here',
    { from: '192.0.2.1', port: 9 },
    'upstream-unreachable',
    /127\.0\.0\.1:9: EADDRNOTAVAIL/,
  ],
  [
    'the other family',
    { from: '127.0.0.1', host: '::1', port: 9 },
    'upstream-unreachable',
    /\[::1\]:9: EINVAL/,
  ],
  [
    'a name that nobody has',
    { host: 'no.such.invalid', port: 9 },
    'upstream-unreachable',
    /no\.such\.invalid:9: E[A-Z_]+/,
  ],
] as const) {
  test(`NodeTransport tells of a dial that cannot begin, later: ${what}`, async () => {
    const near = dialled(options);
    assert.equal(near.closed, false, 'the dial has not returned yet');
    await eventually('the end', () => near.closed);
    assert.deepEqual([near.opened, near.error?.code, near.error?.retry], [false, code, 'unsent']);
    assert.match(near.error?.sentence ?? '', sentence);
  });
}

for (const host of ['127.0.0.1', 'localhost']) {
  test(`NodeTransport gives a dial up, to ${host}, without an error`, async () => {
    const near = dialled({ host, port: 9 });
    near.reset();
    assert.equal(near.closed, false);
    await eventually('the end', () => near.closed);
    assert.deepEqual([near.opened, near.error], [false, undefined]);
  });
}

for (const host of ['::1', 'localhost']) {
  test(`NodeTransport dials ${host}, and carries bytes each way`, async (t) => {
    const { near, far } = await connected(t, { host, port: 0 });
    near.send('ping');
    await eventually('the bytes', () => far.text === 'ping');
    far.send('pong!');
    near.end();
    await eventually('FIN', () => far.ended);
    far.end();
    await eventually('both ends to close', () => near.closed && far.closed);
    assert.deepEqual([near.text, near.error, far.error], ['pong!', undefined, undefined]);
  });
}

test('NodeLink that resets while its FIN leaves closes, and so does its peer', async (t) => {
  const { near, far, counts } = await connected(t);
  near.end();
  near.reset();
  await eventually('the end', () => near.closed);
  assert.equal(near.error, undefined);
  await eventually('FIN, or RST', () => far.ended || far.closed);
  far.send('to nobody');
  await eventually('both ends to close', () => far.closed);
  assert.equal(far.error?.code, 'upstream-reset');
  assert.equal(counts[LINK_CLOSED], 1);
});

for (const resets of [false, true]) {
  const does = resets ? 'ends and resets' : 'ends';
  test(`NodeLink that ${does} in a round of the event loop that brings its peer's FIN too closes`, async (t) => {
    const [first, second] = [await connected(t), await connected(t)];
    const { near, far } = second;
    first.near.react = () => {
      near.end();
      if (resets) near.reset();
    };
    // Both are there when it is looked next, in this order.
    first.turn.run(() => first.far.link.write(Buffer.from('x'), 0, 1));
    second.turn.run(() => {
      far.link.write(Buffer.from('bye'), 0, 3);
      far.link.close();
    });
    await eventually('both ends to close', () => near.closed && far.closed);
    assert.deepEqual([near.text, near.ended], resets ? ['', false] : ['bye', true]);
    assert.equal(near.error, undefined);
  });
}

test('NodeLink gives back what is in flight when it is reset', async (t) => {
  const { near, far, transport } = await connected(t);
  far.pause();
  near.send(Buffer.alloc(300 * limits.readBytes, 'x'));
  assert.equal(transport.hasUnsent, true);
  near.reset();
  await eventually('both ends to close', () => {
    if (!far.closed) far.resume();
    return near.closed && far.closed;
  });
  assert.equal(transport.hasUnsent, false);
});

test('NodeLink hears nothing more once it was reset', async (t) => {
  const { near, far, turn } = await connected(t);
  turn.run(() => far.link.write(Buffer.from('too late'), 0, 8));
  near.reset();
  await eventually('the end', () => near.closed);
  assert.deepEqual([near.text, near.ended], ['', false]);
});

test('NodeTransport dials from the address it is told', async (t) => {
  if (process.platform !== 'linux') return t.skip('other systems have one loopback address');
  const turn = new Turn(() => 0);
  const transport = new NodeTransport(turn);
  const [near, far] = [new MemoryPeer(turn), new MemoryPeer(turn)];
  const listener = await transport.listen(LOOPBACK, newLinkCounts(), (link) => {
    far.link = link;
    far.opened = true;
    return far;
  });
  const { host, port } = listener.address;
  const options = { host, port, from: '127.0.0.9', counts: newLinkCounts() };
  near.link = transport.dial(options, near);
  await eventually('the connection', () => near.opened && far.opened);
  assert.match(far.link.peer.remote, /^127\.0\.0\.9:/);
  near.reset();
  listener.close();
  await eventually('both ends to close', () => near.closed && far.closed);
});

test('NodeLink hears what its peer said before it went, though a write notices first', async (t) => {
  const { near, far, turn } = await connected(t);
  turn.run(() => far.link.write(Buffer.from('going away'), 0, 10));
  far.reset();
  // Nothing is read between here and the write that fails.
  turn.run(() => near.link.write(Buffer.from('too late'), 0, 8));
  await eventually('the end', () => near.closed);
  assert.equal(near.text, 'going away');
  assert.deepEqual([near.error?.code, near.error?.retry], ['upstream-reset', 'if-reused']);
  assert.match(near.error?.sentence ?? '', /: ECONNRESET\.$/, 'as the kernel said at first');
});

test('NodeLink that was reset writes to no file that has its number since', async (t) => {
  const { near, turn } = await connected(t);
  const directory = mkdtempSync(path.join(tmpdir(), 'culvert-node-link-'));
  try {
    const file = path.join(directory, 'file');
    // The lowest free numbers, the connection's among them.
    const opened: number[] = [];
    turn.run(() => {
      near.link.reset();
      while (opened.length < 8) opened.push(openSync(file, 'a'));
      near.link.write(Buffer.from('stray'), 0, 5);
    });
    for (const descriptor of opened) closeSync(descriptor);
    assert.equal(readFileSync(file, 'utf8'), '');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** Milliseconds until the system asks after the peer; NaN when it will not. */
const askedInMs = ({ link: { peer } }: MemoryPeer): number =>
  keepAliveMs(peer.local, peer.remote) ?? Number.NaN;

test('NodeTransport has the system ask after accepted peers, dialled ones when it is told', async (t) => {
  if (process.platform !== 'linux') return t.skip('needs /proc');
  const { near, far, turn } = await connected(t);
  for (const end of [far, near]) {
    if (end === near) turn.run(() => near.link.keepAlive());
    const ms = askedInMs(end);
    assert(ms > 20_000 && ms <= 30_000, `${ms} ms`);
  }
});

for (const passedOn of [false, true]) {
  test(`NodeTransport accepts ${passedOn ? 'what it might have passed on' : 'by itself'}`, async () => {
    const turn = new Turn(() => 0);
    const heard: string[] = [];
    const passOn = (listener: string): boolean => {
      heard.push(listener);
      return false;
    };
    const transport = new NodeTransport(turn, passedOn ? passOn : undefined);
    const [near, far] = [new MemoryPeer(turn), new MemoryPeer(turn)];
    const counts = newLinkCounts();
    const listener = await transport.listen(LOOPBACK, counts, (link) => {
      far.link = link;
      far.opened = true;
      return far;
    });
    const { host, port } = listener.address;
    near.link = transport.dial({ host, port, from: undefined, counts: newLinkCounts() }, near);
    near.send('ping');
    await eventually('the bytes', () => far.text === 'ping');
    assert.deepEqual(heard, passedOn ? [`${host}:${port}`] : []);
    assert.equal(counts[LINK_OPENED], 1);
    near.reset();
    listener.close();
    await eventually('both ends to close', () => near.closed && far.closed);
  });
}
