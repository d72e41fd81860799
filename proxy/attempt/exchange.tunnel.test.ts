/** An exchange that becomes a tunnel: when it counts as answered, and what ends it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExchangeBench, HeardSession } from '../../test/support/exchange-bench.ts';
import { checkedHead, grantHead, parseHead } from '../../test/support/heads.ts';
import { withLimits } from '../../test/support/http2-sessions.ts';
import { BODY_TUNNEL } from '../model/exchange.ts';
import { TUNNEL_CONNECT, TUNNEL_UPGRADE } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';

const UPGRADE = checkedHead(
  'GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
);
const CONNECT = checkedHead('CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n');
const SWITCHING = 'HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
const LOST = new MeshError('upstream-reset', 'upstream', 'gone', 'if-reused');
const CANCELLED = new MeshError('cancelled', 'downstream', 'went');
const DATA = Buffer.from('data');
const ANSWERED = { status: 101, failed: false, cancelled: false, grpcStatus: -1 };
const nothing = (): void => undefined;

/** An upgrade that was granted. */
function tunnel() {
  const bench = new ExchangeBench(1);
  const session = new HeardSession('new');
  const { exchange, downstream } = bench.open(UPGRADE);
  exchange.requestEnd();
  bench.dials[0]?.waiter.dialled(session);
  const { sink } = session;
  assert(sink !== undefined);
  sink.responseHead(grantHead(SWITCHING, TUNNEL_UPGRADE), BODY_TUNNEL);
  return { bench, downstream, exchange, session, sink };
}

test('Exchange of a tunnel is answered by its head, and under way until it is over', () => {
  const { bench, downstream, exchange, session, sink } = tunnel();
  assert.deepEqual([bench.ended, bench.pending], [[ANSWERED], 1]);
  exchange.requestData(DATA, 0, 4);
  sink.responseData(DATA, 0, 4);
  sink.responseEnd();
  exchange.requestData(DATA, 0, 4);
  exchange.requestEnd();
  assert.deepEqual(session.calls, ['GET /a 0 h', 'end', 'data datadata', 'end']);
  assert.deepEqual(downstream.calls.slice(1), ['data data', 'end']);
  assert.deepEqual([bench.ended, bench.pending, bench.free.length], [[ANSWERED], 0, 1]);
});

test('Exchange of a tunnel is over with the second half that ends, in either order', () => {
  const { bench, exchange, sink } = tunnel();
  exchange.requestEnd();
  assert.equal(bench.free.length, 0);
  sink.responseEnd();
  assert.deepEqual([bench.free.length, bench.ended.length, bench.pending], [1, 1, 0]);
  // The same object serves another request, whose end is its own.
  const next = bench.open(checkedHead('GET /b HTTP/1.1\r\nHost: h\r\n\r\n'));
  assert.equal(next.exchange, exchange);
  next.exchange.requestReset(CANCELLED);
  assert.equal(bench.ended.length, 2);
});

test('Exchange passes resets of a tunnel on, which are no errors of the proxy', () => {
  const lost = tunnel();
  lost.sink.responseReset(LOST);
  assert.equal(lost.downstream.calls.at(-1), 'reset upstream-reset if-reused');
  assert.deepEqual([lost.bench.errors, lost.bench.ended.length], [[], 1]);
  assert.deepEqual([lost.bench.pending, lost.bench.dials.length], [0, 1], 'nor replayed');
  const left = tunnel();
  left.exchange.requestReset(CANCELLED);
  assert.equal(left.session.calls.at(-1), 'reset cancelled');
  assert.deepEqual([left.bench.errors, left.bench.ended.length, left.bench.pending], [[], 1, 0]);
});

test('Exchange counts the end of a drain as a failure of what it owes an answer, and no tunnel', () => {
  const drained = new MeshError('past-drain', 'proxy', 'over');
  const { bench, exchange, session } = tunnel();
  exchange.requestReset(drained);
  assert.deepEqual([session.calls.at(-1), bench.errors], ['reset past-drain', []]);
  assert.deepEqual([bench.ended, bench.free.length], [[ANSWERED], 1]);
  const next = bench.open(UPGRADE);
  next.exchange.requestReset(drained);
  assert.deepEqual([bench.errors, bench.ended.length], [['past-drain'], 2]);
});

