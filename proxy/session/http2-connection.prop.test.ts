import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Rng } from '../../base/rng.ts';
import { parseHead } from '../../test/support/heads.ts';
import { Http2ServerBench, withLimits } from '../../test/support/http2-sessions.ts';
import {
  data,
  END_STREAM,
  headers,
  padded,
  PADDED,
  postBlock,
  reset,
  SETTING,
  settings,
  windowUpdate,
} from '../../test/support/http2-wire.ts';
import type { StrictRequest } from '../../test/support/strict-sinks.ts';
import { limits } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';

const STREAMS = 6;
const FRAME_BYTES_MAX = 16_384;
const IDLE_MS = 5_000;
const LARGE = 2 ** 29;
const TRAILERS = parseHead('trailers', 'x: 1\r\n\r\n');
const LOST = new MeshError('upstream-reset', 'upstream', 'Gone.');
const UNLIMITED = {
  resetsPerSecondMax: 1e9,
  emptyDataPerSecondMax: 1e9,
  tinyDataPerSecondMax: 1e9,
  settingsPerSecondMax: 1e9,
};

const HAPPENS = {
  open: 2,
  up: 3,
  'up end': 1,
  credit: 2,
  down: 3,
  'down end': 1,
  trailers: 1,
  window: 2,
  'connection window': 1,
  settings: 1,
  cancel: 1,
  fail: 1,
  pause: 1,
  resume: 1,
  steps: 2,
  run: 1,
};
/** Each as often as it is to happen. */
const WHAT = Object.entries(HAPPENS).flatMap(([what, times]) =>
  Array.from({ length: times }, () => what as keyof typeof HAPPENS),
);

/** What may happen next, to the stream `which`. */
const act = fc.record({
  what: fc.constantFrom(...WHAT),
  which: fc.nat(STREAMS - 1),
  size: fc.oneof(fc.nat(40), fc.nat(30_000)),
  padding: fc.oneof(fc.constant(0), fc.nat(255)),
});
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

/** A stream as the test knows it. */
class Model {
  readonly id: number;
  exchange: StrictRequest | undefined = undefined;
  readonly up: string[] = [];
  upEnded = false;
  returned = 0;
  readonly down: string[] = [];
  downBytes = 0;
  headed = false;
  downEnded = false;
  /** Cancelled by the client, or failed: what has arrived is a part. */
  broken = false;

  constructor(id: number) {
    this.id = id;
  }
}

/** A client with streams, and exchanges that answer them, both as they please. */
class Conversation {
  readonly bench: Http2ServerBench;
  /** In the order of their streams. */
  readonly models: Model[] = [];
  readonly #over: Model[] = [];
  #nextId = 1;
  #letters = 0;

  constructor(bench: Http2ServerBench) {
    this.bench = bench;
    bench.onOpen = (exchange) => {
      const model = this.models.find(({ exchange: known }) => known === undefined);
      assert(model !== undefined);
      model.exchange = exchange;
    };
  }

