import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ExchangeBench, HeardSession } from '../../test/support/exchange-bench.ts';
import { parseHead, requestHead } from '../../test/support/heads.ts';
import { withLimits } from '../../test/support/http2-sessions.ts';
import { limits } from '../limits.ts';
import { BODY_LENGTH_UNKNOWN } from '../model/exchange.ts';
import { MeshError } from '../model/mesh-error.ts';

const REFUSED = new MeshError('upstream-refused', 'upstream', 'no', 'unsent');
const LOST = new MeshError('upstream-reset', 'upstream', 'gone', 'if-reused');
const CANCELLED = new MeshError('cancelled', 'downstream', 'went');
const REFUSED_STREAM = 7;
const UNPROCESSED = new MeshError(
  'upstream-reset',
  'upstream',
  'no',
  'unprocessed',
  REFUSED_STREAM,
);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';

const request = (method = 'GET', fields = '') =>
  requestHead(`${method} /a HTTP/1.1\r\nHost: h\r\n${fields}\r\n`);
const bytes = (text: string): [Buffer, number, number] => [Buffer.from(text), 0, text.length];

/** The answer to what `session` was asked. */
function answer(session: HeardSession): void {
  session.sink?.responseHead(parseHead('response', OK), 2);
  session.sink?.responseData(...bytes('ok'));
  session.finish();
}

const ANSWERED = ['head 200 2 Content-Length=2', 'data ok', 'end'];

test('Exchange passes a request and its answer over a dialled connection', () => {
  const bench = new ExchangeBench(1);
  const { exchange, downstream } = bench.open(request('PUT'), 4);
  exchange.requestData(...bytes('ab'));
  const session = new HeardSession('new');
  assert.equal(bench.pending, 1);
  bench.dials[0]?.waiter.dialled(session);
  exchange.requestData(...bytes('cd'));
  exchange.requestEnd();
  assert.deepEqual(session.calls, ['PUT /a 4 h', 'data abcd', 'end']);
  session.sink?.requestCredit(4);
  assert.equal(downstream.credit, 4);
  answer(session);
  assert.deepEqual(downstream.calls, ANSWERED);
  assert.deepEqual(bench.ended, [{ status: 200, failed: false, cancelled: false, grpcStatus: -1 }]);
  assert.deepEqual([bench.pending, bench.free.length, bench.errors], [0, 1, []]);
});

test('Exchange holds body, trailers and end until there is a connection', () => {
  const bench = new ExchangeBench(1);
  bench.found = undefined;
  const { exchange } = bench.open(request('POST'), BODY_LENGTH_UNKNOWN);
  exchange.requestData(...bytes('abcd'));
  exchange.requestTrailers(parseHead('trailers', 'T: 1\r\n\r\n'));
  exchange.requestEnd();
  bench.tellResolved(bench.destination);
  const session = new HeardSession('new');
  bench.dials[0]?.waiter.dialled(session);
  assert.deepEqual(session.calls, ['POST /a -1 h', 'data abcd', 'trailers T=1', 'end']);
});

test('Exchange takes an idle connection rather than to dial', () => {
  const bench = new ExchangeBench(1);
  const session = new HeardSession('idle', 3);
  bench.idle.push(session);
  const { exchange, downstream } = bench.open(request());
  exchange.requestEnd();
  answer(session);
  assert.deepEqual(downstream.calls, ANSWERED);
  assert.equal(bench.dials.length, 0);
});

test('Exchange fails where nothing resolves, no endpoint is ready, or the endpoint is itself', () => {
  const missing = new ExchangeBench(1);
  missing.found = new MeshError('no-such-service', 'proxy', 'none');
  assert.deepEqual(missing.open(request()).downstream.calls, ['reset no-such-service never']);
  assert.equal(missing.ended[0]?.status, 404);

  const empty = new ExchangeBench(0);
  assert.deepEqual(empty.open(request()).downstream.calls, ['reset no-endpoint never']);
  assert.equal(empty.ended[0]?.status, 503);

  const loop = new ExchangeBench(1);
  for (const endpoint of loop.endpoints) endpoint.loops = true;
  assert.deepEqual(loop.open(request()).downstream.calls, ['reset proxy-loop never']);
  assert.equal(loop.ended[0]?.status, 508);
  assert.deepEqual([missing.pending, empty.pending, loop.pending], [0, 0, 0]);
});

