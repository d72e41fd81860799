import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MemoryWorld, type MemoryPeer, newLinkCounts } from '../../test/support/memory-world.ts';
import { limits } from '../limits.ts';
import type { ResponseSink } from '../model/exchange.ts';
import { MeshError } from '../model/mesh-error.ts';
import { LINK_CLOSED, LINK_OPENED, NOBODY } from '../transport/link.ts';
import { Http1Server } from '../session/http1-server.ts';
import type { ServerSession } from '../session/server-session.ts';
import { threadQuotas } from '../transport/link-quota.ts';
import { type Begin, Downstreams } from './downstreams.ts';

const ADDRESS = { host: '127.0.0.1', port: 80 };
const GET = 'GET / HTTP/1.1\r\nHost: web\r\n\r\n';
const OVER = new MeshError('past-drain', 'proxy', 'This proxy has stopped serving.');

const ignore = (): void => undefined;

/** Two connections for the length of a test. */
function lowerLimits(t: TestContext): void {
  const { downstreamLinksMax } = limits;
  limits.downstreamLinksMax = 2;
  t.after(() => (limits.downstreamLinksMax = downstreamLinksMax));
}

interface Bench {
  readonly world: MemoryWorld;
  readonly downstreams: Downstreams;
  readonly connect: () => MemoryPeer;
  /** Requests that wait for an answer: each is answered by a failure when it is called. */
  readonly waiting: ((error: MeshError) => void)[];
  readonly emptied: () => number;
  readonly refused: () => number;
  readonly listenersClosed: () => number;
  /** Failures that no exchange knows of. */
  readonly errors: string[];
}

async function listen(
  t: TestContext,
  begin: Begin = (side, link) => new Http1Server(side, link),
): Promise<Bench> {
  const world = new MemoryWorld();
  const { clock, transport } = world;
  t.after(() => clock.wheel.stop());
  let emptied = 0;
  let refused = 0;
  let listenersClosed = 0;
  const errors: string[] = [];
  const waiting: ((error: MeshError) => void)[] = [];
  const open = (downstream: ResponseSink) => {
    waiting.push((error) => clock.turn.run(() => downstream.responseReset(error)));
    return {
      requestData: ignore,
      requestTrailers: ignore,
      requestEnd: ignore,
      requestReset: ignore,
      responseCredit: ignore,
    };
  };
  const counts = newLinkCounts();
  const beingRefused = new Float64Array(1);
  const downstreams = new Downstreams({
    links: () => counts[LINK_OPENED]! - counts[LINK_CLOSED]! - beingRefused[0]!,
    wheel: clock.wheel,
    quotas: threadQuotas(beingRefused),
    begin,
    side: {
      wheel: clock.wheel,
      local: false,
      refused: ({ code }) => void errors.push(code),
      limitHit: ignore,
      open,
    },
    refusedLink: () => refused++,
    emptied: () => emptied++,
    listenersClosed: () => listenersClosed++,
  });
  downstreams.add(await transport.listen(ADDRESS, counts, downstreams.accept));
  const connect = (): MemoryPeer => {
    const peer = world.connect(ADDRESS);
    world.run();
    return peer;
  };
  const counted = {
    emptied: () => emptied,
    refused: () => refused,
    listenersClosed: () => listenersClosed,
  };
  return { world, downstreams, connect, waiting, errors, ...counted };
}

test('Downstreams counts its connections, and tells when the last has gone', async (t) => {
  const { connect, downstreams, emptied, world } = await listen(t);
  assert.equal(downstreams.size, 0);
  const [first, second] = [connect(), connect()];
  assert.equal(downstreams.size, 2);
  first.end();
  world.run();
  assert.deepEqual([downstreams.size, emptied()], [1, 0]);
  second.end();
  world.run();
  assert.deepEqual([downstreams.size, emptied()], [0, 1]);
});