test('Exchange tells the downstream that nobody takes the rest of a tunnel', () => {
  const { bench, downstream, sink } = tunnel();
  sink.responseEnd();
  sink.responseReset(LOST);
  assert.deepEqual(downstream.calls.slice(1), ['end', 'unwanted']);
  assert.equal(bench.free.length, 1);
});

test('Exchange ends a half-closed tunnel in which nothing moves, both ways', (t) => {
  withLimits(t, {}, { halfCloseMs: 1_000 });
  for (const first of ['request', 'response'] as const) {
    const { bench, downstream, exchange, session, sink } = tunnel();
    bench.clock.advance(10_000, nothing);
    if (first === 'request') exchange.requestEnd();
    else sink.responseEnd();
    bench.clock.advance(700, nothing);
    if (first === 'request') sink.responseData(DATA, 0, 4);
    else exchange.requestData(DATA, 0, 4);
    bench.clock.advance(700, nothing);
    assert.equal(bench.free.length, 0, 'something moved');
    bench.clock.advance(1_500, nothing);
    assert.equal(bench.free.length, 1);
    assert.equal(session.calls.at(-1), 'reset deadline-passed');
    const last = first === 'request' ? 'reset deadline-passed never' : 'unwanted';
    assert.equal(downstream.calls.at(-1), last);
    assert.deepEqual(bench.errors, ['deadline-passed']);
  }
});

test('Exchange ends a silent tunnel only where that is asked for', (t) => {
  const silent = tunnel();
  silent.bench.clock.advance(100_000_000, nothing);
  assert.equal(silent.bench.free.length, 0);
  withLimits(t, {}, { tunnelIdleMs: 1_000 });
  const { bench, downstream } = tunnel();
  bench.clock.advance(2_500, nothing);
  assert.equal(downstream.calls.at(-1), 'reset deadline-passed never');
  assert.equal(bench.free.length, 1);
});

test('Exchange asks for an upgrade on a connection of its own, and once', () => {
  const bench = new ExchangeBench(2);
  bench.idle.push(new HeardSession('idle', 3));
  const { downstream, exchange } = bench.open(UPGRADE);
  exchange.requestEnd();
  assert.deepEqual([bench.idle.length, bench.dials.length], [1, 1]);
  const session = new HeardSession('used', 3);
  bench.dials[0]?.waiter.dialled(session);
  session.fail(LOST);
  assert.equal(downstream.calls.at(-1), 'reset upstream-reset if-reused');
  assert.equal(bench.dials.length, 1);
});

test('Exchange asks for an upgrade on a stream of any HTTP/2 connection', () => {
  const bench = new ExchangeBench(1);
  const session = new HeardSession('open', 3, 'http2');
  bench.idle.push(session);
  bench.open(UPGRADE, 0, 'http2');
  assert.deepEqual([session.calls, bench.dials.length], [['GET /a 0 h'], 0]);
});

test('Exchange dials a raw connection for CONNECT where that is the proxy’s to serve', () => {
  for (const connects of [true, false]) {
    const bench = new ExchangeBench(1);
    bench.connects = connects;
    const { downstream, exchange } = bench.open(CONNECT);
    exchange.requestEnd();
    assert.deepEqual(
      bench.dials.map(({ protocol }) => protocol),
      [connects ? 'opaque' : 'http1'],
    );
    const session = new HeardSession('new');
    bench.dials[0]?.waiter.dialled(session);
    assert.deepEqual(session.calls, ['CONNECT web:80 0 web:80', 'end']);
    session.sink?.responseHead(grantHead('HTTP/1.1 200 OK\r\n\r\n', TUNNEL_CONNECT), BODY_TUNNEL);
    assert.deepEqual(downstream.calls, ['head 200 -2 ']);
    assert.equal(bench.ended[0]?.status, 200);
  }
});

test('Exchange takes an upgrade that is answered otherwise for an ordinary one', () => {
  const bench = new ExchangeBench(1);
  const session = new HeardSession('new');
  const { downstream, exchange } = bench.open(UPGRADE);
  exchange.requestEnd();
  bench.dials[0]?.waiter.dialled(session);
  session.sink?.responseHead(parseHead('response', 'HTTP/1.1 200 OK\r\n\r\n'), 0);
  assert.equal(bench.ended.length, 0);
  session.finish();
  assert.deepEqual(downstream.calls, ['head 200 0 ', 'end']);
  assert.deepEqual([bench.ended.length, bench.free.length, bench.pending], [1, 1, 0]);
});