test('Exchange tries other endpoints where dials fail, each once and at most three', () => {
  const bench = new ExchangeBench(5);
  const { downstream } = bench.open(request('POST'), 4);
  for (let i = 0; i < 10 && i < bench.dials.length; i++) {
    assert.equal(bench.pending, 1);
    bench.dials[i]?.waiter.dialFailed(REFUSED);
  }
  const tried = bench.dials.map(({ endpoint }) => endpoint.id);
  assert.deepEqual(tried, ['e0', 'e1', 'e2']);
  assert.equal(limits.dialsPerExchangeMax, 3);
  assert.deepEqual(downstream.calls, ['reset upstream-refused unsent']);
  assert.deepEqual(
    [bench.pending, bench.ended[0]?.status, bench.errors],
    [0, 502, ['upstream-refused']],
  );
});

test('Exchange serves from the second endpoint when the first refuses', () => {
  const bench = new ExchangeBench(2);
  const { exchange, downstream } = bench.open(request('POST'), 4);
  exchange.requestData(...bytes('abcd'));
  exchange.requestEnd();
  bench.dials[0]?.waiter.dialFailed(REFUSED);
  const session = new HeardSession('second');
  bench.dials[1]?.waiter.dialled(session);
  assert.deepEqual(session.calls, ['POST /a 4 h', 'data abcd', 'end']);
  answer(session);
  assert.deepEqual(downstream.calls, ANSWERED);
  assert.deepEqual([bench.pending, bench.errors], [0, []]);
});

test('Exchange tries no other endpoint when the only one refuses or the failure is final', () => {
  const one = new ExchangeBench(1);
  one.open(request());
  one.dials[0]?.waiter.dialFailed(REFUSED);
  const final = new ExchangeBench(3);
  final.open(request());
  final.dials[0]?.waiter.dialFailed(new MeshError('overloaded', 'proxy', 'full'));
  assert.deepEqual([one.dials.length, final.dials.length], [1, 1]);
  assert.deepEqual([one.ended[0]?.status, final.ended[0]?.status], [502, 503]);
});

interface Replay {
  readonly name: string;
  readonly method?: string;
  readonly served?: number;
  readonly body?: number;
  readonly error?: MeshError;
  readonly head?: boolean;
  readonly interim?: boolean;
  readonly replayed: boolean;
}

const REPLAYS: readonly Replay[] = [
  { name: 'a GET on a used connection', replayed: true },
  { name: 'a HEAD', method: 'HEAD', replayed: true },
  { name: 'an OPTIONS', method: 'OPTIONS', replayed: true },
  { name: 'a DELETE', method: 'DELETE', replayed: true },
  { name: 'a PUT with a body', method: 'PUT', body: 1000, replayed: true },
  {
    name: 'a PUT with a body of the limit',
    method: 'PUT',
    body: limits.replayBytesMax,
    replayed: true,
  },
  { name: 'a PUT with more', method: 'PUT', body: limits.replayBytesMax + 1, replayed: false },
  { name: 'a POST', method: 'POST', replayed: false },
  { name: 'a PATCH', method: 'PATCH', body: 10, replayed: false },
  { name: 'a method nobody knows', method: 'get', replayed: false },
  { name: 'a GET on a fresh connection', served: 0, replayed: false },
  { name: 'a GET whose failure is final', error: REFUSED, replayed: false },
  { name: 'a GET whose answer has begun', head: true, replayed: false },
  { name: 'a GET after an interim answer', interim: true, replayed: false },
];

