import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ExchangeBench, HeardSession } from '../../test/support/exchange-bench.ts';
import { parseHead, requestHead } from '../../test/support/heads.ts';
import { requestOf } from '../../test/support/request-of.ts';
import { Head } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';
import { MemoryClock } from '../transport/memory-clock.ts';
import { Deadline } from './deadline.ts';

/** Two ticks of the wheel. */
const LATE_MS = 200;
const CANCELLED = new MeshError('cancelled', 'downstream', 'went');
const UNPROCESSED = new MeshError('upstream-reset', 'upstream', 'no', 'unprocessed');
const nothing = (): void => undefined;

const call = (timeout: string | undefined, type = 'application/grpc') =>
  requestHead(
    `POST /a.B/C HTTP/1.1\r\nHost: h\r\nContent-Type: ${type}\r\n` +
      `${timeout === undefined ? '' : `grpc-timeout: ${timeout}\r\n`}x: y\r\n\r\n`,
  );

const begin = (timeout: string) => {
  const clock = new MemoryClock();
  const told = { passed: 0 };
  const deadline = new Deadline(clock.wheel, clock.nowUs, () => void told.passed++);
  const head = new Head();
  head.own(call(timeout));
  deadline.begin(head, clock.nowUs());
  return { clock, told, deadline, head };
};

describe('Deadline', () => {
  test('passes never early, and at most two ticks late', () => {
    for (const ms of [1, 99, 100, 101, 250, 1_000, 70_000]) {
      const { clock, told } = begin(`${ms}m`);
      clock.advance(ms - 1, nothing);
      assert.equal(told.passed, 0, `${ms} ms`);
      clock.advance(1 + LATE_MS, nothing);
      assert.equal(told.passed, 1, `${ms} ms`);
    }
  });

  test('does not pass once it is ended, and is used again', () => {
    const { clock, told, deadline } = begin('100m');
    deadline.end();
    clock.advance(1_000, nothing);
    assert.equal(told.passed, 0);
    deadline.begin(call('100m'), clock.nowUs());
    clock.advance(300, nothing);
    assert.equal(told.passed, 1);
    deadline.end();
    deadline.begin(call(undefined), clock.nowUs());
    clock.advance(10_000, nothing);
    assert.equal(told.passed, 1);
  });

  test('passes on what is left, the caller’s own bytes when that is all', () => {
    const { clock, deadline, head } = begin('00002S');
    assert.equal(deadline.passOn(head), true);
    assert.equal(head.value(2), '00002S');
    for (const left of ['1500000u', '1000000u', '500000u']) {
      clock.advance(500, nothing);
      assert.equal(deadline.passOn(head), true);
      assert.equal(head.value(2), left);
    }
    clock.advance(500, nothing);
    assert.equal(deadline.passOn(head), false);
    assert.equal(head.value(3), 'y');
  });

  test('of no time at all lets nobody be asked', () => {
    for (const timeout of ['0S', '0n']) {
      const { deadline, head } = begin(timeout);
      assert.equal(deadline.passOn(head), false, timeout);
    }
  });

  test('is none without a timeout, with a bad one, or where the request is not gRPC', () => {
    const bad = [call(undefined), call('1'), call('1S', 'application/json')];
    for (const head of [...bad, requestOf('POST /a.B/C', 'grpc-timeout: 1S')]) {
      const clock = new MemoryClock();
      const deadline = new Deadline(clock.wheel, clock.nowUs, () => assert.fail('passed'));
      deadline.begin(head, clock.nowUs());
      const before = head.text(0, head.length);
      clock.advance(5_000, nothing);
      assert.equal(deadline.passOn(head), true);
      assert.equal(head.text(0, head.length), before);
      assert.equal(deadline.isUp, false);
      deadline.end();
    }
  });

  test('is up for a caller whose clock began a little before', () => {
    for (const [timeout, atMs, up] of [
      ['1S', 900, false],
      ['1S', 989, false],
      ['1S', 990, true],
      ['1S', 1_000, true],
      ['20m', 17, false],
      ['20m', 18, true],
    ] as const) {
      const { clock, deadline } = begin(timeout);
      clock.advance(atMs, nothing);
      assert.equal(deadline.isUp, up, `${timeout} after ${atMs} ms`);
    }
  });
});

