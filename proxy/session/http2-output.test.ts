import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../test/support/heads.ts';
import { Http2ServerBench, type SettingPair } from '../../test/support/http2-sessions.ts';
import {
  data,
  END_STREAM,
  getBlock,
  headers,
  lastHeaders,
  ping,
  postBlock,
  SETTING,
  windowUpdate,
} from '../../test/support/http2-wire.ts';
import { limits } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';
import { Http2Output } from './http2-output.ts';
import { Http2Stream, type StreamEvents } from './http2-stream.ts';

const KIB = 1024;
const WIDE: SettingPair = [SETTING.INITIAL_WINDOW_SIZE, 2 ** 30];
const NARROW: SettingPair = [SETTING.INITIAL_WINDOW_SIZE, 0];
const TRAILERS = parseHead('trailers', 'grpc-status: 0\r\n\r\n');
const NOBODY: StreamEvents = {
  streamData() {},
  streamTrailers() {},
  streamEnd() {},
  streamReset() {},
  streamFault() {},
  streamLost() {},
  streamSent() {},
  streamStalled() {},
  streamForgotten() {},
};
const LOST = new MeshError('upstream-reset', 'upstream', 'Gone.');

/** `count` exchanges on streams 1, 3, …, whose answers have begun. */
async function answering(
  count: number,
  values: readonly SettingPair[],
  options = {},
): Promise<Http2ServerBench> {
  const bench = await Http2ServerBench.start(values, options);
  for (let i = 0; i < count; i++) {
    bench.peer.send(lastHeaders(1 + 2 * i, getBlock()));
    bench.head(bench.last);
  }
  bench.peer.take();
  return bench;
}

test('a stream without a window waits, and its neighbours do not', async () => {
  const bench = await answering(2, [NARROW]);
  const [first, second] = bench.exchanges;
  assert(first !== undefined && second !== undefined);
  bench.data(first, 'x'.repeat(1_000));
  bench.peer.send(windowUpdate(3, 100));
  bench.data(second, 'y'.repeat(50));
  bench.end(second);
  assert.deepEqual(bench.peer.take(), ['DATA 3 50', 'DATA 3  end']);
  assert.deepEqual([first.credit, second.credit], [0, 50]);
  bench.peer.send(windowUpdate(1, 999));
  assert.deepEqual([bench.peer.take(), first.credit], [['DATA 1 999'], 999]);
  bench.end(first);
  bench.peer.send(windowUpdate(1, 1));
  assert.deepEqual(bench.peer.take(), ['DATA 1 x end']);
  bench.finish();
});

test('streams wait for the window of the connection, and take turns when it opens', async () => {
  const bench = await answering(3, [WIDE]);
  for (const exchange of bench.exchanges) bench.data(exchange, Buffer.alloc(60 * KIB));
  const sent = bench.exchanges.reduce((sum, { credit }) => sum + credit, 0);
  assert.equal(sent, 65_535, 'the connection window of RFC 9113');
  assert.equal(bench.exchanges[2]?.credit, 0);
  bench.peer.take();
  bench.peer.send(windowUpdate(0, 64 * KIB));
  // The first has left; the second and the third are as old as each other.
  const streams = bench.peer.take().map((line) => line.split(' ')[1]);
  assert.deepEqual(streams, ['3', '5', '3', '5', '3']);
  bench.peer.send(windowUpdate(0, 1024 * KIB));
  assert.ok(bench.exchanges.every(({ credit }) => credit === 60 * KIB));
  bench.finish();
});

test('a peer that does not read is owed one backlog, and streams take turns behind it', async () => {
  const bench = await answering(3, [WIDE], { capacityBytes: 1_000 });
  bench.peer.send(windowUpdate(0, 2 ** 30));
  bench.peer.peer.pause();
  for (const exchange of bench.exchanges) bench.data(exchange, Buffer.alloc(200 * KIB));
  assert.ok(bench.link.unsentBytes <= limits.linkBacklogBytes + 9, `${bench.link.unsentBytes}`);
  const credit = bench.exchanges.map((exchange) => exchange.credit);
  assert.ok(credit[0]! < 66 * KIB && credit[1] === 0 && credit[2] === 0, credit.join());
  for (const exchange of bench.exchanges) bench.end(exchange);
  bench.run(() => bench.peer.peer.link.resume());
  const streams = bench.peer.take().map((line) => line.split(' ')[1]);
  // Behind the backlog of the first, each has a frame in its turn until it has no more.
  const turns = streams.slice(streams.indexOf('3'));
  for (let i = 0; i < 90; i += 3) {
    assert.equal(new Set(turns.slice(i, i + 3)).size, 3, `${i} of ${turns.join()}`);
  }
  for (const stream of [1, 3, 5]) {
    assert.deepEqual(
      [bench.peer.body(stream).length, bench.peer.stream(stream).ended],
      [200 * KIB, true],
    );
  }
  bench.finish();
});

test('END_STREAM goes with the last frame while that has not left', async () => {
  const bench = await answering(1, [WIDE]);
  bench.run(() => {
    bench.last.data(Buffer.from('one'));
    bench.last.data(Buffer.from('two'));
    bench.last.end();
  });
  assert.deepEqual(bench.peer.take(), ['DATA 1 one', 'DATA 1 two end']);
  bench.finish();
});

