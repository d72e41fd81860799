import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { SocketAddress } from '../../base/settings.ts';
import { limits, timeouts } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { ServerSession, ServerSide } from '../session/server-session.ts';
import { MemoryClock } from '../transport/memory-clock.ts';
import type { Link } from '../transport/link.ts';
import { type Passage, Passages } from './passages.ts';

/** Passages whose sessions are nothing but their sides. */
class Bench {
  readonly clock = new MemoryClock();
  /** Addresses that passages were made for, and that were forgotten. */
  readonly made: string[] = [];
  readonly forgotten: string[] = [];
  readonly refused: string[] = [];
  /** Sessions that the listener was told the end of. */
  readonly closed: ServerSession[] = [];
  /** Addresses at which nobody ever served. */
  readonly unserved = new Set<string>();
  /** Times that connections were asked where they were going. */
  asked = 0;
  readonly passages = new Passages({
    wheel: this.clock.wheel,
    make: (to) => this.#make(to),
    refuses: ({ remote }) => (remote === 'self' ? LOOP : undefined),
    refusing: ({ code }) => {
      this.refused.push(code);
      return this.#passage('refusing');
    },
  });
  /** Of each connection that has begun, in order. */
  readonly sides: ServerSide[] = [];

  constructor(t: TestContext) {
    t.after(() => this.clock.wheel.stop());
  }

  #make(to: SocketAddress | undefined): Passage | MeshError {
    if (to === undefined) return LOOP;
    this.made.push(to.host);
    return this.#passage(to.host);
  }

  #passage(name: string): Passage {
    return {
      side: { open: () => assert.fail(name), refused: () => undefined },
      begin: (side) => {
        this.sides.push(side);
        return SESSION;
      },
      forget: () => this.forgotten.push(name),
      worthKeeping: () => !this.unserved.has(name),
    };
  }

  /** A connection to the address; returns how it ends. */
  begin(host: string | undefined, remote = ''): () => void {
    const originalDst = host === undefined ? undefined : { host, port: 80 };
    const asked = (): SocketAddress | undefined => {
      this.asked++;
      return originalDst;
    };
    const peer = {
      remote,
      local: '',
      get originalDst() {
        return asked();
      },
    };
    const link = { peer } as unknown as Link;
    const side: ServerSide = {
      wheel: this.clock.wheel,
      local: true,
      goodbye: () => false,
      open: () => assert.fail('no passage'),
      refused: () => undefined,
      limitHit: () => undefined,
      closed: (session) => void this.closed.push(session),
    };
    this.passages.begin(side, link, () => undefined);
    const begun = this.sides.at(-1)!;
    return () => begun.closed(SESSION);
  }

  wait(ms: number): void {
    this.clock.advance(ms, () => undefined);
  }
}

const LOOP = new MeshError('proxy-loop', 'proxy', 'It is ours.');

const SESSION: ServerSession = {
  idle: true,
  closeIfIdle() {},
  abort() {},
  goodbye() {},
  requestFault() {},
  onOpen() {},
  onBytes() {},
  onEnd() {},
  onSent() {},
  onClose() {},
};

test('Passages makes one passage for all connections to an address', (t) => {
  const bench = new Bench(t);
  const ends = ['10.0.0.1', '10.0.0.2', '10.0.0.1'].map((host) => bench.begin(host));
  assert.deepEqual([bench.made, bench.passages.size], [['10.0.0.1', '10.0.0.2'], 2]);
  for (const end of ends) end();
  assert.equal(bench.closed.length, 3, 'the listener hears of each end');
});

test('Passages forgets an address that has had no connection for as long as destinations', (t) => {
  const bench = new Bench(t);
  const end = bench.begin('10.0.0.1');
  bench.begin('10.0.0.2');
  bench.wait(2 * timeouts.destinationIdleMs);
  assert.deepEqual(bench.forgotten, [], 'both are in use');
  end();
  bench.wait(timeouts.destinationIdleMs - 61_000);
  bench.begin('10.0.0.1')();
  bench.wait(timeouts.destinationIdleMs - 61_000);
  assert.deepEqual(bench.forgotten, [], 'it was used again');
  bench.wait(200_000);
  assert.deepEqual(bench.forgotten, ['10.0.0.1']);
  bench.begin('10.0.0.1');
  assert.deepEqual(bench.made, ['10.0.0.1', '10.0.0.2', '10.0.0.1']);
});

test('Passages makes room by the address unused for longest, and refuses where all are used', (t) => {
  const before = limits.destinationsMax;
  limits.destinationsMax = 2;
  t.after(() => (limits.destinationsMax = before));
  const bench = new Bench(t);
  const [first, second] = [bench.begin('10.0.0.1'), bench.begin('10.0.0.2')];
  second();
  first();
  bench.begin('10.0.0.3');
  assert.deepEqual(bench.forgotten, ['10.0.0.2']);
  const again = bench.begin('10.0.0.1');
  bench.begin('10.0.0.4')();
  assert.deepEqual([bench.refused, bench.passages.size], [['overloaded'], 2]);
  again();
  bench.begin('10.0.0.4');
  assert.deepEqual(bench.forgotten, ['10.0.0.2', '10.0.0.1']);
});

test('Passages keeps nothing of an address at which nobody serves, once it has no connection', (t) => {
  const bench = new Bench(t);
  bench.unserved.add('10.0.0.1');
  const [first, second] = [bench.begin('10.0.0.1'), bench.begin('10.0.0.1')];
  first();
  assert.deepEqual([bench.passages.size, bench.forgotten], [1, []], 'one is still there');
  second();
  assert.deepEqual([bench.passages.size, bench.forgotten], [0, ['10.0.0.1']]);
  bench.begin('10.0.0.2')();
  assert.equal(bench.passages.size, 1);
});

test('Passages asks a connection once where it was going', (t) => {
  const bench = new Bench(t);
  for (const host of ['10.0.0.1', '10.0.0.1', undefined]) bench.begin(host)();
  assert.equal(bench.asked, 3);
});

test('Passages keeps nothing of connections that are refused', (t) => {
  const bench = new Bench(t);
  bench.begin(undefined)();
  bench.begin('10.0.0.1', 'self')();
  assert.deepEqual([bench.refused, bench.passages.size], [['proxy-loop', 'proxy-loop'], 0]);
  assert.equal(bench.closed.length, 2);
});