for (const {
  name,
  method,
  served = 1,
  body = 0,
  error = LOST,
  head,
  interim,
  replayed,
} of REPLAYS) {
  test(`Exchange ${replayed ? 'replays' : 'does not replay'} ${name}`, () => {
    const bench = new ExchangeBench(1);
    const lost = new HeardSession('lost', served);
    bench.idle.push(lost, new HeardSession('idle', 1));
    bench.idle.pop();
    const { exchange, downstream } = bench.open(request(method), body);
    for (let sent = 0; sent < body; sent += 10_000) {
      const size = Math.min(10_000, body - sent);
      exchange.requestData(...bytes('x'.repeat(size)));
      lost.sink?.requestCredit(size);
    }
    exchange.requestEnd();
    if (interim === true)
      lost.sink?.responseInformational(parseHead('response', 'HTTP/1.1 103 H\r\n\r\n'));
    if (head === true) lost.sink?.responseHead(parseHead('response', OK), 2);
    bench.idle.push(new HeardSession('as dead as the other', 1));
    lost.fail(error);
    assert.equal(bench.dials.length, replayed ? 1 : 0);
    if (replayed) {
      const fresh = new HeardSession('fresh');
      bench.dials[0]?.waiter.dialled(fresh);
      assert.deepEqual(fresh.calls, lost.calls);
      fresh.sink?.requestCredit(body);
      assert.equal(downstream.credit, body, 'credit is returned once');
      answer(fresh);
      assert.deepEqual(downstream.calls, ANSWERED);
    } else assert.match(downstream.calls.at(-1) ?? '', /^reset /);
    assert.deepEqual([bench.pending, bench.ended.length, bench.free.length], [0, 1, 1]);
  });
}

test('Exchange replays once', () => {
  const bench = new ExchangeBench(1);
  const lost = new HeardSession('lost', 1);
  bench.idle.push(lost);
  const { exchange, downstream } = bench.open(request());
  exchange.requestEnd();
  lost.fail(LOST);
  // What was dialled cannot have been used, but may say so.
  const again = new HeardSession('again', 1);
  bench.dials[0]?.waiter.dialled(again);
  again.fail(LOST);
  assert.equal(bench.dials.length, 1);
  assert.deepEqual(downstream.calls, ['reset upstream-reset if-reused']);
  assert.equal(bench.pending, 0);
});

test('Exchange replays at another endpoint than that which lost it', () => {
  const bench = new ExchangeBench(2);
  const lost = new HeardSession('lost', 1);
  bench.idle.push(lost);
  const { exchange } = bench.open(request());
  exchange.requestEnd();
  const first = bench.endpoints.find(({ pending }) => pending > 0);
  lost.fail(LOST);
  assert.equal(bench.dials.length, 1);
  assert.notEqual(bench.dials[0]?.endpoint, first);
});

test('Exchange goes on with a body that comes during its replay', () => {
  const bench = new ExchangeBench(1);
  const lost = new HeardSession('lost', 1);
  bench.idle.push(lost);
  const { exchange, downstream } = bench.open(request('PUT'), 9);
  exchange.requestData(...bytes('abc'));
  lost.sink?.requestCredit(3);
  lost.fail(LOST);
  exchange.requestData(...bytes('def'));
  const fresh = new HeardSession('fresh');
  bench.dials[0]?.waiter.dialled(fresh);
  exchange.requestData(...bytes('ghi'));
  exchange.requestEnd();
  fresh.sink?.requestCredit(9);
  assert.deepEqual(fresh.calls, ['PUT /a 9 h', 'data abcdefghi', 'end']);
  assert.equal(downstream.credit, 9);
});

const CANCEL_AT = ['resolving', 'dialling', 'sent', 'answering', 'answered early'] as const;