test('Downstreams accepts on while it drains, until no connection has come for so long', async (t) => {
  const { connect, downstreams, world } = await listen(t);
  downstreams.drain(5_000);
  for (let i = 0; i < 3; i++) {
    world.advance(4_000);
    assert.equal(downstreams.closed, false);
    assert.equal(connect().opened, true);
  }
  world.advance(4_800);
  assert.equal(downstreams.closed, false);
  world.advance(400);
  assert.equal(downstreams.closed, true);
  assert.equal(connect().opened, false);
});

test('Downstreams that drains says goodbye with each answer', async (t) => {
  const { connect, downstreams, waiting, world } = await listen(t);
  const peer = connect();
  const answer = (): string => {
    peer.send(GET);
    world.run();
    waiting.shift()?.(new MeshError('no-endpoint', 'proxy', 'None.'));
    world.run();
    return peer.take();
  };
  assert.doesNotMatch(answer(), /connection: close/i);
  downstreams.drain(5_000);
  assert.match(answer(), /^HTTP\/1\.1 503 [\s\S]*connection: close/i);
});

test('Downstreams that closes ends what is idle at once, and what is busy after its answer', async (t) => {
  const { connect, downstreams, emptied, waiting, world } = await listen(t);
  const [idle, busy] = [connect(), connect()];
  busy.send(GET);
  world.run();
  world.clock.turn.run(() => downstreams.close());
  world.run();
  assert.deepEqual([idle.ended, busy.ended, downstreams.size], [true, false, 1]);
  assert.equal(downstreams.closed, true);
  waiting[0]?.(new MeshError('no-endpoint', 'proxy', 'None.'));
  world.run();
  assert.match(busy.text, /^HTTP\/1\.1 503 /);
  assert.equal(busy.ended, true);
  busy.end();
  world.run();
  assert.deepEqual([downstreams.size, emptied()], [0, 1]);
});

test('Downstreams that has no connection is empty as soon as it closes', async (t) => {
  const { downstreams, emptied } = await listen(t);
  downstreams.close();
  assert.deepEqual([downstreams.closed, emptied()], [true, 1]);
});

test('Downstreams that aborts answers where an answer is owed, and ends every connection', async (t) => {
  const { connect, downstreams, emptied, world } = await listen(t);
  const [idle, busy] = [connect(), connect()];
  busy.send(GET);
  world.run();
  world.clock.turn.run(() => downstreams.abort(OVER));
  world.run();
  assert.match(busy.text, /^HTTP\/1\.1 503 /);
  assert.deepEqual([idle.ended || idle.closed, busy.ended || busy.closed], [true, true]);
  busy.end();
  world.advance(3_000);
  assert.deepEqual([downstreams.size, emptied() > 0], [0, true]);
});

test('Downstreams answers and ends connections past the limit, and serves the others', async (t) => {
  lowerLimits(t);
  const { connect, downstreams, errors, refused, waiting, world } = await listen(t);
  const [first] = [connect(), connect()];
  assert.deepEqual([downstreams.size, refused()], [2, 0]);
  const over = connect();
  assert.match(over.text, /^HTTP\/1\.1 503 [\s\S]*connection: close\r\n/i);
  assert.equal(over.ended, true);
  first?.send(GET);
  world.run();
  assert.equal(waiting.length, 1);
  over.end();
  world.run();
  assert.deepEqual([downstreams.size, refused(), errors], [2, 1, ['overloaded']]);
});

test('Downstreams resets connections past the limit when many are being answered', async (t) => {
  lowerLimits(t);
  const { connect, downstreams, errors, refused, world } = await listen(t);
  const served = [connect(), connect()];
  const answered = Array.from({ length: limits.refusedLinksMax }, connect);
  const reset = connect();
  assert.deepEqual([reset.closed, reset.text], [true, '']);
  assert.equal(refused(), limits.refusedLinksMax + 1);
  assert.equal(errors.length, limits.refusedLinksMax + 1);
  // Those that are being refused take no room from those that are served.
  served[0]?.end();
  world.run();
  assert.equal(connect().text, '');
  for (const peer of answered) peer.end();
  world.run();
  assert.equal(downstreams.size, 2);
  assert.match(connect().text, /^HTTP\/1\.1 503 /);
});

