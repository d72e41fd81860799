import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Http2ClientBench,
  Http2ServerBench,
  withLimits,
} from '../../test/support/http2-sessions.ts';
import {
  data,
  END_STREAM,
  getBlock,
  headers,
  lastHeaders,
  padded,
  PADDED,
  postBlock,
  PREFACE,
  reset,
  SETTING,
  settings,
  settingsAck,
  statusBlock,
  windowUpdate,
} from '../../test/support/http2-wire.ts';
import { limits } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';

const KIB = 1024;
const FRAME = Buffer.alloc(16 * KIB, 'd');
/** Frames that make up the window of a stream. */
const WINDOW_FRAMES = limits.streamWindowBytes / FRAME.length;
const CANCEL = new MeshError('cancelled', 'downstream', 'Gone.');

/** The connection's window as the peer's book has it: all but what is not worth an update. */
function assertConnectionCredit({ peer }: Http2ServerBench | Http2ClientBench): void {
  assert.ok(peer.credit >= limits.connectionWindowBytes / 2, `${peer.credit} bytes left`);
}

/** Sends much more than the window of the connection on streams that `each` begins. */
function flood(bench: Http2ServerBench, each: (stream: number) => void): void {
  const rounds = (4 * limits.connectionWindowBytes) / limits.streamWindowBytes;
  for (let i = 0; i < rounds; i++) {
    each(1 + 2 * i);
    assertConnectionCredit(bench);
  }
}

const windowOf = (stream: number): Buffer[] =>
  Array.from({ length: WINDOW_FRAMES }, () => data(stream, FRAME));

test('credit of the connection comes back for DATA on streams that we reset', async () => {
  const bench = await Http2ServerBench.start();
  flood(bench, (stream) => {
    bench.peer.send(headers(stream, postBlock()));
    bench.run(() => bench.last.reset(new MeshError('upstream-reset', 'upstream', 'x')));
    // Answered with 502 and reset; the client has not heard of that yet.
    assert.equal(bench.peer.stream(stream).reset, 'NO_ERROR');
    bench.peer.send(...windowOf(stream));
  });
  assert.equal(bench.session.idle, true);
  bench.finish();
});

test('credit of the connection comes back for padded DATA on streams that we reset', async () => {
  const bench = await Http2ServerBench.start();
  const frame = data(1, padded(Buffer.alloc(FRAME.length - 256), 255), PADDED);
  bench.peer.send(headers(1, postBlock()));
  bench.run(() => bench.last.reset(new MeshError('upstream-reset', 'upstream', 'x')));
  for (let i = 0; i < (4 * limits.connectionWindowBytes) / FRAME.length; i++) {
    bench.peer.send(frame);
    assertConnectionCredit(bench);
  }
  bench.finish();
});

test('credit of the connection comes back for DATA that breaks its own stream', async () => {
  const bench = await Http2ServerBench.start();
  flood(bench, (stream) => {
    bench.peer.send(headers(stream, postBlock(['content-length', '1'])), ...windowOf(stream));
    assert.equal(bench.peer.stream(stream).reset, 'PROTOCOL_ERROR');
    assert.equal(bench.last.calls.at(-1), 'reset malformed-request -');
  });
  bench.finish();
});

test('credit of the connection comes back for DATA on streams that were refused', async (t) => {
  withLimits(t, { concurrentStreamsMax: 1 });
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, postBlock()));
  for (let i = 1; i < 64; i++) {
    const stream = 1 + 2 * i;
    bench.peer.send(headers(stream, postBlock()), ...windowOf(stream));
    assert.equal(bench.peer.stream(stream).reset, 'REFUSED_STREAM');
    assertConnectionCredit(bench);
  }
  assert.equal(bench.exchanges.length, 1);
  bench.finish();
});

test('credit of the connection comes back for DATA behind our GOAWAY', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, postBlock()));
  bench.run(() => bench.session.closeIfIdle());
  for (let i = 1; i < 64; i++) {
    const stream = 1 + 2 * i;
    bench.peer.send(headers(stream, postBlock()), ...windowOf(stream));
    assert.equal(bench.peer.stream(stream).reset, 'REFUSED_STREAM');
    assertConnectionCredit(bench);
  }
  bench.peer.take();
  bench.peer.send(data(1, 'last', END_STREAM));
  bench.answer(bench.last);
  assert.deepEqual(bench.peer.takeMain(), [
    'HEADERS 1 :status=200',
    'DATA 1 ok end',
    'GOAWAY 1 NO_ERROR',
  ]);
  bench.finish();
});