for (const at of CANCEL_AT) {
  test(`Exchange is cancelled while ${at}, and what comes late finds nobody`, () => {
    const bench = new ExchangeBench(1);
    if (at === 'resolving') bench.found = undefined;
    const { exchange, downstream } = bench.open(request('POST'), 4);
    const session = new HeardSession('new');
    if (at !== 'resolving' && at !== 'dialling') bench.dials[0]?.waiter.dialled(session);
    if (at === 'answering') session.sink?.responseHead(parseHead('response', OK), 2);
    if (at === 'answered early') {
      session.sink?.responseHead(parseHead('response', OK), 0);
      session.sink?.responseEnd();
    }
    const heard = [...downstream.calls];
    exchange.requestReset(CANCELLED);
    assert.deepEqual([bench.pending, bench.ended.length, bench.free.length], [0, 1, 1]);
    assert.equal(bench.ended[0]?.cancelled, at !== 'answered early');

    // The same object serves another request; nothing late may touch it.
    const next = bench.open(request());
    assert.equal(next.exchange, exchange);
    const dials = bench.dials.length;
    if (at === 'resolving') bench.tellResolved(bench.destination);
    bench.dials[0]?.waiter.dialFailed(REFUSED);
    if (at === 'dialling') {
      bench.dials[0]?.waiter.dialled(session);
      assert.deepEqual(bench.returned, [session]);
    }
    if (at === 'sent' || at === 'answering') assert.equal(session.calls.at(-1), 'reset cancelled');
    assert.deepEqual(downstream.calls, heard);
    if (at !== 'resolving') assert.equal(bench.dials.length, dials);
    if (at !== 'resolving') assert.deepEqual(next.downstream.calls, []);
  });
}

test('Exchange serves the rest of a request after its early answer, then is recycled', () => {
  const bench = new ExchangeBench(1);
  const session = new HeardSession('idle', 1);
  bench.idle.push(session);
  const { exchange, downstream } = bench.open(request('POST'), 4);
  session.sink?.responseHead(parseHead('response', OK), 0);
  session.sink?.responseEnd();
  assert.deepEqual([bench.pending, bench.ended.length, bench.free.length], [0, 1, 0]);
  exchange.requestData(...bytes('abcd'));
  session.sink?.requestCredit(4);
  exchange.requestEnd();
  assert.deepEqual(session.calls, ['POST /a 4 h', 'data abcd', 'end']);
  assert.deepEqual([downstream.credit, bench.free.length], [4, 1]);
});

test('Exchange passes on that a request is unwanted, and is over', () => {
  const bench = new ExchangeBench(1);
  const session = new HeardSession('idle', 1);
  bench.idle.push(session);
  const { downstream } = bench.open(request('POST'), 4);
  session.sink?.responseHead(parseHead('response', OK), 0);
  session.sink?.responseEnd();
  session.sink?.requestUnwanted();
  assert.equal(downstream.calls.at(-1), 'unwanted');
  assert.deepEqual([bench.ended.length, bench.free.length], [1, 1]);
});

test('Exchange passes interim answers, trailers and credit, and reads the gRPC status', () => {
  for (const [trailer, status] of [
    ['3', 3],
    ['0', 0],
    ['x', 2],
    ['123', 2],
  ] as const) {
    const bench = new ExchangeBench(1);
    const session = new HeardSession('idle', 1);
    bench.idle.push(session);
    const { exchange, downstream } = bench.open(
      request('POST', 'Content-Type: application/grpc\r\n'),
    );
    exchange.requestEnd();
    session.sink?.responseInformational(parseHead('response', 'HTTP/1.1 103 H\r\n\r\n'));
    session.sink?.responseHead(
      parseHead('response', 'HTTP/1.1 200 OK\r\n\r\n'),
      BODY_LENGTH_UNKNOWN,
    );
    session.sink?.responseData(...bytes('x'));
    exchange.responseCredit(1);
    session.sink?.responseTrailers(parseHead('trailers', `Grpc-Status: ${trailer}\r\n\r\n`));
    session.finish();
    const calls = [
      'interim 103',
      'head 200 -1 ',
      'data x',
      `trailers Grpc-Status=${trailer}`,
      'end',
    ];
    assert.deepEqual(downstream.calls, calls);
    assert.equal(session.credit, 1);
    assert.equal(bench.ended[0]?.grpcStatus, status);
  }
});

test('Exchange answers gRPC callers with a gRPC status where it fails', () => {
  const bench = new ExchangeBench(0);
  bench.open(request('POST', 'Content-Type: application/grpc+proto\r\n'));
  assert.equal(bench.ended[0]?.grpcStatus, 14);
});

