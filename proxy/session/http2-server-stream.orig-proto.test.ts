import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../test/support/heads.ts';
import { Http2ServerBench } from '../../test/support/http2-sessions.ts';
import {
  type WireField,
  block,
  data,
  END_STREAM,
  getBlock,
  headers,
  lastHeaders,
  postBlock,
} from '../../test/support/http2-wire.ts';

const FIELD = 'culvert-orig-proto';
const TRAIN: WireField = [FIELD, 'HTTP/1.1; names=train'];

test('a request with culvert-orig-proto came by HTTP/1.1, and its answer says so too', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(lastHeaders(1, getBlock(TRAIN, ['x-a', '1'])));
  assert.deepEqual(bench.protocols, ['http1']);
  bench.head(bench.last, 'HTTP/1.1 200 Fine\r\nX-B: 1\r\nETag: 2\r\n\r\n');
  bench.data(bench.last, 'ok');
  bench.end(bench.last);
  assert.deepEqual(bench.peer.takeMain(), [
    `HEADERS 1 :status=200 x-b=1 etag=2 ${FIELD}=HTTP/1.1; names=train,ETag; reason=Fine`,
    'DATA 1 ok',
    'DATA 1  end',
  ]);
  bench.finish();
});

test('a request without it came by HTTP/2, and nothing is said of its answer', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(lastHeaders(1, getBlock()));
  assert.deepEqual(bench.protocols, ['http2']);
  bench.head(bench.last, 'HTTP/1.1 200 Fine\r\nX-B: 1\r\n\r\n');
  bench.end(bench.last);
  assert.deepEqual(bench.peer.takeMain(), ['HEADERS 1 :status=200 x-b=1', 'DATA 1  end']);
  bench.finish();
});

test('the interim responses and the trailers of one that rides say what they were', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(
    headers(1, postBlock(TRAIN)),
    data(1, 'ab'),
    lastHeaders(1, block(['x-sum', '1'], TRAIN)),
  );
  const exchange = bench.last;
  assert.deepEqual(exchange.calls.slice(1), [
    'data ab',
    `trailers X-Sum=1,Culvert-Orig-Proto=${TRAIN[1]}`,
    'end',
  ]);
  bench.finish();
});

for (const [what, fields] of [
  ['malformed', [[FIELD, 'HTTP/2']]],
  ['empty', [[FIELD, '']]],
  ['there twice', [TRAIN, TRAIN]],
] as const satisfies readonly (readonly [string, readonly WireField[]])[]) {
  test(`a request with a culvert-orig-proto that is ${what} is answered 400 and counted`, async () => {
    const bench = await Http2ServerBench.start();
    bench.peer.send(lastHeaders(1, getBlock(...fields)));
    const answer = bench.peer.takeMain();
    assert.match(answer[0] ?? '', /^HEADERS 1 :status=400 /);
    assert.match(answer.at(-1) ?? '', / end$/);
    assert.deepEqual([bench.exchanges.length, bench.refused], [0, ['malformed-request']]);
    bench.finish();
  });

  test(`of an application's own it counts for nothing, though it is ${what}`, async () => {
    const bench = await Http2ServerBench.start([], { local: true });
    bench.peer.send(lastHeaders(1, getBlock(...fields)));
    assert.deepEqual([bench.protocols, bench.refused], [['http2'], []]);
    bench.answer(bench.last);
    bench.finish();
  });
}

test('a body that comes behind a refused one is read and dropped', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, postBlock([FIELD, 'x'])), data(1, 'a'.repeat(1000), END_STREAM));
  assert.match(bench.peer.takeMain()[0] ?? '', /^HEADERS 1 :status=400 /);
  bench.peer.send(lastHeaders(3, getBlock(TRAIN)));
  bench.answer(bench.last);
  bench.finish();
});

test('the answer of one that rides has END_STREAM on its head only when it has no body', async () => {
  const bench = await Http2ServerBench.start();
  for (const [body, frames] of [
    [0, 1],
    [-1, 2],
  ] as const) {
    const stream = body === 0 ? 1 : 3;
    bench.peer.send(lastHeaders(stream, getBlock(TRAIN)));
    bench.run(() => {
      const { last } = bench;
      last.head(parseHead('response', 'HTTP/1.1 200 OK\r\n\r\n'), body);
      last.end();
    });
    assert.equal(bench.peer.takeMain().length, frames, `a body of ${body}`);
  }
  bench.finish();
});
