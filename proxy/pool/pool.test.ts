import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { endpointResource } from '../../test/support/endpoints.ts';
import { MemoryWorld, type React, newLinkCounts } from '../../test/support/memory-world.ts';
import { requestOf } from '../../test/support/request-of.ts';
import { limits, timeouts } from '../limits.ts';
import { Endpoint } from '../model/endpoint.ts';
import type { ResponseSink, UpstreamStream } from '../model/exchange.ts';
import { MeshError } from '../model/mesh-error.ts';
import { type LinkQuota, threadQuotas } from '../transport/link-quota.ts';
import { Pool } from './pool.ts';
import { Place } from './waiting-queue.ts';

const ADDRESS = { host: '10.0.0.1', port: 80 };

function bench(t: TestContext, quota: LinkQuota = threadQuotas().upstream) {
  const world = new MemoryWorld();
  const { clock, transport } = world;
  t.after(() => clock.wheel.stop());
  const pool = new Pool({
    transport,
    wheel: clock.wheel,
    counts: newLinkCounts(),
    dialFrom: undefined,
    quota,
    limitHit: ignore,
  });
  const endpoint = new Endpoint(endpointResource(ADDRESS));
  endpoint.references = 1;
  return { world, pool, endpoint };
}

/** What came of a dial. */
interface Dialled {
  session: UpstreamStream | undefined;
  error: MeshError | undefined;
}

function dial(pool: Pool, endpoint: Endpoint): Dialled {
  const result: Dialled = { session: undefined, error: undefined };
  pool.dial(endpoint, 'http1', {
    dialled: (session) => (result.session = session),
    dialFailed: (error) => (result.error = error),
  });
  return result;
}

/** Dials `count` connections to a peer that listens. */
function dialAll(
  { world, pool, endpoint }: ReturnType<typeof bench>,
  count: number,
): UpstreamStream[] {
  const dials = Array.from({ length: count }, () => dial(pool, endpoint));
  world.run();
  return dials.map(({ error, session }) => session ?? assert.fail(error?.sentence));
}

const answering: React = (peer) => {
  if (peer.take().includes('\r\n\r\n')) {
    peer.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  }
};

const ignore = (): void => undefined;

/** Sends a request without a body; the sink cares for nothing but the end. */
function get(world: MemoryWorld, session: UpstreamStream): { ended: boolean } {
  const state = { ended: false };
  const sink: ResponseSink = {
    responseInformational: ignore,
    responseHead: ignore,
    responseData: ignore,
    responseTrailers: ignore,
    responseEnd: () => (state.ended = true),
    responseReset: ({ sentence }) => assert.fail(sentence),
    requestCredit: ignore,
    requestUnwanted: ignore,
  };
  world.clock.turn.run(() => {
    session.request(requestOf('GET /'), 0, sink);
    session.requestEnd();
  });
  world.run();
  return state;
}

test('Pool dials, and keeps the connection for the next when its exchange is over', async (t) => {
  const made = bench(t);
  const { world, pool, endpoint } = made;
  const peers = await world.serve(ADDRESS, answering);
  assert.equal(pool.take(endpoint, 'http1'), undefined);
  const [session] = dialAll(made, 1);
  assert.ok(session !== undefined);
  assert.equal(get(world, session).ended, true);
  assert.equal(pool.take(endpoint, 'http1'), session);
  assert.equal(pool.take(endpoint, 'http1'), undefined, 'taken out');
  assert.equal(get(world, session).ended, true);
  assert.deepEqual([pool.size, peers.length], [1, 1]);
});

test('Pool gives the most recently used idle connection first', async (t) => {
  const made = bench(t);
  await made.world.serve(ADDRESS);
  const [a, b, c] = dialAll(made, 3);
  for (const session of [b, a, c]) made.pool.putBack(session!);
  const taken = [1, 2, 3].map(() => made.pool.take(made.endpoint, 'http1'));
  assert.deepEqual(
    taken.map((session) => [a, b, c].indexOf(session)),
    [2, 0, 1],
  );
});