const resetWith = (code: number): MeshError =>
  new MeshError('upstream-reset', 'upstream', 'reset', 'never', code);

test('Exchange counts a gRPC answer that is lost under what its caller is told', () => {
  for (const [protocol, error, status] of [
    ['http2', LOST, 14],
    ['http1', LOST, 14],
    ['http2', resetWith(8), 1],
    ['http2', resetWith(2), 13],
    ['http1', resetWith(8), 14],
  ] as const) {
    for (const begun of [true, false]) {
      const bench = new ExchangeBench(1);
      const session = new HeardSession('idle', 1);
      bench.idle.push(session);
      const { exchange } = bench.open(
        request('POST', 'Content-Type: application/grpc\r\n'),
        0,
        protocol,
      );
      exchange.requestEnd();
      const head = 'HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\n\r\n';
      if (begun) session.sink?.responseHead(parseHead('response', head), BODY_LENGTH_UNKNOWN);
      session.fail(error);
      assert.deepEqual(bench.ended, [
        { status: begun ? 200 : 502, failed: begun, cancelled: false, grpcStatus: status },
      ]);
    }
  }
});

test('Exchange counts a lost answer as failed with the status that left', () => {
  const bench = new ExchangeBench(1);
  const session = new HeardSession('idle', 1);
  bench.idle.push(session);
  const { exchange, downstream } = bench.open(request());
  exchange.requestEnd();
  session.sink?.responseHead(parseHead('response', OK), 2);
  session.fail(LOST);
  assert.equal(downstream.calls.at(-1), 'reset upstream-reset if-reused');
  assert.deepEqual(bench.ended, [{ status: 200, failed: true, cancelled: false, grpcStatus: -1 }]);
});

test('Exchange that is answered ends once, though its upstream fails with the rest of the request', () => {
  const bench = new ExchangeBench(1);
  const session = new HeardSession('idle');
  bench.idle.push(session);
  const { downstream } = bench.open(request('POST'), 4);
  const { sink } = session;
  sink?.responseHead(parseHead('response', OK), 2);
  sink?.responseData(...bytes('ok'));
  sink?.responseEnd();
  sink?.responseReset(new MeshError('deadline-passed', 'upstream', 'slow'));
  assert.deepEqual(downstream.calls, [...ANSWERED, 'unwanted']);
  assert.deepEqual(bench.ended, [{ status: 200, failed: false, cancelled: false, grpcStatus: -1 }]);
  assert.deepEqual([bench.pending, bench.free.length, bench.errors], [0, 1, []]);
});

test('Exchange counts as failed only an answer that is cut, not one of the proxy', () => {
  const missing = new ExchangeBench(1);
  missing.found = new MeshError('no-such-service', 'proxy', 'none');
  missing.open(request());
  const malformed = new ExchangeBench(1);
  malformed
    .open(request('POST'), 4)
    .exchange.requestReset(new MeshError('malformed-request', 'downstream', 'bad chunk'));
  assert.deepEqual(
    [...missing.ended, ...malformed.ended].map(({ status, failed }) => [status, failed]),
    [
      [404, false],
      [400, false],
    ],
  );
  assert.deepEqual(malformed.errors, ['malformed-request']);
});

test('Exchange goes on as it came where nobody says what the endpoint speaks', () => {
  for (const hint of [undefined, 'http1', 'http2'] as const) {
    for (const came of ['http1', 'http2'] as const) {
      const bench = new ExchangeBench(1);
      for (const endpoint of bench.endpoints) endpoint.protocol = hint;
      bench.open(request(), 0, came);
      assert.equal(bench.dials[0]?.protocol, hint ?? came);
    }
  }
});

