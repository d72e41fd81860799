import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { endpointResource } from '../../test/support/endpoints.ts';
import { HeardSession } from '../../test/support/exchange-bench.ts';
import { MemoryWorld, newLinkCounts } from '../../test/support/memory-world.ts';
import { limits, timeouts } from '../limits.ts';
import { Endpoint } from '../model/endpoint.ts';
import type { UpstreamStream } from '../model/exchange.ts';
import { MeshError } from '../model/mesh-error.ts';
import { LinkQuota } from '../transport/link-quota.ts';
import { type Http2Connection, Http2Links } from './http2-links.ts';
import type { Place } from './waiting-queue.ts';

const FULL = new MeshError('overloaded', 'proxy', 'full');
const REFUSED = new MeshError('upstream-refused', 'upstream', 'Cannot connect.', 'unsent');

/** A connection in a test's hands: it has as many streams as it is told. */
class TestConnection implements Http2Connection {
  readonly owner: Http2Links;
  givenUp = false;
  streamsMax = 100;
  streams = 0;
  /** Asked for; it has no more of them than it takes. */
  tunnels = 0;
  tunnelsMax = Number.POSITIVE_INFINITY;
  retired = false;
  /** It has no room for another reason than its streams. */
  blocked = false;
  /** How often its link was ended; the pool hears that later, from the link. */
  closes = 0;
  attached = false;

  constructor(owner: Http2Links) {
    this.owner = owner;
  }

  get capacity(): number {
    return this.retired || this.blocked ? 0 : Math.max(0, this.streamsMax - this.streams);
  }

  attach(): void {
    this.attached = true;
  }

  open(): UpstreamStream {
    assert.ok(this.capacity > 0, 'a stream of a connection that has none');
    this.streams++;
    const stream = new HeardSession('stream', 0, 'http2');
    stream.close = () => this.over();
    opener.set(stream, this);
    return stream;
  }

  /** One of its streams is over. */
  over(): void {
    const full = this.capacity === 0;
    this.streams--;
    if (full && !this.retired) this.owner.available(this);
    if (this.streams === 0) this.owner.idle(this);
  }

  retire(): void {
    if (this.retired) return;
    this.retired = true;
    this.owner.retiring(this);
  }

  /** As a session does: busy, it goes away after its last stream. */
  close(): void {
    this.retire();
    if (this.streams === 0) this.closes++;
  }

  giveUp(): void {
    this.givenUp = true;
  }

  get ended(): boolean {
    assert.ok(this.closes < 2, 'ended twice');
    return this.closes > 0;
  }

  onOpen(): void {}
  onBytes(): void {}
  onEnd(): void {}
  onSent(): void {}
  onClose(): void {}
}

interface Waiter {
  stream: UpstreamStream | undefined;
  error: MeshError | undefined;
  place: Place | undefined;
}

/** Whose stream is whose. */
const opener = new WeakMap<UpstreamStream, TestConnection>();

/** The links of one endpoint with a quota of so many connections. */
function bench(t: TestContext, connectionsMax = 20) {
  const world = new MemoryWorld();
  t.after(() => world.clock.wheel.stop());
  const endpoint = new Endpoint(endpointResource());
  endpoint.references = 1;
  const dials: TestConnection[] = [];
  const quota = new LinkQuota(connectionsMax, FULL);
  const all = new Set<Http2Connection>();
  const idle = new Map<Http2Connection, Http2Links>();
  const links = new Http2Links(
    {
      wheel: world.clock.wheel,
      quota,
      all,
      idle,
      keepsIdle: true,
      newConnection: (owner) => {
        const connection = new TestConnection(owner);
        dials.push(connection);
        return connection;
      },
      dial: ({ host, port }, events) =>
        world.transport.dial({ host, port, from: undefined, counts: newLinkCounts() }, events),
      limitHit: () => undefined,
    },
    endpoint,
    '10.0.0.1:80',
  );
  const ask = (tunnels: boolean): Waiter => {
    const waiter: Waiter = { stream: undefined, error: undefined, place: undefined };
    waiter.place = links.want({
      tunnels,
      dialled: (stream) => {
        waiter.stream = stream;
        if (tunnels) opener.get(stream)!.tunnels++;
      },
      dialFailed: (error) => void (waiter.error = error),
    });
    return waiter;
  };
  const want = (): Waiter => ask(false);
  const wantMany = (count: number): Waiter[] => Array.from({ length: count }, want);
  const wantTunnels = (count: number): Waiter[] => Array.from({ length: count }, () => ask(true));
  /** The connection of the n-th dial is there, with so many streams. */
  const opened = (n: number, streamsMax = 100): TestConnection => {
    const connection = dials[n] ?? assert.fail(`there is no dial ${n}`);
    connection.streamsMax = streamsMax;
    links.opened(connection);
    return connection;
  };
  const stateOf = () => [links.waiting, all.size, quota.taken];
  return {
    world,
    endpoint,
    dials,
    quota,
    idle,
    links,
    want,
    wantMany,
    wantTunnels,
    opened,
    stateOf,
  };
}

