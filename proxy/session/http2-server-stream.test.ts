import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../test/support/heads.ts';
import { Http2ServerBench, type SettingPair } from '../../test/support/http2-sessions.ts';
import {
  block,
  data,
  END_STREAM,
  getBlock,
  headers,
  lastHeaders,
  postBlock,
  requestBlock,
  reset,
  SETTING,
  windowUpdate,
} from '../../test/support/http2-wire.ts';
import type { StrictRequest } from '../../test/support/strict-sinks.ts';
import { MeshError } from '../model/mesh-error.ts';

const NARROW: SettingPair = [SETTING.INITIAL_WINDOW_SIZE, 0];
const LOST = new MeshError('upstream-reset', 'upstream', '10.0.0.1:80 went away.');
const GRPC = 'HTTP/1.1 200 \r\ncontent-type: application/grpc+proto\r\n\r\n';
const GRPC_REQUEST = postBlock(['content-type', 'application/grpc'], ['te', 'trailers']);

test('a request reaches its exchange with body, trailers and end', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(
    headers(1, postBlock(['content-length', '4'])),
    data(1, 'ab'),
    data(1, 'cd'),
    lastHeaders(1, block(['x-sum', '1'])),
  );
  assert.deepEqual(bench.last.calls, ['POST / 4', 'data abcd', 'trailers x-sum=1', 'end']);
  bench.answer(bench.last);
  assert.deepEqual(bench.peer.takeMain(), ['HEADERS 1 :status=200', 'DATA 1 ok end']);
  bench.finish();
});

test('a request of a length that announces trailers is of no length to others', async () => {
  const bench = await Http2ServerBench.start();
  const fields = postBlock(['content-length', '4'], ['trailer', 'x-sum']);
  bench.peer.send(headers(1, fields), data(1, 'abcd'), lastHeaders(1, block(['x-sum', '1'])));
  assert.deepEqual(bench.last.calls, ['POST / -1', 'data abcd', 'trailers x-sum=1', 'end']);
  bench.answer(bench.last);
  bench.finish();
});

test('a request that announces a body and ends without it reaches nobody', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(lastHeaders(1, postBlock(['content-length', '4'])));
  assert.deepEqual(
    [bench.exchanges.length, bench.peer.takeMain()],
    [0, ['RST_STREAM 1 PROTOCOL_ERROR']],
  );
  assert.deepEqual(bench.refused, ['malformed-request']);
  bench.finish();
});

test('interim responses go before the answer, HEAD and 304 have no body', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(lastHeaders(1, requestBlock('HEAD', '/')), lastHeaders(3, getBlock()));
  const [head, get] = bench.exchanges;
  bench.run(() => {
    head?.interim(parseHead('response', 'HTTP/1.1 103 \r\nlink: x\r\n\r\n'));
    head?.head(parseHead('response', 'HTTP/1.1 200 \r\ncontent-length: 9\r\n\r\n'), 0);
    head?.end();
    get?.head(parseHead('response', 'HTTP/1.1 304 \r\ncontent-length: 9\r\n\r\n'), 0);
    get?.end();
  });
  assert.deepEqual(bench.peer.takeMain(), [
    'HEADERS 1 :status=103 link=x',
    'HEADERS 1 :status=200 content-length=9 end',
    'HEADERS 3 :status=304 content-length=9 end',
  ]);
  bench.finish();
});

test('an answer ends its stream when the request has ended, and not before', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, postBlock()));
  bench.answer(bench.last);
  assert.equal(bench.session.idle, false);
  bench.peer.send(data(1, 'rest', END_STREAM));
  assert.deepEqual(bench.last.calls, ['POST / -1', 'data rest', 'end']);
  assert.deepEqual([bench.last.over, bench.session.idle], [true, true]);
  assert.deepEqual(bench.peer.takeMain(), ['HEADERS 1 :status=200', 'DATA 1 ok end']);
  bench.finish();
});