describe('Exchange with a deadline', () => {
  const MS = 500;
  const pass = (bench: ExchangeBench, ms = MS + LATE_MS) => bench.clock.advance(ms, nothing);

  for (const at of ['resolving', 'dialling', 'sent', 'answering'] as const) {
    test(`is answered DEADLINE_EXCEEDED while ${at}, and its upstream cancelled`, () => {
      const bench = new ExchangeBench(1);
      if (at === 'resolving') bench.found = undefined;
      const { downstream, exchange } = bench.open(call(`${MS}m`), 4, 'http2');
      const session = new HeardSession('new', 0, 'http2');
      if (at === 'sent' || at === 'answering') bench.dials[0]?.waiter.dialled(session);
      if (at === 'answering') {
        const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n\r\n';
        session.sink?.responseHead(parseHead('response', head), -1);
      }
      pass(bench, MS - 1);
      assert.equal(bench.ended.length, 0);
      pass(bench, 1 + LATE_MS);
      assert.equal(downstream.calls.at(-1), 'reset deadline-passed never');
      if (at === 'dialling') assert.equal(bench.dials[0]?.left, true);
      if (session.current !== undefined) {
        assert.equal(session.calls.at(-1), 'reset deadline-passed');
      }
      const status = at === 'answering' ? 200 : 504;
      const failed = at === 'answering';
      assert.deepEqual(bench.ended, [{ status, failed, cancelled: false, grpcStatus: 4 }]);
      assert.deepEqual([bench.pending, bench.errors], [0, ['deadline-passed']]);

      // The same object serves another request; nothing of this one may touch it.
      const next = bench.open(call(undefined));
      assert.equal(next.exchange, exchange);
      pass(bench, 10 * MS);
      if (at === 'resolving') bench.tellResolved(bench.destination);
      assert.deepEqual(next.downstream.calls, []);
    });
  }

  test('asks nobody once the time has been spent on the way to a connection', () => {
    const bench = new ExchangeBench(1);
    const { downstream } = bench.open(call('150m'), 0, 'http2');
    // Up, but no tick of the wheel has told so.
    bench.clock.advance(100, nothing);
    bench.clock.advance(50, nothing);
    const session = new HeardSession('late', 0, 'http2');
    bench.dials[0]?.waiter.dialled(session);
    assert.deepEqual(session.calls, []);
    assert.deepEqual(bench.returned, [session]);
    assert.deepEqual(downstream.calls, ['reset deadline-passed never']);
    assert.deepEqual([bench.pending, bench.ended[0]?.grpcStatus], [0, 4]);
  });

  test('tells each attempt what is left', () => {
    const bench = new ExchangeBench(2);
    const { exchange } = bench.open(call('2S'), 0, 'http2');
    exchange.requestEnd();
    const seen: string[] = [];
    const attempt = (i: number): HeardSession => {
      const session = new HeardSession(`${i}`, 0, 'http2');
      const request = session.request.bind(session);
      session.request = (head, body, sink) => {
        seen.push(head.value(2));
        request(head, body, sink);
      };
      bench.clock.advance(300, nothing);
      bench.dials[i]?.waiter.dialled(session);
      return session;
    };
    attempt(0).fail(UNPROCESSED);
    attempt(1);
    assert.deepEqual(seen, ['1700000u', '1400000u']);
  });

  test('ends it no more once the answer is whole, or the caller has left', () => {
    for (const end of ['answered', 'left'] as const) {
      const bench = new ExchangeBench(1);
      bench.idle.push(new HeardSession('idle', 1));
      const [session] = bench.idle;
      const { exchange, downstream } = bench.open(call(`${MS}m`));
      if (end === 'left') exchange.requestReset(CANCELLED);
      else {
        session?.sink?.responseHead(parseHead('response', 'HTTP/1.1 200 OK\r\n\r\n'), 0);
        session?.sink?.responseEnd();
      }
      const heard = [...downstream.calls];
      pass(bench, 10 * MS);
      assert.deepEqual(downstream.calls, heard);
      assert.deepEqual(bench.errors, []);
      assert.equal(bench.ended.length, 1);
    }
  });

  test('a caller that leaves because its time is up has failed, one that leaves earlier has not', () => {
    for (const [atMs, late] of [
      [100, false],
      [495, true],
    ] as const) {
      const bench = new ExchangeBench(1);
      const session = new HeardSession('idle', 1);
      bench.idle.push(session);
      const { exchange } = bench.open(call(`${MS}m`));
      bench.clock.advance(atMs, nothing);
      exchange.requestReset(CANCELLED);
      assert.equal(session.calls.at(-1), 'reset cancelled');
      const [ended] = bench.ended;
      assert.deepEqual([ended?.cancelled, ended?.grpcStatus], late ? [false, 4] : [true, 1]);
      assert.deepEqual(bench.errors, []);
    }
  });

  test('a request that is not gRPC is not ended by a grpc-timeout', () => {
    const bench = new ExchangeBench(1);
    const { downstream } = bench.open(call('1m', 'application/json'));
    pass(bench, 5_000);
    assert.deepEqual(downstream.calls, []);
  });
});