test('Exchange sends again what nobody processed, whatever its method, elsewhere first', () => {
  const bench = new ExchangeBench(2);
  const { exchange, downstream } = bench.open(request('POST'), 4, 'http2');
  exchange.requestData(...bytes('ab'));
  const first = new HeardSession('first', 0, 'http2');
  bench.dials[0]?.waiter.dialled(first);
  exchange.requestData(...bytes('cd'));
  exchange.requestTrailers(parseHead('trailers', 'T: 1\r\n\r\n'));
  exchange.requestEnd();
  first.sink?.requestCredit(4);
  const sent = [...first.calls];
  first.fail(UNPROCESSED);
  const tried = bench.dials.map(({ endpoint }) => endpoint.id);
  assert.deepEqual([tried, bench.pending, downstream.calls], [['e0', 'e1'], 1, []]);
  const second = new HeardSession('second', 0, 'http2');
  bench.dials[1]?.waiter.dialled(second);
  assert.deepEqual(second.calls, sent);
  second.sink?.requestCredit(4);
  assert.equal(downstream.credit, 4, 'credit is returned once');
  answer(second);
  assert.deepEqual(downstream.calls, ANSWERED);
  assert.deepEqual([bench.pending, bench.ended.length, bench.errors], [0, 1, []]);
  assert.deepEqual(
    bench.dials.map(({ left }) => left),
    [false, false],
    'who was served leaves no queue',
  );
});

test('Exchange asks the only endpoint again that did not process a request, three times in all', () => {
  const bench = new ExchangeBench(1);
  const { exchange, downstream } = bench.open(request('POST'), 0, 'http2');
  exchange.requestEnd();
  for (let i = 0; i < 10 && i < bench.dials.length; i++) {
    const session = new HeardSession(`${i}`, 0, 'http2');
    bench.dials[i]?.waiter.dialled(session);
    session.fail(UNPROCESSED);
  }
  assert.equal(bench.dials.length, limits.dialsPerExchangeMax);
  assert.deepEqual(downstream.calls, ['reset upstream-reset unprocessed']);
  assert.deepEqual([bench.pending, bench.errors], [0, ['upstream-reset']]);
});

test('Exchange counts dials that fail and requests that nobody processed together', () => {
  const bench = new ExchangeBench(5);
  bench.open(request('POST'), 0, 'http2');
  const session = new HeardSession('refuses', 0, 'http2');
  bench.dials[0]?.waiter.dialled(session);
  session.fail(UNPROCESSED);
  bench.dials[1]?.waiter.dialFailed(REFUSED);
  bench.dials[2]?.waiter.dialFailed(REFUSED);
  assert.deepEqual([bench.dials.length, bench.ended[0]?.status], [3, 502]);
});

for (const [name, prepare] of [
  [
    'whose body is longer than what is held',
    ({ exchange }) => {
      exchange.requestData(...bytes('x'.repeat(limits.replayBytesMax)));
      exchange.requestData(...bytes('x'));
    },
  ],
  [
    'that was answered by an interim response',
    (_, { sink }) => sink?.responseInformational(parseHead('response', 'HTTP/1.1 103 H\r\n\r\n')),
  ],
  ['whose answer has begun', (_, { sink }) => sink?.responseHead(parseHead('response', OK), 2)],
] as const satisfies readonly [
  string,
  (opened: ReturnType<ExchangeBench['open']>, session: HeardSession) => void,
][]) {
  test(`Exchange does not send a request again ${name}`, () => {
    const bench = new ExchangeBench(2);
    const opened = bench.open(request('POST'), BODY_LENGTH_UNKNOWN, 'http2');
    const session = new HeardSession('only', 0, 'http2');
    bench.dials[0]?.waiter.dialled(session);
    prepare(opened, session);
    session.fail(UNPROCESSED);
    assert.equal(bench.dials.length, 1);
    assert.equal(opened.downstream.calls.at(-1), 'reset upstream-reset unprocessed');
  });
}

