import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ExchangeBench, HeardSession } from '../../test/support/exchange-bench.ts';
import { parseHead, requestHead } from '../../test/support/heads.ts';
import type { HeardResponse } from '../../test/support/sinks.ts';
import type { Exchange } from './exchange.ts';
import { MeshError } from '../model/mesh-error.ts';

const REFUSED = new MeshError('upstream-refused', 'upstream', 'no', 'unsent');
const LOST = new MeshError('upstream-reset', 'upstream', 'gone', 'if-reused');
const UNPROCESSED = new MeshError('upstream-reset', 'upstream', 'refused', 'unprocessed');
const CANCELLED = new MeshError('cancelled', 'downstream', 'went');
const HEAD = parseHead('response', 'HTTP/1.1 200 OK\r\n\r\n');
const DATA = Buffer.from('data');

/** A downstream's view of one request: what it may still do. */
interface Asked {
  readonly exchange: Exchange;
  readonly downstream: HeardResponse;
  ended: boolean;
  left: boolean;
}

/** The downstream hears of no more than one end, and nothing behind it but "unwanted". */
function checkOrder({ calls }: HeardResponse): void {
  const end = calls.findIndex((call) => call === 'end' || call.startsWith('reset'));
  if (end === -1) return;
  assert(
    calls.slice(end + 1).every((call) => call === 'unwanted'),
    calls.join(),
  );
}

const isOver = ({ downstream, ended, left }: Asked): boolean => {
  const last = downstream.calls.at(-1) ?? '';
  return left || last.startsWith('reset') || last === 'unwanted' || (last === 'end' && ended);
};

/** What can happen, as a bench whose peers act at random but by the rules. */
class Scene {
  readonly bench = new ExchangeBench(3);
  readonly asked: Asked[] = [];
  readonly sessions: HeardSession[] = [];
  #dialled = 0;

  step(what: number, which: number): void {
    const asked = this.asked.filter((each) => !isOver(each));
    const one = asked[which % Math.max(1, asked.length)];
    const busy = this.sessions.filter(({ sink }) => sink !== undefined);
    const session = busy[which % Math.max(1, busy.length)];
    if (what < 3) this.#ask(what);
    else if (what < 6) this.#dial(what);
    else if (what < 9 && one !== undefined) this.#downstream(one, what);
    else if (session !== undefined) this.#upstream(session, what);
  }

  #ask(what: number): void {
    const method = what === 0 ? 'POST' : 'PUT';
    const head = requestHead(`${method} / HTTP/1.1\r\nHost: h\r\n\r\n`);
    this.bench.found = what === 2 ? undefined : this.bench.destination;
    const opened = this.bench.open(head, -1, this.asked.length % 2 === 0 ? 'http1' : 'http2');
    this.asked.push({ ...opened, ended: false, left: false });
    if (what === 2) this.bench.tellResolved(this.bench.destination);
  }

  #dial(what: number): void {
    const dial = this.bench.dials[this.#dialled];
    if (dial === undefined) return;
    this.#dialled++;
    // Who left a queue hears nothing more.
    if (dial.left) return;
    if (what === 3) return dial.waiter.dialFailed(REFUSED);
    const session = new HeardSession('', what - 4, dial.protocol);
    this.sessions.push(session);
    dial.waiter.dialled(session);
  }

  #downstream(one: Asked, what: number): void {
    if (what === 6 && !one.ended) one.exchange.requestData(DATA, 0, 4);
    else if (what === 7 && !one.ended) {
      one.ended = true;
      one.exchange.requestEnd();
    } else if (what === 8) {
      one.left = true;
      one.exchange.requestReset(CANCELLED);
    }
  }

  #upstream(session: HeardSession, what: number): void {
    const { sink } = session;
    const sent = session.calls.at(-1) === 'end';
    if (what === 9) session.fail(LOST);
    else if (what === 10 && sent) {
      sink?.responseHead(HEAD, 0);
      session.finish();
      this.bench.idle.push(session);
    } else if (what === 11) {
      sink?.responseHead(HEAD, 0);
      sink?.responseEnd();
      session.sink = undefined;
      if (!sent) sink?.requestUnwanted();
    } else if (what === 12) session.fail(UNPROCESSED);
  }

  /** Everybody goes away; every dial is answered. */
  finish(): void {
    for (const one of this.asked) {
      if (isOver(one)) continue;
      one.left = true;
      one.exchange.requestReset(CANCELLED);
    }
    while (this.#dialled < this.bench.dials.length) this.#dial(4);
  }
}