test('credit of the connection comes back for DATA of streams that stall, up to the limit', async () => {
  const bench = await Http2ServerBench.start();
  flood(bench, (stream) => bench.peer.send(headers(stream, postBlock()), ...windowOf(stream)));
  // Nobody took a byte: each stream has had its window, and none has any left.
  assert.ok(
    bench.exchanges.every(({ request }) => request.text.length === limits.streamWindowBytes),
  );
  assert.equal(bench.peer.stream(1).credit, 0);
  bench.peer.send(...bench.exchanges.map((_, i) => reset(1 + 2 * i, 'CANCEL')));
  assertConnectionCredit(bench);
  assert.ok(bench.exchanges.every(({ over }) => over));
  bench.finish();
});

test("a window below the RFC's is in force when the client has acknowledged it, not before", async (t) => {
  const streamWindowBytes = 16_384;
  withLimits(t, { streamWindowBytes });
  const bench = await Http2ServerBench.start('silent');
  const { peer } = bench;
  const part = Buffer.alloc(15_000, 'x');
  // RFC 9113 6.9.3: sent before our SETTINGS were known.
  peer.send(
    PREFACE,
    settings(),
    headers(1, postBlock()),
    ...Array.from({ length: 4 }, () => data(1, part)),
  );
  assert.deepEqual([bench.last.request.text.length, bench.limitHits], [60_000, []]);
  peer.send(settingsAck(), settingsAck());
  bench.run(() => bench.last.returnCredit(60_000));
  assert.equal(peer.stream(1).credit, streamWindowBytes);
  peer.send(data(1, Buffer.alloc(streamWindowBytes)));
  assert.equal(peer.stream(1).reset, undefined);
  peer.send(data(1, 'x'));
  assert.equal(peer.stream(1).reset, 'FLOW_CONTROL_ERROR');
  peer.send(headers(3, postBlock()), data(3, Buffer.alloc(streamWindowBytes)), data(3, 'x'));
  assert.equal(peer.stream(3).reset, 'FLOW_CONTROL_ERROR');
  assert.deepEqual(bench.limitHits, ['window', 'window']);
  bench.finish();
});

test('credit of a stream comes back as its bytes leave, padding at once', async () => {
  const bench = await Http2ServerBench.start();
  const { peer } = bench;
  peer.send(headers(1, postBlock()));
  const rounds = 400;
  for (let i = 0; i < rounds; i++) {
    peer.send(data(1, padded('x', 255), PADDED));
    assert.ok(peer.stream(1).credit > 0);
  }
  // Of 400 frames of 257 bytes, all but a byte each is back, to half a window.
  assert.ok(peer.stream(1).credit >= limits.streamWindowBytes / 2 - rounds);
  assert.equal(bench.last.request.text.length, rounds);
  const before = peer.stream(1).credit;
  bench.run(() => bench.last.returnCredit(rounds));
  peer.send(...Array.from({ length: 2 }, () => data(1, FRAME)));
  assert.equal(peer.stream(1).credit, before - 2 * FRAME.length);
  bench.run(() => bench.last.returnCredit(2 * FRAME.length));
  assert.ok(peer.stream(1).credit >= limits.streamWindowBytes / 2);
  bench.finish();
});

test('credit that comes late, for a stream that was reset, is dropped', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, postBlock()), ...windowOf(1), reset(1, 'CANCEL'));
  bench.peer.take();
  const [exchange] = bench.exchanges;
  bench.run(() => exchange?.returnCredit(limits.streamWindowBytes));
  assert.deepEqual(bench.peer.take(), []);
  bench.finish();
});