  /** Text that no other piece of data is equal to. */
  #text(size: number): string {
    return `${this.#letters++}.`.repeat(size / 2 + 1).slice(0, size);
  }

  do({ what, which, size, padding }: Act): void {
    const { peer, world } = this.bench;
    if (what === 'open') return this.#open();
    if (what === 'pause') return peer.peer.pause();
    if (what === 'resume') return peer.peer.resume();
    if (what === 'run') return world.run();
    if (what === 'steps') {
      for (let i = 0; i < size % 40; i++) world.transport.step();
      return;
    }
    if (what === 'connection window') return peer.put(windowUpdate(0, size + 1));
    if (what === 'settings') return peer.put(settings([SETTING.INITIAL_WINDOW_SIZE, size]));
    const model = this.models[which];
    if (model === undefined || model.broken) return;
    if (what === 'up') return this.#up(model, size, padding, false);
    if (what === 'up end') return this.#up(model, size % 100, padding, true);
    if (what === 'window') return peer.put(windowUpdate(model.id, size + 1));
    if (what === 'cancel') {
      model.broken = true;
      return peer.put(reset(model.id, 'CANCEL'));
    }
    if (model.exchange === undefined || model.exchange.over) return;
    this.bench.world.clock.turn.run(() => this.#answer(model, what, size));
  }

  #open(): void {
    const kept = this.models.filter((model) => !this.#isOver(model));
    if (kept.length >= STREAMS) return;
    // Those that are over make room.
    const model = new Model(this.#nextId);
    this.#nextId += 2;
    const free = this.models.findIndex((old) => this.#isOver(old));
    if (this.models.length < STREAMS) this.models.push(model);
    else {
      const [over] = this.models.splice(free, 1);
      if (over !== undefined) this.#over.push(over);
      this.models.push(model);
    }
    this.bench.peer.put(headers(model.id, postBlock()));
  }

  #isOver(model: Model): boolean {
    return model.exchange !== undefined && model.exchange.over && model.upEnded && model.downEnded;
  }

  #up(model: Model, size: number, padding: number, end: boolean): void {
    if (model.upEnded || this.bench.peer.stream(model.id).reset !== undefined) return;
    const { peer } = this.bench;
    const credit = Math.min(peer.credit, peer.stream(model.id).credit, FRAME_BYTES_MAX);
    const around = padding === 0 ? 0 : padding + 1;
    const taken = Math.min(size, credit - around);
    if (taken < 0) return;
    const text = this.#text(taken);
    const flags = end ? END_STREAM : 0;
    if (padding === 0) peer.put(data(model.id, text, flags));
    else peer.put(data(model.id, padded(text, padding), flags | PADDED));
    model.up.push(text);
    model.upEnded = end;
  }

  #answer(model: Model, what: Act['what'], size: number): void {
    const exchange = model.exchange!;
    if (what === 'credit') {
      const got = exchange.request.body.reduce((sum, { length }) => sum + length, 0);
      const bytes = Math.min(size, got - model.returned);
      if (bytes > 0) exchange.returnCredit(bytes);
      model.returned += bytes;
      return;
    }
    if (what === 'fail') {
      model.broken = true;
      model.downEnded = true;
      return exchange.reset(LOST);
    }
    if (model.downEnded) return;
    if (!model.headed) exchange.head(parseHead('response', 'HTTP/1.1 200 \r\n\r\n'), -1);
    model.headed = true;
    // As every source does: no more than a window without credit.
    const room = limits.streamWindowBytes - (model.downBytes - exchange.credit);
    if (what === 'down' && room > 0 && size > 0) {
      const text = this.#text(size);
      model.down.push(text);
      model.downBytes += size;
      exchange.data(Buffer.from(text, 'latin1'));
    }
    if (what !== 'down end' && what !== 'trailers') return;
    model.downEnded = true;
    if (what === 'trailers') exchange.trailers(TRAILERS);
    exchange.end();
  }

  /** Everybody finishes what was begun: it must be possible. */
  finish(): void {
    const { bench } = this;
    const { peer, world } = bench;
    peer.peer.resume();
    peer.put(settings([SETTING.INITIAL_WINDOW_SIZE, LARGE]), windowUpdate(0, LARGE));
    world.run();
    for (const model of this.models) {
      if (model.broken) continue;
      this.do({ what: 'credit', which: this.models.indexOf(model), size: 1e9, padding: 0 });
      world.run();
      this.#up(model, 10, 0, true);
      world.run();
      this.do({ what: 'down end', which: this.models.indexOf(model), size: 0, padding: 0 });
      world.run();
    }
    for (const model of [...this.#over, ...this.models]) this.#check(model);
    // Requests that failed were answered; those who sent them still say that they are done.
    for (const { broken, id, upEnded } of this.models) {
      if (broken && !upEnded && peer.stream(id).reset === undefined) peer.send(reset(id, 'CANCEL'));
    }
    assert.deepEqual(bench.limitHits, []);
    assert.deepEqual([bench.session.idle, bench.link.unsentBytes], [true, 0]);
    world.advance(IDLE_MS / 2);
    assert.equal(bench.armed, 1, 'the idle timer only');
    assert.deepEqual(
      peer.take().filter((line) => line.startsWith('GOAWAY')),
      [],
    );
    bench.finish();
  }

  #check({ broken, down, exchange, id, up }: Model): void {
    if (broken) return;
    const { peer } = this.bench;
    assert.equal(exchange?.request.text, up.join(''), `request ${id}`);
    assert.deepEqual([exchange.request.place, exchange.over], ['ended', true], `request ${id}`);
    assert.equal(peer.body(id), down.join(''), `answer ${id}`);
    assert.deepEqual([peer.stream(id).ended, peer.stream(id).reset], [true, undefined], `${id}`);
  }
}

test('an HTTP/2 connection loses, repeats and keeps nothing, whatever happens in which order', async (t) => {
  withLimits(t, UNLIMITED, { streamIdleMs: 1_000, pingAfterMs: 500, headTimeoutMs: 500 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 1, maxLength: 120 }),
      fc.integer({ min: 50, max: 60_000 }),
      fc.integer(),
      async (acts, capacityBytes, seed) => {
        const rng = new Rng(seed);
        const readBytes = (): number => 1 + rng.integer(rng.integer(4) === 0 ? 9 : 20_000);
        const choose = (count: number): number => rng.integer(count);
        const options = { capacityBytes, readBytes, choose };
        const bench = await Http2ServerBench.start([], { ...options, idleMs: IDLE_MS });
        const conversation = new Conversation(bench);
        for (const each of acts) conversation.do(each);
        conversation.finish();
      },
    ),
    { numRuns: 300 },
  );
});