const served = (waiters: readonly Waiter[]): number =>
  waiters.filter(({ stream }) => stream !== undefined).length;

function lower(t: TestContext, changes: Partial<typeof limits>): void {
  const before = { ...limits };
  Object.assign(limits, changes);
  t.after(() => Object.assign(limits, before));
}

test('Http2Links dials once for those who come together, and serves them in turn', (t) => {
  const { dials, links, opened, stateOf, wantMany } = bench(t);
  const waiters = wantMany(5);
  assert.deepEqual([dials.length, dials[0]?.attached, served(waiters)], [1, true, 0]);
  assert.deepEqual(stateOf(), [5, 1, 1]);
  opened(0);
  assert.deepEqual([served(waiters), dials.length], [5, 1]);
  assert.ok(waiters.every(({ place }) => place?.queue === undefined));
  assert.ok(links.take() !== undefined, 'the next one waits for nothing');
});

test('Http2Links takes a stream of the connection with the fewest', (t) => {
  lower(t, { http2LinksPerEndpointMax: 2 });
  const { dials, links, opened, wantMany } = bench(t);
  wantMany(101);
  opened(0);
  opened(1);
  assert.deepEqual(
    dials.map(({ streams }) => streams),
    [100, 1],
  );
  for (let i = 0; i < 40; i++) dials[0]?.over();
  for (let i = 0; i < 100; i++) assert.ok(links.take() !== undefined);
  assert.deepEqual(
    dials.map(({ streams }) => streams),
    [81, 80],
  );
});

test('Http2Links waits when all are full, and the first in the queue has the first stream', (t) => {
  lower(t, { http2LinksPerEndpointMax: 1 });
  const { dials, links, opened, want, wantMany } = bench(t);
  wantMany(2);
  const connection = opened(0, 2);
  const [first, second] = [want(), want()];
  assert.deepEqual([links.take(), dials.length, links.waiting], [undefined, 1, 2]);
  connection.over();
  assert.deepEqual([served([first]), served([second]), links.waiting], [1, 0, 1]);
  connection.streamsMax = 3;
  links.available(connection);
  assert.equal(served([second]), 1);
});

test('Http2Links dials another when more wait than dials under way will serve', (t) => {
  const { dials, opened, wantMany } = bench(t);
  wantMany(100);
  assert.equal(dials.length, 1, 'RFC 9113: 100 streams at least');
  wantMany(1);
  assert.equal(dials.length, 2);
  opened(0, 10);
  // Ten are served, 91 wait: with ten streams each, nine more are needed, and eight are allowed.
  assert.equal(dials.length, limits.http2LinksPerEndpointMax);
  for (let i = 1; i < dials.length; i++) opened(i, 10);
  assert.equal(dials.length, limits.http2LinksPerEndpointMax);
  assert.deepEqual(
    dials.map(({ streams }) => streams),
    Array.from({ length: limits.http2LinksPerEndpointMax }, () => 10),
  );
});