test('a request whose exchange has answered and does not want it may be sent to its end', async () => {
  const bench = await Http2ServerBench.start([[SETTING.INITIAL_WINDOW_SIZE, 0]]);
  bench.peer.send(headers(1, postBlock()));
  bench.answer(bench.last, 'early');
  bench.run(() => bench.last.unwanted());
  // The client reads its answer when it has sent all: the answer cannot leave before.
  for (let i = 0; i < 16; i++) {
    bench.peer.send(...windowOf(1).slice(0, WINDOW_FRAMES / 2));
    assert.ok(bench.peer.stream(1).credit >= limits.streamWindowBytes / 2);
  }
  bench.peer.take();
  bench.peer.send(data(1, '', END_STREAM), windowUpdate(1, 100));
  assert.deepEqual(bench.peer.take(), ['DATA 1 early end']);
  assert.equal(bench.session.idle, true);
  bench.finish();
});

test('a client that cancels after its data was held gets its credit back', async () => {
  const bench = await Http2ClientBench.start([[SETTING.INITIAL_WINDOW_SIZE, 10]]);
  const exchange = bench.ask('POST /a HTTP/1.1\r\nHost: h\r\n\r\n', -1);
  exchange.data(Buffer.alloc(1_000));
  assert.equal(exchange.sink.credit, 10);
  exchange.reset(CANCEL);
  assert.deepEqual(bench.peer.takeMain().slice(1), [
    'DATA 1 \0\0\0\0\0\0\0\0\0\0',
    'RST_STREAM 1 CANCEL',
  ]);
  bench.peer.take();
  // What is left of its window, and of the connection's, is used by others.
  bench.peer.send(windowUpdate(1, 1_000), windowUpdate(0, 1_000));
  assert.deepEqual(bench.peer.take(), []);
  bench.finish();
});

test('credit of the connection comes back for answers that nobody wants any more', async () => {
  const bench = await Http2ClientBench.start();
  for (let i = 0; i < 64; i++) {
    const exchange = bench.ask();
    const stream = 1 + 2 * i;
    bench.peer.send(headers(stream, statusBlock(200)), ...windowOf(stream).slice(1));
    exchange.reset(CANCEL);
    bench.peer.send(data(stream, FRAME), data(stream, FRAME));
    assertConnectionCredit(bench);
    assert.equal(exchange.calls.length, 2);
  }
  bench.finish();
});

test('an initial window that changes while streams end and begin is that of each of them', async () => {
  const bench = await Http2ClientBench.start([
    [SETTING.INITIAL_WINDOW_SIZE, 4],
    [SETTING.MAX_CONCURRENT_STREAMS, 1],
  ]);
  const first = bench.ask('POST /a HTTP/1.1\r\nHost: h\r\n\r\n', -1);
  first.data('12345678');
  first.end();
  bench.peer.send(lastHeaders(1, statusBlock(200)));
  // The first stream ends within the change of windows, and another takes its place.
  let second: ReturnType<typeof bench.ask> | undefined;
  bench.available = () => {
    second = bench.ask('POST /b HTTP/1.1\r\nHost: h\r\n\r\n', -1);
  };
  bench.peer.send(settings([SETTING.INITIAL_WINDOW_SIZE, 10]));
  assert(second !== undefined);
  second.data('a'.repeat(30));
  assert.equal(bench.peer.body(1), '12345678');
  assert.equal(bench.peer.body(3), 'a'.repeat(10));
  bench.finish();
});

test('a window that SETTINGS took below zero is filled before anything leaves', async () => {
  const bench = await Http2ServerBench.start([[SETTING.INITIAL_WINDOW_SIZE, 10]]);
  bench.peer.send(lastHeaders(1, getBlock()));
  bench.head(bench.last);
  bench.data(bench.last, 'x'.repeat(30));
  bench.peer.send(settings([SETTING.INITIAL_WINDOW_SIZE, 0]), windowUpdate(1, 10));
  assert.equal(bench.peer.body(1).length, 10);
  bench.peer.send(windowUpdate(1, 1));
  assert.equal(bench.peer.body(1).length, 11);
  bench.peer.send(settings([SETTING.INITIAL_WINDOW_SIZE, 12]));
  assert.equal(bench.peer.body(1).length, 23);
  assert.equal(bench.last.credit, 23);
  bench.end(bench.last);
  bench.peer.send(windowUpdate(1, 7));
  assert.deepEqual([bench.peer.body(1).length, bench.peer.stream(1).ended], [30, true]);
  bench.finish();
});