test('Pool keeps in use as many connections as recent peaks needed, and no more', async (t) => {
  const made = bench(t);
  const { world, pool, endpoint } = made;
  await world.serve(ADDRESS);
  const [a, b, c] = dialAll(made, 3);
  const take = (pending: number): number => {
    endpoint.pending = pending;
    return [a, b, c].indexOf(pool.take(endpoint, 'http1'));
  };
  const idle = (): number => {
    for (const session of [a, b, c]) pool.putBack(session!);
    return endpoint.idle.length;
  };
  assert.deepEqual([take(3), idle()], [-1, 3]);
  world.advance(timeouts.upstreamIdleMs / 2 - 100);
  assert.equal(take(1), 2, 'none is about to idle too long');
  pool.putBack(c!);
  world.advance(300);
  assert.deepEqual([take(1), take(2)], [0, 1], 'a peak of three was a moment ago');
  assert.equal(take(3), 2);
  idle();
  endpoint.peak.note(1, 300_000);
  endpoint.peak.note(1, 400_000);
  assert.equal(take(1), 2, 'a peak of one is over');
});

test('Pool closes a connection that idles too long', async (t) => {
  const made = bench(t);
  const { world, pool, endpoint } = made;
  const peers = await world.serve(ADDRESS);
  const [session] = dialAll(made, 1);
  pool.putBack(session!);
  world.advance(timeouts.upstreamIdleMs - 100);
  assert.equal(endpoint.idle.length, 1);
  world.advance(300);
  assert.equal(pool.take(endpoint, 'http1'), undefined);
  assert.equal(pool.size, 0);
  assert.equal(peers[0]?.ended, true);
});

test('Pool takes out an idle connection that its peer closed', async (t) => {
  const made = bench(t);
  const peers = await made.world.serve(ADDRESS);
  const [first, second] = dialAll(made, 2);
  made.pool.putBack(first!);
  made.pool.putBack(second!);
  made.world.run();
  peers[1]?.end();
  made.world.run();
  assert.deepEqual([made.endpoint.idle, made.pool.size], [[first], 1]);
});

test('Pool keeps no more idle connections to an endpoint than its limit', async (t) => {
  const made = bench(t);
  await made.world.serve(ADDRESS);
  const sessions = dialAll(made, limits.idleLinksPerEndpointMax + 2);
  for (const session of sessions) made.pool.putBack(session);
  made.world.run();
  assert.equal(made.endpoint.idle.length, limits.idleLinksPerEndpointMax);
  assert.equal(made.pool.size, limits.idleLinksPerEndpointMax);
});

test('Pool closes what idles for a forgotten endpoint, and what is put back later', async (t) => {
  const made = bench(t);
  const { world, pool, endpoint } = made;
  await world.serve(ADDRESS);
  const [idle, busy] = dialAll(made, 2);
  pool.putBack(idle!);
  endpoint.references = 0;
  pool.forget(endpoint);
  world.run();
  assert.deepEqual([endpoint.idle, pool.size], [[], 1]);
  pool.putBack(busy!);
  world.run();
  assert.deepEqual([endpoint.idle, pool.size], [[], 0]);
});

test('Pool tells why a dial failed, and forgets it when one succeeds', async (t) => {
  const made = bench(t);
  const { world, pool, endpoint } = made;
  const failed = dial(pool, endpoint);
  world.run();
  assert.equal(failed.session, undefined);
  assert.equal(failed.error?.code, 'upstream-refused');
  assert.equal(failed.error?.retry, 'unsent');
  assert.equal(endpoint.lastDialError, failed.error?.sentence);
  assert.equal(pool.size, 0);
  await world.serve(ADDRESS);
  dialAll(made, 1);
  assert.equal(endpoint.lastDialError, undefined);
});

/** The quota of a thread that may have three upstream connections. */
function threeLinks(t: TestContext): LinkQuota {
  const { upstreamLinksMax } = limits;
  limits.upstreamLinksMax = 3;
  t.after(() => (limits.upstreamLinksMax = upstreamLinksMax));
  return threadQuotas().upstream;
}

test('Pool refuses to dial past the limit, and dials again when one has gone', async (t) => {
  const quota = threeLinks(t);
  const { pool, endpoint, world } = bench(t, quota);
  const dials = [1, 2, 3].map(() => dial(pool, endpoint));
  assert.ok(dials.every(({ error }) => error === undefined));
  assert.equal(dial(pool, endpoint).error?.code, 'overloaded');
  assert.deepEqual([pool.size, quota.taken], [3, 3]);
  // Nobody listens: all three are refused.
  world.run();
  assert.deepEqual([pool.size, quota.taken], [0, 0]);
  assert.equal(dial(pool, endpoint).error, undefined);
});