test('Exchange keeps no longer body for another try than replayBytesMax, however it came', async (t) => {
  const early = limits.streamWindowBytes + limits.readBytes - 1;
  const cases = { 'more than the default': [64 * 1024, early], 'a byte of 0': [0, 1] } as const;
  for (const [name, [replayBytesMax, length]] of Object.entries(cases)) {
    await t.test(name, (each) => {
      withLimits(each, { replayBytesMax });
      const bench = new ExchangeBench(2);
      const { exchange, downstream } = bench.open(request('PUT'), BODY_LENGTH_UNKNOWN, 'http2');
      // Before there is a stream: its credit is kept back until it has left.
      exchange.requestData(Buffer.alloc(length), 0, length);
      const first = new HeardSession('first', 0, 'http2');
      bench.dials[0]?.waiter.dialled(first);
      first.sink?.requestCredit(length);
      assert.equal(first.current?.dataBytes, length);
      first.fail(UNPROCESSED);
      assert.deepEqual(downstream.calls, ['reset upstream-reset unprocessed']);
      assert.deepEqual([bench.dials.length, bench.pending], [1, 0]);
    });
  }
});

test('Exchange replays on another HTTP/2 connection what was lost with a used one, once', () => {
  const bench = new ExchangeBench(1);
  const lost = new HeardSession('lost', 1, 'http2');
  bench.idle.push(lost);
  const { exchange, downstream } = bench.open(request('PUT'), 2, 'http2');
  exchange.requestData(...bytes('ab'));
  exchange.requestEnd();
  lost.fail(LOST);
  const next = new HeardSession('next', 1, 'http2');
  bench.dials[0]?.waiter.dialled(next);
  assert.deepEqual(next.calls, lost.calls);
  next.fail(LOST);
  assert.deepEqual(downstream.calls, ['reset upstream-reset if-reused']);
});

test('Exchange that is cancelled leaves the queue for a stream', () => {
  const bench = new ExchangeBench(1);
  const { exchange } = bench.open(request(), 0, 'http2');
  assert.equal(bench.dials[0]?.left, false);
  exchange.requestReset(CANCELLED);
  assert.deepEqual([bench.dials[0]?.left, bench.pending, bench.free.length], [true, 0, 1]);
});

test('Exchange leaves the queue that it came to from a dial that failed at once', () => {
  const bench = new ExchangeBench(2);
  bench.refusal = ({ id }) => (id === 'e0' ? REFUSED : undefined);
  const { exchange } = bench.open(request(), 0, 'http2');
  exchange.requestReset(CANCELLED);
  assert.deepEqual(
    bench.dials.map(({ endpoint, left }) => [endpoint.id, left]),
    [
      ['e0', false],
      ['e1', true],
    ],
  );
});

test('Exchange tells each dial that its client may be gone, and the next request no more', () => {
  const bench = new ExchangeBench(2);
  const { exchange } = bench.open(request(), 0, 'http2');
  exchange.requestEnd();
  exchange.clientEnded();
  assert.equal(bench.dials[0]?.hurried, true);
  bench.dials[0]?.waiter.dialFailed(REFUSED);
  assert.equal(bench.dials[1]?.hurried, true);
  exchange.requestReset(CANCELLED);
  bench.open(request(), 0, 'http2');
  assert.deepEqual([bench.dials[2]?.hurried, new Set(bench.free).size], [false, 0]);
});

test('Exchange has all its tries for each request', () => {
  const bench = new ExchangeBench(5);
  bench.refusal = () => REFUSED;
  for (let i = 1; i <= 3; i++) {
    bench.open(request(), 0, 'http2');
    assert.equal(bench.dials.length, i * limits.dialsPerExchangeMax);
  }
  assert.equal(new Set(bench.free).size, 1, 'it was the same object');
});

test('Exchange sends nothing of the next request on a stream that fails at its head', () => {
  const bench = new ExchangeBench(1);
  class Refusing extends HeardSession {
    override request(...args: Parameters<HeardSession['request']>): void {
      super.request(...args);
      this.fail(LOST);
    }
  }
  const { exchange, downstream } = bench.open(request('POST'), 4, 'http2');
  exchange.requestData(...bytes('abcd'));
  exchange.requestEnd();
  const refusing = new Refusing('refusing', 0, 'http2');
  bench.dials[0]?.waiter.dialled(refusing);
  assert.deepEqual(refusing.calls, ['POST /a 4 h']);
  assert.deepEqual(downstream.calls, ['reset upstream-reset if-reused']);
  assert.deepEqual([bench.pending, bench.free.length], [0, 1]);
});