test('exchanges end once each, leave nothing pending and disturb no other, in any order', () => {
  const steps = fc.array(fc.tuple(fc.nat(12), fc.nat(7)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (actions) => {
      const scene = new Scene();
      for (const [what, which] of actions) scene.step(what, which);
      scene.finish();
      const { bench, asked } = scene;
      for (const { downstream } of asked) checkOrder(downstream);
      assert.equal(bench.begun, asked.length);
      assert.equal(bench.ended.length, asked.length);
      assert.equal(bench.ended.filter(({ cancelled }) => cancelled).length <= asked.length, true);
      for (const { pending } of bench.endpoints) assert.equal(pending, 0);
      // Each object is free once: what is recycled twice would serve two requests.
      assert.equal(new Set(bench.free).size, bench.free.length);
      assert.equal(new Set(asked.map(({ exchange }) => exchange)).size, bench.free.length);
    }),
    { numRuns: 500 },
  );
});

/** What an upstream has seen of a body. */
const bodyOf = (session: HeardSession): string =>
  session.calls.find((call) => call.startsWith('data '))?.slice('data '.length) ?? '';

type Step = readonly ['data' | 'dialled' | 'credit' | 'refused' | 'end', number];

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom('data', 'data', 'dialled', 'credit', 'refused', 'end'),
  fc.integer({ min: 1, max: 3000 }),
);

test('a request that nobody processed reaches who does: nothing lost, nothing twice', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const bench = new ExchangeBench(2);
      const post = requestHead('POST / HTTP/1.1\r\nHost: h\r\n\r\n');
      const { exchange, downstream } = bench.open(post, -1, 'http2');
      const sessions: HeardSession[] = [];
      let body = '';
      let ended = false;
      let refused = 0;
      /** Credit the current attempt has given. */
      let given = 0;
      const dialled = (): void => {
        const dial = bench.dials[sessions.length];
        if (dial === undefined) return;
        const session = new HeardSession(`${sessions.length}`, 0, 'http2');
        sessions.push(session);
        given = 0;
        dial.waiter.dialled(session);
      };
      const credit = (most: number): void => {
        const { current, sink } = sessions.at(-1) ?? {};
        const bytes = Math.min(most, (current?.dataBytes ?? 0) - given);
        if (sink === undefined || bytes <= 0) return;
        given += bytes;
        sink.requestCredit(bytes);
      };
      const end = (): void => {
        if (!ended) exchange.requestEnd();
        ended = true;
      };
      for (const [what, size] of steps) {
        if (what === 'data' && !ended) {
          const more = Array.from({ length: size }, (_, i) => (body.length + i) % 10).join('');
          body += more;
          exchange.requestData(Buffer.from(more), 0, size);
        } else if (what === 'dialled') dialled();
        else if (what === 'credit') credit(size);
        else if (what === 'refused' && refused < 2) {
          const session = sessions.at(-1);
          if (session?.sink !== undefined) refused++;
          session?.fail(UNPROCESSED);
        } else if (what === 'end') end();
        assert.ok(downstream.credit <= body.length);
        for (const session of sessions) assert.ok(body.startsWith(bodyOf(session)));
      }
      end();
      dialled();
      credit(body.length);
      const last = sessions.at(-1);
      assert.equal(bodyOf(last!), body);
      assert.equal(last?.calls.at(-1), 'end');
      assert.equal(downstream.credit, body.length);
      last?.sink?.responseHead(HEAD, 0);
      last?.finish();
      assert.equal(downstream.calls.at(-1), 'end');
      assert.deepEqual([bench.pending, bench.free.length, bench.ended.length], [0, 1, 1]);
    }),
    { numRuns: 500 },
  );
});