test('a request that nobody reads is reset with NO_ERROR behind its answer', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, postBlock()));
  bench.answer(bench.last);
  bench.run(() => bench.last.unwanted());
  assert.deepEqual(bench.peer.takeMain(), [
    'HEADERS 1 :status=200',
    'DATA 1 ok end',
    'RST_STREAM 1 NO_ERROR',
  ]);
  bench.finish();
});

test('so it is when the answer has waited for its window', async () => {
  const bench = await Http2ServerBench.start([NARROW]);
  bench.peer.send(headers(1, postBlock()));
  bench.answer(bench.last);
  bench.run(() => bench.last.unwanted());
  assert.deepEqual(bench.peer.takeMain(), ['HEADERS 1 :status=200']);
  bench.peer.send(data(1, 'dropped'), windowUpdate(1, 1));
  assert.deepEqual(bench.peer.takeMain(), ['DATA 1 o']);
  bench.peer.send(windowUpdate(1, 1));
  assert.deepEqual(bench.peer.takeMain(), ['DATA 1 k end', 'RST_STREAM 1 NO_ERROR']);
  assert.equal(bench.session.idle, true);
  bench.finish();
});

const FAILURES: readonly (readonly [name: string, block: Buffer, ends: boolean])[] = [
  ['a whole request', getBlock(), true],
  ['a request that goes on', postBlock(), false],
];
for (const [name, request, ends] of FAILURES) {
  test(`${name} whose exchange fails within open is answered and let go`, async () => {
    const bench = await Http2ServerBench.start();
    bench.onOpen = (exchange) => exchange.reset(LOST);
    bench.peer.send(ends ? lastHeaders(1, request) : headers(1, request));
    const lines = bench.peer.takeMain();
    assert.match(lines[0] ?? '', /^HEADERS 1 :status=502 /);
    // Nothing is left of a request that has ended: no reset.
    assert.deepEqual(lines.slice(2), ends ? [] : ['RST_STREAM 1 NO_ERROR']);
    assert.equal(bench.session.idle, true);
    bench.finish();
  });

  test(`${name} whose exchange answers within open is answered`, async () => {
    const bench = await Http2ServerBench.start();
    bench.onOpen = (exchange) => {
      exchange.head(parseHead('response', 'HTTP/1.1 200 \r\n\r\n'), -1);
      exchange.data(Buffer.from('ok'));
      exchange.end();
    };
    bench.peer.send(ends ? lastHeaders(1, request) : headers(1, request));
    assert.deepEqual(bench.peer.takeMain(), ['HEADERS 1 :status=200', 'DATA 1 ok end']);
    if (!ends) bench.peer.send(data(1, 'rest', END_STREAM));
    assert.deepEqual(
      [bench.last.calls.at(-1), bench.last.over, bench.session.idle],
      ['end', true, true],
    );
    bench.finish();
  });
}

test('the code of a client that resets its stream goes to the exchange', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, postBlock()), data(1, 'x'), reset(1, 'ENHANCE_YOUR_CALM'));
  bench.peer.send(lastHeaders(3, getBlock()), reset(3, 0x1234));
  assert.deepEqual(
    bench.exchanges.map(({ calls }) => calls.at(-1)),
    ['reset cancelled 11', 'reset cancelled 4660'],
  );
  bench.finish();
});

test('the code of an upstream that reset its stream goes to the client', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(lastHeaders(1, getBlock()));
  bench.head(bench.last);
  const error = new MeshError('upstream-reset', 'upstream', 'Reset.', 'never', 0xb);
  bench.run(() => bench.last.reset(error));
  assert.deepEqual(bench.peer.takeMain(), [
    'HEADERS 1 :status=200',
    'RST_STREAM 1 ENHANCE_YOUR_CALM',
  ]);
  bench.finish();
});

test('what a client broke is not passed on as the fault of the upstream', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, postBlock(['content-length', '1'])), data(1, 'too long'));
  assert.equal(bench.last.calls.at(-1), 'reset malformed-request -');
  bench.finish();
});