test('Http2Links gives who wants none of the open connections a new one', async (t) => {
  await t.test('dialled for it', (each) => {
    const { dials, opened, want, wantMany } = bench(each);
    wantMany(1);
    const old = opened(0);
    const replay = want();
    assert.deepEqual([dials.length, served([replay])], [2, 0]);
    // Neither a stream of the old one that others give back, nor one it has more of, will do.
    old.over();
    old.owner.available(old);
    assert.equal(served([replay]), 0);
    opened(1);
    assert.deepEqual([served([replay]), old.streams, dials[1]?.streams], [1, 0, 1]);
  });

  await t.test('or an old one where no other may be dialled', (each) => {
    lower(each, { http2LinksPerEndpointMax: 1 });
    const { dials, links, opened, want, wantMany } = bench(each);
    wantMany(1);
    opened(0);
    assert.deepEqual([served([want()]), dials.length, links.waiting], [1, 1, 0]);
  });

  await t.test('or an old one where the quota is used up', (each) => {
    const { dials, links, opened, want, wantMany } = bench(each, 1);
    wantMany(1);
    opened(0);
    assert.deepEqual([served([want()]), dials.length, links.waiting], [1, 1, 0]);
  });

  await t.test('or an old one where the dial fails', (each) => {
    const { dials, links, opened, want, wantMany } = bench(each);
    wantMany(1);
    opened(0);
    const replay = want();
    links.failed(dials[1]!, REFUSED);
    assert.deepEqual([served([replay]), replay.error, links.waiting], [1, undefined, 0]);
  });
});

test('Http2Links expects of a dial what its peer allows, not what another has free now', (t) => {
  const { dials, opened, wantMany } = bench(t);
  wantMany(1);
  const connection = opened(0);
  connection.blocked = true;
  wantMany(100);
  assert.equal(dials.length, 2);
});

test('Http2Links refuses who would wait beyond the limit', (t) => {
  lower(t, { http2LinksPerEndpointMax: 1, pendingPerEndpointMax: 3 });
  const { opened, stateOf, want, wantMany } = bench(t);
  const waiters = wantMany(3);
  const over = want();
  assert.deepEqual([over.error?.code, over.place], ['overloaded', undefined]);
  assert.match(over.error?.sentence ?? '', /^3 requests wait for a stream to 10\.0\.0\.1:80/);
  opened(0);
  assert.deepEqual([served(waiters), stateOf()], [3, [0, 1, 1]]);
});

test('Http2Links lets those leave who do not wait any more, from any place', (t) => {
  for (const leaving of [[0], [1], [2], [0, 1, 2], [2, 0]]) {
    const { links, opened, wantMany } = bench(t);
    const waiters = wantMany(3);
    for (const i of leaving) {
      waiters[i]?.place?.leave();
      waiters[i]?.place?.leave();
    }
    assert.equal(links.waiting, 3 - leaving.length);
    const connection = opened(0);
    const stayed = waiters.filter((_, i) => !leaving.includes(i));
    assert.deepEqual([served(waiters), served(stayed)], [stayed.length, stayed.length]);
    assert.equal(connection.streams, stayed.length);
    for (const waiter of waiters) waiter.place?.leave();
    assert.equal(links.waiting, 0);
  }
});

test('Http2Links tells all who wait why its only dial failed', (t) => {
  const { dials, endpoint, links, stateOf, wantMany } = bench(t);
  const waiters = wantMany(3);
  links.failed(dials[0]!, REFUSED);
  assert.ok(waiters.every(({ error }) => error === REFUSED));
  assert.deepEqual([endpoint.lastDialError, stateOf()], ['Cannot connect.', [0, 0, 0]]);
  links.failed(dials[0]!, FULL);
  assert.deepEqual([endpoint.lastDialError, stateOf()], ['Cannot connect.', [0, 0, 0]]);
});

test('Http2Links goes on waiting while another dial or connection may bring a stream', (t) => {
  const { dials, endpoint, links, opened, want, wantMany } = bench(t);
  const waiters = wantMany(101);
  links.failed(dials[0]!, REFUSED);
  assert.ok(waiters.every(({ error }) => error === undefined));
  const connection = opened(1, 5);
  assert.deepEqual([served(waiters), endpoint.lastDialError], [5, undefined]);
  for (let i = 2; i < dials.length; i++) links.failed(dials[i]!, REFUSED);
  const late = want();
  assert.ok([...waiters, late].every(({ error }) => error === undefined));
  connection.over();
  assert.equal(served(waiters), 6);
});