test('Downstreams tells once that its listeners have closed', async (t) => {
  const { downstreams, listenersClosed } = await listen(t);
  downstreams.drain(5_000);
  assert.equal(listenersClosed(), 0);
  downstreams.close();
  downstreams.abort(OVER);
  assert.equal(listenersClosed(), 1);
});

test('Downstreams whose upstream refuses closes when it drains, and not before', async (t) => {
  const { connect, downstreams } = await listen(t);
  downstreams.upstreamRefuses();
  assert.equal(connect().opened, true, 'an application may be restarted');
  downstreams.drain(5_000);
  assert.equal(downstreams.closed, false);
  downstreams.upstreamRefuses();
  assert.equal(downstreams.closed, true);
  assert.equal(connect().opened, false);
});

/** Begins sessions in the test's hands: each stands for its connection until it is `decided`. */
function undecided(): {
  readonly begin: Begin;
  readonly told: string[];
  readonly decide: ((name: string) => ServerSession)[];
} {
  const told: string[] = [];
  const decide: ((name: string) => ServerSession)[] = [];
  const session = (name: string): ServerSession => ({
    idle: true,
    closeIfIdle: () => void told.push(`${name} closeIfIdle`),
    abort: () => void told.push(`${name} abort`),
    goodbye: () => void told.push(`${name} goodbye`),
    requestFault: () => void told.push(`${name} refused`),
    ...NOBODY,
  });
  const begin: Begin = (side, _link, decided) => {
    const first = session(`undecided ${decide.length}`);
    const gone = (one: ServerSession): ServerSession => ({
      ...one,
      onClose: () => side.closed(one),
    });
    decide.push((name) => {
      const chosen = session(name);
      decided(first, chosen);
      return gone(chosen);
    });
    return first;
  };
  return { begin, told, decide };
}

test('Downstreams says goodbye once to each session, and to those decided later', async (t) => {
  const { begin, decide, told } = undecided();
  const { connect, downstreams } = await listen(t, begin);
  connect();
  connect();
  decide[0]?.('a');
  assert.deepEqual([downstreams.size, told], [2, []]);
  downstreams.drain(5_000);
  assert.deepEqual(told.splice(0).toSorted(), ['a goodbye', 'undecided 1 goodbye']);
  decide[1]?.('b');
  connect();
  decide[2]?.('c');
  assert.deepEqual(told.splice(0), ['b goodbye', 'c goodbye']);
  downstreams.close();
  assert.deepEqual(told.splice(0).toSorted(), ['a closeIfIdle', 'b closeIfIdle', 'c closeIfIdle']);
  downstreams.abort(OVER);
  assert.deepEqual(told.filter((what) => what.endsWith('abort')).length, 3);
});

test('Downstreams counts a refused connection as one, whichever session it has', async (t) => {
  lowerLimits(t);
  const { begin, decide, told } = undecided();
  const { connect, downstreams, refused } = await listen(t, begin);
  for (let i = 0; i < 2 + limits.refusedLinksMax; i++) connect();
  assert.deepEqual([downstreams.size, refused()], [2 + limits.refusedLinksMax, 16]);
  assert.deepEqual(told.splice(0).slice(0, 2), ['undecided 2 refused', 'undecided 3 refused']);
  assert.equal(connect().closed, true, 'no room to refuse another');
  const refusing = decide[2]?.('refusing');
  assert.equal(connect().closed, true);
  refusing?.onClose(undefined);
  assert.equal(connect().closed, false);
  assert.deepEqual(told, [`undecided ${2 + limits.refusedLinksMax} refused`]);
});
