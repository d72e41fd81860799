import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../test/support/heads.ts';
import { Http2ClientBench } from '../../test/support/http2-sessions.ts';
import {
  block,
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  goaway,
  headers,
  lastHeaders,
  reset,
  SETTING,
  statusBlock,
  windowUpdate,
} from '../../test/support/http2-wire.ts';
import { limits } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';

const OK = statusBlock(200);
const POST = 'POST /a HTTP/1.1\r\nHost: h\r\n\r\n';
const HEAD = 'HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n';
const WINDOW_OF_4 = [[SETTING.INITIAL_WINDOW_SIZE, 4]] as const;

type Answer = readonly [
  name: string,
  frames: readonly Buffer[],
  calls: readonly string[],
  request?: string,
];

const ANSWERS: readonly Answer[] = [
  ['without a body', [lastHeaders(1, OK)], ['head 200 0 ', 'end']],
  [
    'of a length',
    [
      headers(1, statusBlock(200, ['content-length', '3'])),
      data(1, 'a'),
      data(1, 'bc', END_STREAM),
    ],
    ['head 200 3 content-length=3', 'data abc', 'end'],
  ],
  [
    'with trailers',
    [headers(1, OK), data(1, 'a'), lastHeaders(1, block(['grpc-status', '0']))],
    ['head 200 -1 ', 'data a', 'trailers grpc-status=0', 'end'],
  ],
  [
    'of a length that announces trailers: they may come',
    [
      headers(1, statusBlock(200, ['content-length', '1'], ['trailer', 'x-sum'])),
      data(1, 'a'),
      lastHeaders(1, block(['x-sum', '1'])),
    ],
    ['head 200 -1 content-length=1,trailer=x-sum', 'data a', 'trailers x-sum=1', 'end'],
  ],
  ['with empty trailers', [headers(1, OK), lastHeaders(1, '')], ['head 200 -1 ', 'end']],
  [
    'after interim ones',
    [headers(1, statusBlock(100)), headers(1, statusBlock(103)), lastHeaders(1, OK)],
    ['interim 100', 'interim 103', 'head 200 0 ', 'end'],
  ],
  [
    'of 204 that ends later',
    [headers(1, statusBlock(204)), data(1, '', END_STREAM)],
    ['head 204 0 ', 'end'],
  ],
  [
    'of 304 with a length',
    [lastHeaders(1, statusBlock(304, ['content-length', '9']))],
    ['head 304 0 content-length=9', 'end'],
  ],
  [
    'to HEAD with a length',
    [headers(1, statusBlock(200, ['content-length', '9'])), data(1, '', END_STREAM)],
    ['head 200 0 content-length=9', 'end'],
    HEAD,
  ],
  [
    'to HEAD with a body',
    [headers(1, OK), data(1, 'x')],
    ['head 200 0 ', 'reset upstream-protocol never -'],
    HEAD,
  ],
  [
    'shorter than its length',
    [headers(1, statusBlock(200, ['content-length', '3'])), data(1, 'a', END_STREAM)],
    ['head 200 3 content-length=3', 'data a', 'reset upstream-protocol never -'],
  ],
  [
    'longer than its length',
    [headers(1, statusBlock(200, ['content-length', '1'])), data(1, 'ab')],
    ['head 200 1 content-length=1', 'reset upstream-protocol never -'],
  ],
  [
    'that ends with an interim one',
    [lastHeaders(1, statusBlock(103))],
    ['reset upstream-protocol never -'],
  ],
  ['that begins with DATA', [data(1, 'x')], ['reset upstream-protocol never -']],
  ['that is refused', [reset(1, 'REFUSED_STREAM')], ['reset upstream-reset unprocessed -']],
  [
    'that is refused in the middle',
    [headers(1, OK), reset(1, 'REFUSED_STREAM')],
    ['head 200 -1 ', 'reset upstream-reset never -'],
  ],
  ['that is reset', [reset(1, 'ENHANCE_YOUR_CALM')], ['reset upstream-reset never 11']],
  ['that is reset with NO_ERROR', [reset(1, 'NO_ERROR')], ['reset upstream-reset never -']],
  [
    'that is reset in the middle',
    [headers(1, OK), data(1, 'a'), reset(1, 'CANCEL')],
    ['head 200 -1 ', 'data a', 'reset upstream-reset never 8'],
  ],
  [
    'that a server which leaves takes along',
    [headers(1, OK), goaway(1, 'NO_ERROR'), reset(1, 'CANCEL')],
    ['head 200 -1 ', 'reset upstream-reset never -'],
  ],
  [
    'that a server which leaves resets for another reason',
    [headers(1, OK), goaway(1, 'NO_ERROR'), reset(1, 'ENHANCE_YOUR_CALM')],
    ['head 200 -1 ', 'reset upstream-reset never 11'],
  ],
];