/** An answer that has begun, on stream 1. */
async function cut(
  request: Buffer,
  response: string,
  error: MeshError,
  options: { local?: boolean; values?: readonly SettingPair[] } = {},
): Promise<{ bench: Http2ServerBench; exchange: StrictRequest; lines: string[] }> {
  const bench = await Http2ServerBench.start(options.values ?? [], options);
  bench.peer.send(lastHeaders(1, request));
  const exchange = bench.last;
  bench.head(exchange, response);
  bench.data(exchange, 'part');
  bench.peer.take();
  bench.run(() => exchange.reset(error));
  return { bench, exchange, lines: bench.peer.takeMain() };
}

test('a gRPC answer that is cut by a lost upstream ends with UNAVAILABLE in its trailers', async () => {
  const { bench, lines } = await cut(GRPC_REQUEST, GRPC, LOST);
  assert.deepEqual(lines, ['HEADERS 1 grpc-status=14 grpc-message=upstream-reset end']);
  assert.equal(bench.session.idle, true);
  bench.finish();
});

test('the local application is told what became of its gRPC answer', async () => {
  const { bench, lines } = await cut(GRPC_REQUEST, GRPC, LOST, { local: true });
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /grpc-status=14 grpc-message=10\.0\.0\.1:80 went away\./);
  assert.match(lines[0] ?? '', /culvert-proxy-error=10\.0\.0\.1:80 went away\. end$/);
  bench.finish();
});

test('the local application is told why there is no answer', async () => {
  for (const local of [true, false]) {
    const bench = await Http2ServerBench.start([], { local });
    bench.peer.send(lastHeaders(1, getBlock()));
    bench.run(() => bench.last.reset(LOST));
    const told = /culvert-proxy-error=10\.0\.0\.1:80 went away\./.test(
      bench.peer.takeMain()[0] ?? '',
    );
    assert.equal(told, local);
    bench.finish();
  }
});

test('a stream that nobody took is refused to a stranger, or outside, and else answered', async () => {
  const refused = new MeshError('upstream-refused', 'upstream', 'Refused.', 'unsent', 0x7);
  const cancelled = new MeshError('upstream-reset', 'upstream', 'Reset.', 'never', 0x8);
  const outside = new MeshError('outside-failed', 'upstream', 'Reset.');
  const outsideRefused = new MeshError('outside-failed', 'upstream', 'Refused.', 'unsent', 0x7);
  for (const [request, local, error, expected] of [
    [getBlock(), false, refused, /^RST_STREAM 1 REFUSED_STREAM$/],
    [getBlock(), true, refused, /^HEADERS 1 :status=502 .*culvert-proxy-error=Refused\./],
    [getBlock(), false, cancelled, /^HEADERS 1 :status=502 /],
    [GRPC_REQUEST, false, refused, /^RST_STREAM 1 REFUSED_STREAM$/],
    [GRPC_REQUEST, false, cancelled, /^RST_STREAM 1 CANCEL$/],
    [getBlock(), true, outside, /^RST_STREAM 1 INTERNAL_ERROR$/],
    [getBlock(), true, outsideRefused, /^RST_STREAM 1 REFUSED_STREAM$/],
    [GRPC_REQUEST, true, outside, /grpc-status=14/],
    [GRPC_REQUEST, true, outsideRefused, /^RST_STREAM 1 REFUSED_STREAM$/],
  ] as const) {
    const bench = await Http2ServerBench.start([], { local });
    bench.peer.send(lastHeaders(1, request));
    bench.run(() => bench.last.reset(error));
    assert.match(bench.peer.takeMain()[0] ?? '', expected);
    bench.finish();
  }
});