test('Pool closes an idle connection for a dial past the limit, also one of another pool', async (t) => {
  const quota = threeLinks(t);
  const other = bench(t, quota);
  const { pool, endpoint, world } = bench(t, quota);
  await other.world.serve(ADDRESS);
  await world.serve(ADDRESS);
  const [old, recent] = dialAll(other, 2);
  dialAll({ world, pool, endpoint }, 1);
  assert.equal(dial(pool, endpoint).error?.code, 'overloaded');
  for (const session of [old, recent]) other.pool.putBack(session!);
  assert.equal(dial(pool, endpoint).error, undefined);
  other.world.run();
  assert.deepEqual(other.endpoint.idle, [recent], 'the one unused for longest made room');
  assert.deepEqual([other.pool.size, quota.taken], [1, 3]);
});

/** The least an HTTP/2 server says: empty SETTINGS, and the acknowledgement of ours. */
const HTTP2_GREETING = '\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0';
const greeting: React = (peer) => {
  if (peer.take().startsWith('PRI * HTTP/2.0')) peer.send(HTTP2_GREETING);
};

function dialHttp2({ pool, endpoint, world }: ReturnType<typeof bench>): UpstreamStream {
  let dialled: UpstreamStream | undefined;
  const place = pool.dial(endpoint, 'http2', {
    dialled: (stream) => (dialled = stream),
    dialFailed: ({ sentence }) => assert.fail(sentence),
  });
  world.run();
  assert.equal(place instanceof Place && place.queue !== undefined, false, 'it waits no more');
  return dialled ?? assert.fail('no stream came');
}

test('Pool has connections of both protocols to one endpoint, each for its own', async (t) => {
  const made = bench(t);
  const { endpoint, pool, world } = made;
  const peers = await world.serve(ADDRESS, greeting);
  const stream = dialHttp2(made);
  const other = pool.take(endpoint, 'http2');
  assert.deepEqual([stream.protocol, other?.protocol], ['http2', 'http2']);
  assert.equal(pool.take(endpoint, 'http1'), undefined);
  const [session] = dialAll(made, 1);
  pool.putBack(session!);
  assert.equal(pool.take(endpoint, 'http1'), session);
  assert.deepEqual([pool.size, peers.length], [2, 2]);
});

test('Pool gives a stream back that nobody waits for any more', async (t) => {
  const made = bench(t);
  const { endpoint, pool } = made;
  await made.world.serve(ADDRESS, greeting);
  const taken = [dialHttp2(made)];
  for (;;) {
    const stream = pool.take(endpoint, 'http2');
    if (stream === undefined) break;
    taken.push(stream);
  }
  assert.ok(taken.length >= 100, `${taken.length} streams`);
  pool.putBack(taken[0]!);
  assert.ok(pool.take(endpoint, 'http2') !== undefined);
  assert.equal(pool.take(endpoint, 'http2'), undefined);
});

/** One request on an HTTP/2 connection that comes to nothing: it idles then. */
function cancelOne(made: ReturnType<typeof bench>): void {
  const { clock } = made.world;
  const stream = dialHttp2(made);
  clock.turn.run(() => {
    stream.request(requestOf('GET /'), 0, QUIET);
    stream.requestReset(new MeshError('cancelled', 'downstream', 'went'));
  });
  made.world.run();
}

const QUIET: ResponseSink = {
  responseInformational: ignore,
  responseHead: ignore,
  responseData: ignore,
  responseTrailers: ignore,
  responseEnd: ignore,
  responseReset: ({ sentence }) => assert.fail(sentence),
  requestCredit: ignore,
  requestUnwanted: ignore,
};

test('Pool closes an HTTP/2 connection that idles: in time, or for an endpoint forgotten', async (t) => {
  for (const forgotten of [false, true]) {
    const made = bench(t);
    const { endpoint, pool, world } = made;
    const peers = await world.serve(ADDRESS, greeting);
    cancelOne(made);
    assert.deepEqual([pool.size, peers[0]?.ended], [1, false]);
    if (forgotten) {
      endpoint.references = 0;
      world.clock.turn.run(() => pool.forget(endpoint));
      world.run();
    } else world.advance(timeouts.http2UpstreamIdleMs + 1_000);
    assert.deepEqual([pool.size, peers[0]?.ended], [0, true], `forgotten: ${forgotten}`);
  }
});