for (const [name, frames, calls, request] of ANSWERS) {
  test(`an answer ${name} is told call by call`, async () => {
    const bench = await Http2ClientBench.start();
    const exchange = bench.ask(request);
    bench.peer.send(...frames);
    assert.deepEqual(exchange.calls, calls);
    assert.equal(bench.session.streams, 0);
    bench.finish();
  });
}

test('too many interim responses are a breach', async () => {
  const bench = await Http2ClientBench.start();
  const exchange = bench.ask();
  const interim = Array.from({ length: limits.informationalMax + 1 }, () =>
    headers(1, statusBlock(103)),
  );
  bench.peer.send(...interim);
  assert.equal(exchange.calls.at(-1), 'reset upstream-protocol never -');
  assert.equal(bench.peer.stream(1).reset, 'PROTOCOL_ERROR');
  bench.finish();
});

/** A block that ends its stream, in as many frames as it takes. */
function inFrames(stream: number, whole: Buffer): Buffer[] {
  const parts: Buffer[] = [headers(stream, '', END_STREAM)];
  for (let at = 0; at < whole.length; at += 16_384) {
    const last = at + 16_384 >= whole.length;
    parts.push(continuation(stream, whole.subarray(at, at + 16_384), last ? END_HEADERS : 0));
  }
  return parts;
}

test('heads and trailers beyond our limits are counted', async () => {
  const bench = await Http2ClientBench.start();
  const large = ['x', '~'.repeat(limits.headBytesMax / 8)] as const;
  const fields = Array.from({ length: 9 }, () => large);
  const [head, trailers] = [bench.ask(), bench.ask()];
  bench.peer.send(...inFrames(1, statusBlock(200, ...fields)));
  bench.peer.send(headers(3, OK), ...inFrames(3, block(...fields)));
  assert.deepEqual(head?.calls, ['reset upstream-protocol never -']);
  assert.deepEqual(trailers?.calls, ['head 200 -1 ', 'reset upstream-protocol never -']);
  assert.deepEqual(bench.limitHits, ['head-size', 'head-size']);
  bench.finish();
});

test('a request whose head is above what the server says it takes is not sent', async () => {
  const large = `X-Large: ${'~'.repeat(700)}\r\n`;
  for (const target of ['/a?b', 'http://other/a']) {
    const text = `GET ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nA:\r\n${large}${large}\r\n`;
    // As the server counts it.
    const free = await Http2ClientBench.start();
    free.ask(text);
    const [fields = []] = free.peer.streams.get(1)?.blocks ?? [];
    const bytes = fields.reduce((sum, { name, value }) => sum + name.length + value.length + 32, 0);
    assert.ok(bytes > 1_500);
    const below = await Http2ClientBench.start([[SETTING.MAX_HEADER_LIST_SIZE, bytes]]);
    assert.deepEqual([below.ask(text).calls, below.peer.streams.size], [[], 1]);
    const above = await Http2ClientBench.start([[SETTING.MAX_HEADER_LIST_SIZE, bytes - 1]]);
    const { capacity } = above.session;
    const { calls } = above.ask(text, -1);
    assert.deepEqual(calls, ['reset head-too-large never -']);
    assert.deepEqual(above.peer.takeMain(), []);
    assert.deepEqual([above.session.streams, above.session.capacity], [0, capacity]);
  }
});

test('a request goes out with its body, trailers and end, as far as its window lets it', async () => {
  const bench = await Http2ClientBench.start(WINDOW_OF_4);
  const exchange = bench.ask(POST, -1);
  exchange.data('123456');
  bench.run(() => exchange.stream.requestTrailers(parseHead('trailers', 'x-sum: 1\r\n\r\n')));
  exchange.end();
  assert.deepEqual(bench.peer.takeMain().slice(1), ['DATA 1 1234']);
  assert.equal(exchange.sink.credit, 4);
  bench.peer.send(windowUpdate(1, 4));
  assert.deepEqual(bench.peer.takeMain(), ['DATA 1 56', 'HEADERS 1 x-sum=1 end']);
  assert.equal(exchange.sink.credit, 6);
  bench.peer.send(lastHeaders(1, OK));
  assert.equal(exchange.sink.over, true);
  bench.finish();
});