test('a connection ends whose address is gone: what is open is served, and nothing new', async () => {
  const lost = new MeshError('outside-failed', 'upstream', 'Gone.');
  const refused = new MeshError('outside-failed', 'upstream', 'Refused.', 'unsent', 0x7);
  const gone = new MeshError('address-refused', 'upstream', 'Refused.', 'unsent');
  const cancelled = new MeshError('outside-failed', 'upstream', 'Reset.', 'never', 0x8);
  for (const [error, ends] of [
    [lost, true],
    [refused, true],
    [gone, true],
    [cancelled, false],
    [LOST, false],
  ] as const) {
    const bench = await Http2ServerBench.start([], { local: true });
    bench.peer.send(lastHeaders(1, getBlock()), lastHeaders(3, getBlock()));
    const [first, second] = bench.exchanges;
    bench.run(() => first!.reset(error));
    const goodbyes = bench.peer.takeMain().filter((line) => line.startsWith('GOAWAY'));
    const both = ['GOAWAY 2147483647 NO_ERROR', 'GOAWAY 3 NO_ERROR'];
    assert.deepEqual(goodbyes, ends ? both : [], error.sentence);
    bench.answer(second!);
    assert.match(bench.peer.takeMain().join(), /HEADERS 3 :status=200/);
    bench.finish();
  }
});

test('the trailers of a gRPC answer that is cut wait behind its data', async () => {
  const { bench, lines } = await cut(GRPC_REQUEST, GRPC, LOST, { values: [NARROW] });
  assert.deepEqual(lines, []);
  bench.peer.send(windowUpdate(1, 10));
  const status = 'HEADERS 1 grpc-status=14 grpc-message=upstream-reset end';
  assert.deepEqual(bench.peer.takeMain(), ['DATA 1 part', status]);
  bench.finish();
});

test('a gRPC answer that the upstream reset is reset with its code', async () => {
  const error = new MeshError('upstream-reset', 'upstream', 'Reset.', 'never', 0x8);
  const { bench, lines } = await cut(GRPC_REQUEST, GRPC, error);
  assert.deepEqual(lines, ['RST_STREAM 1 CANCEL']);
  bench.finish();
});

test('an answer that is no gRPC is reset when it is cut', async () => {
  const plain = 'HTTP/1.1 200 \r\ncontent-type: text/html\r\n\r\n';
  for (const [request, response] of [
    [GRPC_REQUEST, plain],
    [getBlock(), GRPC],
  ] as const) {
    const { bench, lines } = await cut(request, response, LOST);
    assert.deepEqual(lines, ['RST_STREAM 1 INTERNAL_ERROR']);
    bench.finish();
  }
});

test('a gRPC answer of a length that is cut below it is reset: trailers would not end it', async () => {
  const head = `${GRPC.slice(0, -2)}content-length: 50\r\ntrailer: grpc-status\r\n\r\n`;
  const { bench, lines } = await cut(GRPC_REQUEST, head, LOST);
  assert.deepEqual(lines, ['RST_STREAM 1 INTERNAL_ERROR']);
  bench.finish();
});

test('a gRPC request that comes to nothing is answered with a status', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, GRPC_REQUEST));
  bench.run(() => bench.last.reset(LOST));
  assert.match(bench.peer.takeMain()[0] ?? '', /^HEADERS 1 :status=200 .*grpc-status=14/);
  bench.finish();
});

test('an exchange that is over hears nothing, whatever its client goes on to do', async () => {
  const bench = await Http2ServerBench.start([NARROW]);
  bench.peer.send(lastHeaders(1, getBlock()));
  bench.answer(bench.last, 'answer');
  assert.equal(bench.last.over, true);
  // Its data leaves later: the credit is nobody's.
  bench.peer.send(windowUpdate(1, 3), windowUpdate(1, 3));
  assert.equal(bench.peer.body(1), 'answer');
  bench.peer.send(reset(1, 'CANCEL'));
  bench.peer.send(lastHeaders(3, getBlock()));
  bench.answer(bench.last, 'answer');
  bench.peer.send(reset(3, 'CANCEL'));
  assert.deepEqual(bench.last.calls, ['GET / 0', 'end']);
  bench.finish();
});