test('Pool closes an idle HTTP/2 connection for a dial past the limit', async (t) => {
  const quota = threeLinks(t);
  const made = bench(t, quota);
  await made.world.serve(ADDRESS, greeting);
  cancelOne(made);
  const dials: Dialled[] = [];
  made.world.clock.turn.run(() => {
    for (let i = 0; i < 3; i++) dials.push(dial(made.pool, made.endpoint));
  });
  assert.ok(dials.every(({ error }) => error === undefined));
  assert.equal(dial(made.pool, made.endpoint).error?.code, 'overloaded');
  assert.deepEqual([made.pool.size, quota.taken], [3, 3]);
});

test('Pool that stops keeping closes what idles, and what would', async (t) => {
  const made = bench(t);
  const { endpoint, pool, world } = made;
  await world.serve(ADDRESS);
  const [idle, busy] = dialAll(made, 2);
  pool.putBack(idle!);
  pool.stopKeeping();
  world.run();
  assert.deepEqual([endpoint.idle, pool.size], [[], 1], 'what is in use goes on');
  pool.putBack(busy!);
  world.run();
  assert.deepEqual([endpoint.idle, pool.size], [[], 0]);
  dialAll(made, 1);
  assert.equal(pool.size, 1, 'it dials on');
});

test('Pool that stops keeping ends HTTP/2 connections without a stream', async (t) => {
  const made = bench(t);
  const { pool, world } = made;
  const peers = await world.serve(ADDRESS, greeting);
  cancelOne(made);
  assert.equal(pool.size, 1);
  world.clock.turn.run(() => pool.stopKeeping());
  world.run();
  assert.deepEqual([pool.size, peers[0]?.ended], [0, true]);
  cancelOne(made);
  assert.deepEqual([pool.size, peers[1]?.ended], [0, true], 'nor one that had its last');
});

test('Pool waits for an address outside the mesh as long as the system tries, or its waiter', async (t) => {
  const { pool, world } = bench(t);
  const endpoint = new Endpoint(endpointResource({ ...ADDRESS, outside: true }));
  endpoint.references = 1;
  world.transport.silence(ADDRESS);
  await world.serve(ADDRESS);
  const heard: string[] = [];
  const want = () =>
    pool.dial(endpoint, 'http1', {
      dialled: (session) => {
        heard.push('dialled');
        pool.putBack(session);
      },
      dialFailed: ({ code }) => heard.push(code),
    });
  const first = want();
  world.advance(100 * timeouts.connectTimeoutMs);
  assert.deepEqual([heard, pool.size], [[], 1]);
  world.clock.turn.run(() => first?.leave());
  world.run();
  assert.deepEqual([heard, pool.size], [[], 0]);
  const second = want();
  world.transport.unsilence(ADDRESS);
  world.run();
  assert.deepEqual([heard, pool.size], [['dialled'], 1]);
  world.clock.turn.run(() => second?.leave());
  assert.equal(pool.size, 1, 'it is too late to give it up');
});

test('Pool ends a dial to an address outside the mesh soon after its waiter is in a hurry', (t) => {
  const { pool, world } = bench(t);
  const endpoint = new Endpoint(endpointResource({ ...ADDRESS, outside: true }));
  endpoint.references = 1;
  world.transport.silence(ADDRESS);
  const heard: string[] = [];
  const waiting = pool.dial(endpoint, 'http1', {
    dialled: () => assert.fail('nobody is there'),
    dialFailed: ({ code }) => heard.push(code),
  });
  world.advance(10 * timeouts.connectTimeoutMs);
  waiting?.hurry();
  assert.deepEqual([heard, pool.size], [[], 1]);
  world.advance(timeouts.connectTimeoutMs + 300);
  assert.deepEqual([heard, pool.size], [['deadline-passed'], 0]);
  waiting?.hurry();
});

test('Pool gives up an HTTP/2 dial to an address outside the mesh with the last that waits', (t) => {
  const { pool, world } = bench(t);
  const endpoint = new Endpoint(endpointResource({ ...ADDRESS, outside: true }));
  endpoint.references = 1;
  world.transport.silence(ADDRESS);
  const want = () =>
    pool.dial(endpoint, 'http2', {
      dialled: () => assert.fail('nobody is there'),
      dialFailed: () => assert.fail('nobody waits any more'),
    });
  const [first, second] = [want(), want()];
  world.run();
  world.clock.turn.run(() => first?.leave());
  assert.equal(pool.size, 1);
  world.clock.turn.run(() => second?.leave());
  world.run();
  assert.equal(pool.size, 0);
  world.transport.unsilence(ADDRESS);
  world.run();
  world.advance(10 * timeouts.connectTimeoutMs);
  assert.equal(pool.size, 0);
});