test('Http2Links that may not dial fails who waits, unless a connection is there', (t) => {
  const { dials, opened, quota, stateOf, want, wantMany } = bench(t, 1);
  const other = quota.take();
  assert.equal(other, true);
  const refused = want();
  assert.deepEqual([refused.error, refused.place, dials.length], [FULL, undefined, 0]);
  quota.give();
  wantMany(1);
  const connection = opened(0, 1);
  const waiting = want();
  assert.deepEqual([waiting.error, dials.length, stateOf()], [undefined, 1, [1, 1, 1]]);
  connection.over();
  assert.equal(served([waiting]), 1);
});

test('Http2Links replaces a connection that retires, at once when somebody waits', (t) => {
  lower(t, { http2LinksPerEndpointMax: 1 });
  const { dials, links, opened, stateOf, want, wantMany } = bench(t);
  wantMany(2);
  const old = opened(0, 2);
  const waiting = want();
  old.retire();
  assert.equal(dials.length, 2, 'one that retires does not count');
  opened(1, 2);
  assert.equal(served([waiting]), 1);
  old.over();
  assert.deepEqual(stateOf(), [0, 2, 2]);
  old.over();
  assert.deepEqual([old.ended, stateOf()], [true, [0, 1, 1]]);
  assert.ok(links.take() !== undefined);
  assert.deepEqual([old.streams, dials[1]?.streams], [0, 2]);
});

test('Http2Links dials again for who waits when its connection is gone', (t) => {
  lower(t, { http2LinksPerEndpointMax: 1 });
  const { dials, links, opened, stateOf, want, wantMany } = bench(t);
  wantMany(1);
  const lost = opened(0, 1);
  const waiting = want();
  lost.retired = true;
  links.closed(lost);
  assert.deepEqual([dials.length, stateOf()], [2, [1, 1, 1]]);
  opened(1);
  assert.equal(served([waiting]), 1);
  links.closed(lost);
  assert.deepEqual(stateOf(), [0, 1, 1], 'told twice, it is gone once');
});

test('Http2Links closes a connection that has no stream for a while, not one that has', (t) => {
  const { links, opened, stateOf, wantMany, world } = bench(t);
  wantMany(1);
  const connection = opened(0);
  world.advance(timeouts.http2UpstreamIdleMs * 2);
  assert.equal(connection.ended, false);
  connection.over();
  world.advance(timeouts.http2UpstreamIdleMs - 200);
  assert.equal(connection.ended, false);
  connection.open();
  connection.over();
  world.advance(timeouts.http2UpstreamIdleMs - 200);
  assert.equal(connection.ended, false, 'used in between');
  world.advance(500);
  assert.deepEqual([connection.ended, stateOf()], [true, [0, 0, 0]]);
  links.closed(connection);
  assert.deepEqual(stateOf(), [0, 0, 0], 'its link has closed since');
});

test('Http2Links keeps a connection that is in use when its idle time would be over', (t) => {
  const { opened, stateOf, wantMany, world } = bench(t);
  wantMany(1);
  const connection = opened(0);
  connection.over();
  connection.open();
  world.advance(timeouts.http2UpstreamIdleMs * 2);
  assert.deepEqual([connection.ended, stateOf()], [false, [0, 1, 1]]);
});

test('Http2Links closes a connection that came when nobody waited any more', (t) => {
  const { opened, want, world } = bench(t);
  want().place?.leave();
  const connection = opened(0);
  assert.equal(connection.givenUp, false, 'it may be of use to the next');
  world.advance(timeouts.http2UpstreamIdleMs + 300);
  assert.equal(connection.ended, true);
});