test('END_STREAM goes with the head of an answer without a body', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(lastHeaders(1, getBlock()));
  bench.answer(bench.last, '');
  assert.deepEqual(bench.peer.take(), ['HEADERS 1 :status=200 end']);
  bench.finish();
});

test('END_STREAM goes alone when the last frame has left', async () => {
  const bench = await answering(1, [WIDE]);
  bench.data(bench.last, 'one');
  bench.end(bench.last);
  assert.deepEqual(bench.peer.take(), ['DATA 1 one', 'DATA 1  end']);
  bench.finish();
});

test('END_STREAM goes alone when another frame was written since', async () => {
  const bench = await answering(2, [WIDE]);
  const [first, second] = bench.exchanges;
  bench.run(() => {
    first?.data(Buffer.from('one'));
    second?.data(Buffer.from('two'));
    first?.end();
    second?.end();
  });
  assert.deepEqual(bench.peer.take(), ['DATA 1 one', 'DATA 3 two', 'DATA 1  end', 'DATA 3  end']);
  bench.finish();
});

test('END_STREAM goes alone behind a frame of control', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, postBlock()));
  bench.peer.send(...Array.from({ length: 3 }, () => data(1, Buffer.alloc(16 * KIB))));
  bench.head(bench.last);
  bench.peer.take();
  bench.run(() => {
    bench.last.data(Buffer.from('one'));
    bench.last.returnCredit(48 * KIB);
    bench.last.end();
  });
  assert.deepEqual(bench.peer.take(), ['DATA 1 one', 'WINDOW_UPDATE 1 49152', 'DATA 1  end']);
  bench.peer.send(data(1, '', END_STREAM));
  bench.finish();
});

test('trailers and the end wait behind data that waits', async () => {
  const bench = await answering(2, [NARROW]);
  const [first, second] = bench.exchanges;
  for (const exchange of bench.exchanges) bench.data(exchange, '0123456789');
  bench.run(() => {
    first?.trailers(TRAILERS);
    first?.end();
    second?.end();
  });
  assert.deepEqual(bench.peer.take(), []);
  bench.peer.send(windowUpdate(1, 9), windowUpdate(3, 9));
  assert.deepEqual(bench.peer.take(), ['DATA 1 012345678', 'DATA 3 012345678']);
  bench.peer.send(windowUpdate(1, 9), windowUpdate(3, 9));
  assert.deepEqual(bench.peer.take(), ['DATA 1 9', 'HEADERS 1 grpc-status=0 end', 'DATA 3 9 end']);
  assert.equal(bench.session.idle, true);
  bench.finish();
});

test('a reset does not wait: what waits for its stream is dropped', async () => {
  const bench = await answering(2, [WIDE]);
  const [first, second] = bench.exchanges;
  assert(first !== undefined && second !== undefined);
  bench.data(first, Buffer.alloc(70 * KIB));
  bench.data(second, 'waits');
  bench.peer.take();
  bench.run(() => first.reset(LOST));
  assert.deepEqual(bench.peer.take(), ['RST_STREAM 1 INTERNAL_ERROR']);
  bench.end(second);
  bench.peer.send(windowUpdate(0, 100 * KIB));
  assert.deepEqual(bench.peer.take(), ['DATA 3 waits end']);
  bench.finish();
});

test('Http2Output holds nothing of a stream that was dropped', async () => {
  const bench = await Http2ServerBench.start();
  const output = new Http2Output(bench.link, () => undefined);
  const streams = [1, 3, 5].map((id) => {
    const stream = new Http2Stream(NOBODY);
    stream.begin(id, 1_000, 0);
    return stream;
  });
  output.window = 0;
  for (const stream of streams) output.data(stream, Buffer.alloc(10), 0, 10);
  assert.ok(streams.every(({ queued }) => queued));
  for (const stream of streams) output.drop(stream);
  for (const { next, previous, queued, waiting } of streams) {
    assert.deepEqual([next, previous, queued, waiting], [undefined, undefined, false, undefined]);
  }
  bench.finish();
});

test('a PING is answered while data waits for its window', async () => {
  const bench = await answering(1, [NARROW]);
  bench.data(bench.last, Buffer.alloc(100));
  bench.peer.send(ping('12345678'));
  assert.deepEqual(bench.peer.take(), ['PING ack 0']);
  bench.finish();
});

test('a head as large as allowed goes out whole, in frames of 16 KiB', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(lastHeaders(1, getBlock()));
  // Lines of 134 bytes grow most as literals.
  const lines = Array.from(
    { length: 250 },
    (_, i) => `x${`${i}`.padStart(3, '0')}: ${'~'.repeat(127)}\r\n`,
  ).join('');
  const pad =
    limits.headBytesMax - 'HTTP/1.1 200 \r\n\r\n'.length - lines.length - 'y: \r\n'.length;
  const text = `HTTP/1.1 200 \r\n${lines}y: ${'~'.repeat(pad)}\r\n\r\n`;
  assert.equal(text.length, limits.headBytesMax);
  bench.run(() => {
    bench.last.head(parseHead('response', text), -1);
    bench.last.data(Buffer.from('body'));
    bench.last.end();
  });
  const [head = '', ...rest] = bench.peer.take();
  assert.ok(head.endsWith(`y=${'~'.repeat(pad)}`));
  assert.deepEqual(rest, ['DATA 1 body end']);
  bench.finish();
});