test('an exchange whose answer came before its request has left hears no more', async (t) => {
  await t.test('of the credit', async () => {
    const bench = await Http2ClientBench.start(WINDOW_OF_4);
    const exchange = bench.ask(POST, -1);
    exchange.data('123456');
    exchange.end();
    bench.peer.send(lastHeaders(1, OK));
    assert.deepEqual([exchange.sink.over, exchange.sink.credit], [true, 4]);
    bench.peer.send(windowUpdate(1, 4));
    assert.deepEqual([bench.peer.body(1), bench.peer.stream(1).ended], ['123456', true]);
    bench.finish();
  });

  await t.test('when its end comes after the answer', async () => {
    const bench = await Http2ClientBench.start(WINDOW_OF_4);
    const exchange = bench.ask(POST, -1);
    exchange.data('123456');
    bench.peer.send(lastHeaders(1, OK));
    assert.equal(exchange.sink.over, false);
    exchange.end();
    assert.equal(exchange.sink.over, true);
    bench.peer.send(windowUpdate(1, 4));
    assert.equal(bench.peer.body(1), '123456');
    bench.finish();
  });

  await t.test('of a reset', async () => {
    const bench = await Http2ClientBench.start(WINDOW_OF_4);
    const exchange = bench.ask(POST, -1);
    exchange.data('123456');
    exchange.end();
    bench.peer.send(lastHeaders(1, OK), reset(1, 'NO_ERROR'));
    assert.deepEqual(exchange.calls, ['head 200 0 ', 'end']);
    assert.equal(bench.session.streams, 0);
    bench.finish();
  });

  await t.test('of a lost connection', async () => {
    const bench = await Http2ClientBench.start(WINDOW_OF_4);
    const exchange = bench.ask(POST, -1);
    exchange.data('123456');
    exchange.end();
    bench.peer.send(lastHeaders(1, OK));
    bench.peer.peer.reset();
    bench.world.run();
    assert.deepEqual(exchange.calls, ['head 200 0 ', 'end']);
    bench.finish();
  });
});

test('an early answer lets the request go on, or not', async () => {
  const bench = await Http2ClientBench.start(WINDOW_OF_4);
  const goesOn = bench.ask(POST, -1);
  const refused = bench.ask(POST, -1);
  bench.peer.send(lastHeaders(1, OK), lastHeaders(3, OK), reset(3, 'NO_ERROR'));
  goesOn.data('more');
  goesOn.end();
  assert.deepEqual(goesOn.calls, ['head 200 0 ', 'end']);
  assert.equal(bench.peer.body(1), 'more');
  assert.deepEqual(refused.calls, ['head 200 0 ', 'end', 'unwanted']);
  bench.finish();
});

test('a request that is not wanted any more is let go with what waits', async () => {
  const bench = await Http2ClientBench.start(WINDOW_OF_4);
  const exchange = bench.ask(POST, -1);
  exchange.data('123456');
  bench.peer.send(lastHeaders(1, OK), reset(1, 'NO_ERROR'));
  assert.deepEqual([exchange.calls.at(-1), bench.session.streams], ['unwanted', 0]);
  bench.peer.take();
  bench.peer.send(windowUpdate(0, 100));
  assert.deepEqual(bench.peer.take(), []);
  bench.finish();
});

test('the code of a downstream that reset its stream goes to the upstream, else CANCEL', async () => {
  const bench = await Http2ClientBench.start();
  bench.ask().reset(new MeshError('cancelled', 'downstream', 'Gone.', 'never', 0xb));
  bench.ask().reset(new MeshError('malformed-request', 'downstream', 'Broken.'));
  assert.deepEqual(
    bench.peer.takeMain().filter((line) => line.startsWith('RST')),
    ['RST_STREAM 1 ENHANCE_YOUR_CALM', 'RST_STREAM 3 CANCEL'],
  );
  bench.finish();
});

test('credit for an answer goes back to the upstream by halves of the window', async () => {
  const bench = await Http2ClientBench.start();
  const exchange = bench.ask();
  const half = limits.streamWindowBytes / 2;
  bench.peer.send(headers(1, OK), data(1, Buffer.alloc(16_384)), data(1, Buffer.alloc(16_384)));
  bench.peer.take();
  exchange.credit(half - 1);
  assert.deepEqual(bench.peer.take(), []);
  exchange.credit(1);
  assert.deepEqual(bench.peer.take(), [`WINDOW_UPDATE 1 ${half}`]);
  bench.finish();
});