test('Http2Links gives up what idles for another dial, and nothing else', (t) => {
  const { idle, links, opened, stateOf, wantMany, world } = bench(t);
  wantMany(1);
  const connection = opened(0);
  assert.equal(links.reclaim(connection), false, 'it has a stream');
  connection.over();
  assert.deepEqual([...idle.keys()], [connection]);
  assert.equal(links.reclaim(connection), true);
  assert.deepEqual([connection.ended, idle.size, stateOf()], [true, 0, [0, 0, 0]]);
  world.advance(timeouts.http2UpstreamIdleMs * 2);
  assert.equal(connection.ended, true, 'and not once more when its time is over');
});

test('Http2Links of a forgotten endpoint closes what idles, and the rest with its last stream', (t) => {
  const { endpoint, links, opened, stateOf, want, wantMany } = bench(t);
  wantMany(101);
  const [busy, idle] = [opened(0), opened(1)];
  idle.over();
  endpoint.references = 0;
  links.forget();
  assert.deepEqual([idle.ended, busy.ended, stateOf()], [true, false, [0, 1, 1]]);
  for (let i = 0; i < 100; i++) busy.over();
  assert.deepEqual([busy.ended, stateOf()], [true, [0, 0, 0]]);
  // An exchange that picked it before is served nevertheless.
  const late = want();
  const last = opened(2);
  assert.equal(served([late]), 1);
  last.over();
  assert.deepEqual([last.ended, stateOf()], [true, [0, 0, 0]]);
});

test('Http2Links of a forgotten endpoint dials for those who wait for it already', (t) => {
  lower(t, { http2LinksPerEndpointMax: 1 });
  const { dials, endpoint, links, opened, want, wantMany } = bench(t);
  wantMany(1);
  const busy = opened(0, 1);
  const waiting = want();
  endpoint.references = 0;
  links.forget();
  assert.equal(dials.length, 2);
  opened(1);
  assert.deepEqual([served([waiting]), busy.ended], [1, false]);
});

test('Http2Links spreads tunnels over as many connections as have room for them', (t) => {
  lower(t, { http2LinksPerEndpointMax: 3 });
  const { dials, links, opened, want, wantMany, wantTunnels } = bench(t);
  const tunnels = (): readonly number[] => dials.map((one) => one.tunnels);
  wantMany(1);
  const first = opened(0, 1_000);
  // It had two, and refused a third.
  first.tunnels = 2;
  first.tunnelsMax = 2;
  assert.equal(links.take(true), undefined);
  assert.equal(dials.length, 1, 'who comes waits for a dial');
  const waiters = wantTunnels(4);
  assert.deepEqual([dials.length, served(waiters)], [3, 0]);
  assert.ok(links.take() !== undefined, 'others have room');
  opened(1, 1_000);
  assert.deepEqual([tunnels(), served(waiters)], [[2, 2, 0], 2]);
  opened(2, 1_000);
  assert.deepEqual([tunnels(), served(waiters)], [[2, 2, 2], 4]);
  // There may be no other connection: one of these may take more after all.
  assert.equal(served(wantTunnels(1)), 1);
  assert.deepEqual([dials.length, served([want()])], [3, 1]);
});

test('Http2Links has one tunnel more where one has ended', (t) => {
  const { dials, links, opened, wantMany } = bench(t);
  wantMany(1);
  const connection = opened(0);
  connection.tunnelsMax = 2;
  connection.tunnels = 2;
  assert.equal(links.take(true), undefined);
  connection.tunnels = 1;
  assert.equal(links.take(true) !== undefined, true);
  assert.equal(dials.length, 1);
});

test('Http2Links hands tunnels on to no connection that has enough while it may dial', (t) => {
  const { dials, opened, wantMany, wantTunnels } = bench(t);
  wantMany(1);
  opened(0, 1_000).tunnelsMax = 1;
  dials[0]!.tunnels = 1;
  const waiters = wantTunnels(1);
  opened(1, 1_000);
  assert.deepEqual([served(waiters), dials[1]?.tunnels], [1, 1]);
  const more = wantTunnels(2);
  assert.deepEqual([dials.length, served(more)], [4, 0]);
  opened(2, 1_000);
  assert.deepEqual([dials.length, served(more), dials[0]?.tunnels], [4, 1, 1]);
});
