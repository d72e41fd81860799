import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import {
  Http2ClientBench,
  Http2ServerBench,
  type SettingPair,
  withLimits,
} from '../../test/support/http2-sessions.ts';
import {
  block,
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  frameBytes,
  getBlock,
  goaway,
  headers,
  INCREMENTAL,
  indexed,
  lastHeaders,
  literal,
  longHeaders,
  padded,
  PADDED,
  ping,
  postBlock,
  priority,
  reset,
  SETTING,
  settings,
  statusBlock,
  windowUpdate,
} from '../../test/support/http2-wire.ts';
import { limits, timeouts } from '../limits.ts';
import type { Http2Limit } from '../model/http2-limit.ts';
import { MeshError } from '../model/mesh-error.ts';

/** Of each kind in a second, for these tests. */
const FEW = 20;
const LOW = {
  resetsPerSecondMax: FEW,
  emptyDataPerSecondMax: FEW,
  tinyDataPerSecondMax: FEW,
  settingsPerSecondMax: FEW,
  pingsPerSecondMax: FEW,
  uselessPerSecondMax: FEW,
  continuationsPerSecondMax: FEW,
  windowUpdatesPerSecondMax: FEW,
};
const NARROW: SettingPair = [SETTING.INITIAL_WINDOW_SIZE, 0];
const idOf = (i: number): number => 3 + 2 * i;

interface Flood {
  readonly name: string;
  readonly limit: Http2Limit;
  /** Limits that its frames would hit too. */
  readonly raised?: Partial<typeof limits>;
  /** The `i`th time, from 0. Stream 1 is open. */
  readonly frames: (i: number) => readonly Buffer[];
}

const FLOODS: readonly Flood[] = [
  { name: 'SETTINGS', limit: 'settings', frames: () => [settings()] },
  {
    name: 'acknowledged SETTINGS',
    limit: 'settings',
    frames: () => [frameBytes('SETTINGS', 1, 0)],
  },
  { name: 'PING', limit: 'ping', frames: () => [ping('12345678')] },
  { name: 'answers to no PING', limit: 'ping', frames: () => [ping('12345678', 1)] },
  { name: 'PRIORITY', limit: 'useless', frames: (i) => [priority(idOf(i), 0)] },
  { name: 'GOAWAY', limit: 'useless', frames: () => [goaway(0, 'NO_ERROR')] },
  { name: 'unknown frames', limit: 'useless', frames: () => [frameBytes(0x42, 0xff, 1, 'x')] },
  { name: 'empty DATA', limit: 'empty-data', frames: () => [data(1)] },
  { name: 'DATA of padding', limit: 'empty-data', frames: () => [data(1, padded('', 99), PADDED)] },
  { name: 'tiny DATA', limit: 'empty-data', frames: () => [data(1, 'x')] },
  { name: 'WINDOW_UPDATE', limit: 'window-update', frames: () => [windowUpdate(1, 1)] },
  {
    name: 'CONTINUATION',
    limit: 'continuation',
    frames: (i) => [headers(idOf(i), getBlock(), 0), continuation(idOf(i), '')],
  },
  {
    name: 'streams that the client resets',
    limit: 'resets',
    frames: (i) => [headers(idOf(i), postBlock()), reset(idOf(i), 'CANCEL')],
  },
  {
    name: 'streams that the client makes us reset by WINDOW_UPDATE',
    limit: 'resets',
    raised: { windowUpdatesPerSecondMax: 2 * FEW },
    frames: (i) => [
      headers(idOf(i), postBlock()),
      frameBytes('WINDOW_UPDATE', 0, idOf(i), [0, 0, 0, 0]),
    ],
  },
  {
    name: 'streams that the client makes us reset by their length',
    limit: 'resets',
    frames: (i) => [
      headers(idOf(i), postBlock(['content-length', '1'])),
      data(idOf(i), Buffer.alloc(50)),
    ],
  },
  {
    name: 'streams that the client makes us reset by DATA behind their end',
    limit: 'resets',
    frames: (i) => [lastHeaders(idOf(i), getBlock()), data(idOf(i), Buffer.alloc(50))],
  },
  {
    name: 'streams with malformed heads',
    limit: 'resets',
    frames: (i) => [lastHeaders(idOf(i), block([':method', 'GET']))],
  },
];

describe('a flood', () => {
  for (const { name, limit, raised, frames } of FLOODS) {
    it(`of ${name} ends the connection`, async (t) => {
      withLimits(t, { ...LOW, ...raised });
      const bench = await Http2ServerBench.start();
      const { peer, world } = bench;
      world.advance(1_100);
      peer.send(headers(1, postBlock()));
      const [first] = bench.exchanges;
      for (let i = 0; i < FEW; i++) peer.send(...frames(i));
      assert.deepEqual(
        [bench.limitHits, peer.take().some((line) => line.startsWith('GOAWAY 1'))],
        [[], name === 'GOAWAY'],
      );
      peer.send(...frames(FEW));
      assert.deepEqual(bench.limitHits, [limit]);
      assert.match(peer.take().at(-1) ?? '', /^GOAWAY \d+ ENHANCE_YOUR_CALM$/);
      assert.equal(first?.calls.at(-1), 'reset cancelled 8', 'open streams are told');
      assert.equal(bench.refused.at(-1), 'overloaded');
      assert.equal(peer.peer.ended, true);
      bench.finish();
    });

    it(`of ${name} is none when it takes its time`, async (t) => {
      withLimits(t, LOW);
      const bench = await Http2ServerBench.start();
      bench.world.advance(1_100);
      bench.peer.send(headers(1, postBlock()));
      for (let round = 0; round < 3; round++) {
        for (let i = 0; i < FEW; i++) bench.peer.send(...frames(round * FEW + i));
        bench.world.advance(1_100);
      }
      assert.deepEqual([bench.limitHits, bench.session.idle], [[], false]);
      bench.finish();
    });
  }

  it('ends a connection whose peer never reads', async (t) => {
    withLimits(t, LOW);
    const bench = await Http2ServerBench.start([], { capacityBytes: 100 });
    bench.peer.peer.pause();
    bench.peer.send(...Array.from({ length: FEW + 1 }, () => ping('12345678')));
    assert.deepEqual([bench.limitHits, bench.closed], [['ping'], 0]);
    bench.world.advance(timeouts.lingerMs + 200);
    assert.equal(bench.closed, 1);
    bench.finish();
  });

  it('of an upstream ends its connection and is counted', async (t) => {
    withLimits(t, LOW);
    const bench = await Http2ClientBench.start();
    bench.world.advance(1_100);
    const exchange = bench.ask();
    bench.peer.send(...Array.from({ length: FEW + 1 }, () => ping('12345678')));
    assert.deepEqual(bench.limitHits, ['ping']);
    assert.deepEqual(exchange.calls, ['reset upstream-protocol never -']);
    assert.equal(bench.peer.take().at(-1), 'GOAWAY 0 ENHANCE_YOUR_CALM');
    assert.deepEqual(bench.heard, ['retiring']);
    bench.finish();
  });

  it('of resets by an upstream is none: they are of what was asked for', async (t) => {
    withLimits(t, LOW);
    const bench = await Http2ClientBench.start();
    for (let i = 0; i < 3 * FEW; i++) {
      const exchange = bench.ask();
      bench.peer.send(reset(1 + 2 * i, 'REFUSED_STREAM'));
      assert.deepEqual(exchange.calls, ['reset upstream-reset unprocessed -']);
    }
    assert.deepEqual(bench.limitHits, []);
    // But of streams that are over, it is.
    for (let i = 0; i <= FEW; i++) bench.peer.send(reset(1 + 2 * i, 'CANCEL'));
    assert.deepEqual(bench.limitHits, ['resets']);
    bench.finish();
  });
});

test('a stream above the limit is refused, counted, and too many of them end the connection', async (t) => {
  withLimits(t, { ...LOW, concurrentStreamsMax: 2 });
  const bench = await Http2ServerBench.start();
  for (let i = 0; i < 3; i++) bench.peer.send(lastHeaders(1 + 2 * i, getBlock()));
  assert.deepEqual(bench.peer.takeMain(), ['RST_STREAM 5 REFUSED_STREAM']);
  assert.deepEqual([bench.exchanges.length, bench.limitHits], [2, ['streams']]);
  bench.answer(bench.last);
  bench.peer.send(lastHeaders(7, getBlock()));
  assert.equal(bench.exchanges.length, 3);
  for (let i = 0; i < FEW; i++) bench.peer.send(lastHeaders(9 + 2 * i, getBlock()));
  assert.deepEqual(
    [bench.limitHits.at(-1), bench.peer.take().at(-1)?.slice(-17)],
    ['resets', 'ENHANCE_YOUR_CALM'],
  );
  bench.finish();
});

test('a header block in too many CONTINUATION frames, or empty ones, ends the connection', async () => {
  for (const [count, octets] of [
    [33, 'x'],
    [3, ''],
  ] as const) {
    const bench = await Http2ServerBench.start();
    const more = Array.from({ length: count }, () => continuation(1, octets, 0));
    bench.peer.send(headers(1, '', 0), ...more);
    assert.deepEqual([bench.limitHits, bench.exchanges.length], [['continuation'], 0]);
    assert.equal(bench.peer.take().at(-1), 'GOAWAY 0 ENHANCE_YOUR_CALM');
    bench.finish();
  }
});

test('a header block of more bytes than would ever be taken ends the connection', async () => {
  const bench = await Http2ServerBench.start();
  const frames = (4 * limits.headBytesMax) / 16_384;
  const more = Array.from({ length: frames }, () => continuation(1, Buffer.alloc(16_384), 0));
  bench.peer.send(headers(1, 'x', 0), ...more);
  assert.deepEqual([bench.limitHits, bench.exchanges.length], [['head-size'], 0]);
  assert.equal(bench.peer.take().at(-1), 'GOAWAY 0 ENHANCE_YOUR_CALM');
  bench.finish();
});

test('a block that unfolds into a bomb is refused alone, and counted', async () => {
  const bench = await Http2ServerBench.start();
  const bomb = Buffer.concat([
    getBlock(),
    literal('x', 'b'.repeat(3_900), INCREMENTAL),
    ...Array.from({ length: 10_000 }, () => indexed(62)),
  ]);
  bench.peer.send(lastHeaders(1, bomb));
  assert.match(bench.peer.takeMain()[0] ?? '', /^HEADERS 1 :status=431 /);
  assert.deepEqual(
    [bench.limitHits, bench.refused, bench.exchanges.length],
    [['head-size'], ['head-too-large'], 0],
  );
  // The table is in step still.
  bench.peer.send(lastHeaders(3, Buffer.concat([getBlock(), indexed(62)])));
  assert.equal(bench.exchanges.length, 1);
  bench.finish();
});

test('DATA beyond the window of its stream, and windows beyond 2^31-1, are counted', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, postBlock()));
  bench.peer.send(...Array.from({ length: 4 }, () => data(1, Buffer.alloc(16_384))));
  assert.deepEqual(bench.limitHits, []);
  bench.peer.send(data(1, 'x'));
  assert.deepEqual(
    [bench.peer.stream(1).reset, bench.limitHits],
    ['FLOW_CONTROL_ERROR', ['window']],
  );
  bench.peer.send(lastHeaders(3, getBlock()), windowUpdate(3, 2 ** 31 - 1));
  assert.deepEqual([bench.peer.stream(3).reset, bench.limitHits.length], ['FLOW_CONTROL_ERROR', 2]);
  bench.peer.send(lastHeaders(5, getBlock()), windowUpdate(5, 2 ** 31 - 1 - 65_535));
  assert.equal(bench.limitHits.length, 2);
  bench.peer.send(settings([SETTING.INITIAL_WINDOW_SIZE, 65_536]));
  assert.deepEqual(
    [bench.limitHits.length, bench.peer.take().at(-1)],
    [3, 'GOAWAY 5 FLOW_CONTROL_ERROR'],
  );
  bench.finish();
});

test('a connection window beyond 2^31-1 ends the connection', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(windowUpdate(0, 2 ** 31 - 1));
  assert.deepEqual(
    [bench.limitHits, bench.peer.take().at(-1)],
    [['window'], 'GOAWAY 0 FLOW_CONTROL_ERROR'],
  );
  bench.finish();
});

test('a client that asks and never reads is not read, holds a bounded amount, and is ended', async () => {
  const idleMs = 5_000;
  const bench = await Http2ServerBench.start([], { capacityBytes: 2_000, idleMs });
  const large = `HTTP/1.1 200 \r\nx: ${'~'.repeat(8_000)}\r\n\r\n`;
  bench.onOpen = (exchange) => {
    bench.opened.push(exchange);
  };
  bench.peer.peer.pause();
  for (let i = 0; i < 500; i++) {
    bench.peer.send(lastHeaders(1 + 2 * i, getBlock()));
    for (const exchange of bench.opened.splice(0)) {
      bench.head(exchange, large);
      bench.end(exchange);
    }
  }
  assert.deepEqual(bench.limitHits, ['stalled']);
  assert.ok(bench.link.unsentBytes < limits.unreadBytesMax + 20_000, `${bench.link.unsentBytes}`);
  assert.ok(bench.exchanges.length < 60, `${bench.exchanges.length} were asked for`);
  bench.world.advance(idleMs + timeouts.streamIdleMs + 500);
  assert.equal(bench.closed, 1);
  bench.finish();
});

test('a client that reads again is read again', async () => {
  const bench = await Http2ServerBench.start([], { capacityBytes: 2_000 });
  const large = `HTTP/1.1 200 \r\nx: ${'~'.repeat(8_000)}\r\n\r\n`;
  const answerAll = (): void => {
    for (const exchange of bench.opened.splice(0)) {
      bench.head(exchange, large);
      bench.end(exchange);
    }
  };
  bench.onOpen = (exchange) => {
    bench.opened.push(exchange);
  };
  bench.peer.peer.pause();
  const asked = 100;
  for (let i = 0; i < asked; i++) {
    bench.peer.send(lastHeaders(1 + 2 * i, getBlock()));
    answerAll();
  }
  assert.ok(bench.exchanges.length < asked);
  bench.peer.peer.resume();
  bench.world.run();
  while (bench.opened.length > 0) answerAll();
  assert.equal(bench.exchanges.length, asked);
  assert.equal(bench.peer.stream(1 + 2 * (asked - 1)).ended, true);
  bench.finish();
});

test('an upstream that does not read is read on: it may be waiting for us', async () => {
  const bench = await Http2ClientBench.start([], { capacityBytes: 2_000 });
  bench.peer.peer.pause();
  const text = `GET /a HTTP/1.1\r\nHost: h\r\nx: ${'~'.repeat(8_000)}\r\n\r\n`;
  const all = Array.from({ length: 60 }, () => bench.ask(text));
  assert.ok(bench.link.unsentBytes > limits.unreadBytesMax);
  // The first read is one that a pause may follow.
  for (const i of [0, 1]) {
    bench.peer.send(lastHeaders(1 + 2 * i, statusBlock(200)));
    assert.equal(all[i]?.calls.at(-1), 'end');
  }
  assert.deepEqual(bench.limitHits, []);
  bench.peer.peer.resume();
  bench.world.run();
  bench.finish();
});

test('an upstream that does not read is sent no more requests than unreadBytesMax, until it reads', async () => {
  const bench = await Http2ClientBench.start([], { capacityBytes: 2_000 });
  bench.peer.peer.pause();
  const text = `GET /a HTTP/1.1\r\nHost: h\r\nx: ${'~'.repeat(60_000)}\r\n\r\n`;
  let asked = 0;
  while (bench.session.capacity > 0 && asked < 100) {
    // Its place is free again at once, its head still waits to leave.
    bench.ask(text).reset(new MeshError('cancelled', 'downstream', 'Gone.'));
    asked++;
  }
  assert.ok(asked > 1 && bench.link.unsentBytes < limits.unreadBytesMax + 64 * 1024, `${asked}`);
  assert.deepEqual([bench.session.streams, bench.session.streamsMax > 0], [0, true]);
  assert.ok(!bench.heard.includes('available'));
  bench.peer.peer.resume();
  bench.world.run();
  assert.ok(bench.session.capacity > 0);
  assert.equal(bench.heard.filter((what) => what === 'available').length, 1);
  bench.finish();
});

test('an upstream that makes us answer what it does not read is given up', async () => {
  const bench = await Http2ClientBench.start([], { capacityBytes: 2_000 });
  const exchange = bench.ask();
  bench.peer.peer.pause();
  const pings = Buffer.concat(Array.from({ length: 1_000 }, () => ping('12345678')));
  let most = 0;
  for (let i = 0; i < 60 && !bench.heard.includes('closed'); i++) {
    for (let k = 0; k < 9; k++) bench.peer.send(pings);
    most = Math.max(most, bench.link.unsentBytes);
    bench.world.advance(1_100);
  }
  assert.ok(most > 1024 * 1024 && most < 2 * 1024 * 1024, `${most}`);
  assert.deepEqual(bench.limitHits, ['stalled']);
  assert.deepEqual(exchange.calls, ['reset upstream-protocol never -']);
  assert.deepEqual(bench.heard, ['retiring', 'closed']);
  bench.finish();
});

test('streams whose client gives them no window are ended after streamIdleMs, and counted', async () => {
  const bench = await Http2ServerBench.start([NARROW]);
  bench.peer.send(lastHeaders(1, getBlock()), lastHeaders(3, getBlock()));
  const [first, second] = bench.exchanges;
  assert(first !== undefined && second !== undefined);
  // One answer is whole, of the other more may come.
  bench.answer(first, 'waits');
  bench.head(second);
  bench.data(second, 'waits');
  bench.world.advance(2 * timeouts.streamIdleMs + 200);
  assert.deepEqual(
    [bench.peer.stream(1).reset, bench.peer.stream(3).reset],
    ['CANCEL', 'INTERNAL_ERROR'],
  );
  assert.equal(second.calls.at(-1), 'reset deadline-passed -');
  assert.deepEqual([bench.limitHits, bench.session.idle], [['stalled', 'stalled'], true]);
  bench.finish();
});

test('an answer of ours that a client does not take is let go', async () => {
  const bench = await Http2ServerBench.start([NARROW]);
  bench.peer.send(lastHeaders(1, getBlock()));
  bench.world.advance(2 * timeouts.streamIdleMs + 200);
  assert.match(bench.peer.takeMain()[0] ?? '', /^HEADERS 1 :status=504/);
  assert.deepEqual([bench.last.calls.at(-1), bench.limitHits], ['reset deadline-passed -', []]);
  bench.world.advance(2 * timeouts.streamIdleMs);
  assert.deepEqual([bench.peer.stream(1).reset, bench.limitHits], ['CANCEL', ['stalled']]);
  assert.equal(bench.session.idle, true);
  bench.finish();
});

test('a frame that never becomes whole ends the connection, whatever streams are open', async (t) => {
  const tails = {
    'a cut head': [headers(3, getBlock()).subarray(0, 12)],
    'a block without its end': [headers(3, getBlock(), 0)],
    'a block that goes on': [headers(3, getBlock(), 0), continuation(3, 'x', 0)],
    'a cut SETTINGS': [settings([1, 4_096]).subarray(0, 14)],
  };
  for (const [name, frames] of Object.entries(tails)) {
    await t.test(name, async () => {
      const bench = await Http2ServerBench.start();
      bench.peer.acknowledges = false;
      bench.peer.send(lastHeaders(1, getBlock()));
      bench.world.advance(3_000);
      bench.peer.send(...frames);
      bench.world.advance(timeouts.headTimeoutMs - 200);
      assert.equal(bench.refused.length, 0);
      bench.world.advance(400);
      assert.deepEqual(bench.refused, ['head-timeout']);
      assert.equal(bench.peer.take().at(-1), 'GOAWAY 1 ENHANCE_YOUR_CALM');
      assert.equal(bench.last.calls.at(-1), 'reset cancelled 8');
      bench.finish();
    });
  }
});

test('a frame whose rest we do not read is not late', async () => {
  const bench = await Http2ServerBench.start([], { capacityBytes: 2_000 });
  const large = `HTTP/1.1 200 \r\nx: ${'~'.repeat(8_000)}\r\n\r\n`;
  bench.onOpen = (exchange) => {
    bench.opened.push(exchange);
  };
  bench.peer.peer.pause();
  const frames = Array.from({ length: 80 }, (_, i) => lastHeaders(1 + 2 * i, getBlock()));
  const all = Buffer.concat(frames);
  const size = all.length / frames.length;
  // Each read ends in the middle of a frame.
  for (let at = 0; at < all.length && bench.limitHits.length === 0; at += size) {
    bench.peer.peer.send(all.subarray(at === 0 ? 0 : at + 12, at + size + 12));
    bench.world.run();
    for (const exchange of bench.opened.splice(0)) {
      bench.head(exchange, large);
      if (bench.exchanges.length % 9 > 0) bench.end(exchange);
    }
  }
  assert.deepEqual([bench.limitHits, bench.session.idle], [['stalled'], false]);
  bench.world.advance(3 * timeouts.headTimeoutMs);
  assert.deepEqual([bench.refused, bench.closed], [[], 0]);
  bench.peer.peer.reset();
  bench.finish();
});

test('frames that are always cut, but become whole, end nothing', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.acknowledges = false;
  bench.peer.send(headers(1, postBlock()));
  let rest: Buffer = Buffer.alloc(0);
  for (let i = 0; i < 30; i++) {
    const next = lastHeaders(idOf(i), getBlock());
    bench.peer.peer.send(Buffer.concat([rest, next.subarray(0, 15)]));
    rest = next.subarray(15);
    bench.world.advance(1_000);
  }
  assert.deepEqual([bench.refused, bench.exchanges.length], [[], 30]);
  bench.peer.peer.reset();
  bench.finish();
});

test('DATA may take its time', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.acknowledges = false;
  const body = 'x'.repeat(40);
  const bytes = data(1, body, END_STREAM);
  bench.peer.send(headers(1, postBlock()));
  for (const byte of bytes) {
    bench.peer.peer.send(Buffer.from([byte]));
    bench.world.advance(1_000);
  }
  assert.equal(bench.last.calls.at(-1), 'end');
  assert.equal(bench.last.request.text, body);
  assert.deepEqual(bench.refused, []);
  bench.finish();
});

test('END_HEADERS is no flood', async () => {
  const bench = await Http2ServerBench.start();
  const many = limits.resetsPerSecondMax + 1;
  for (let i = 0; i < many; i++) {
    bench.peer.send(headers(1 + 2 * i, getBlock(), END_HEADERS | END_STREAM));
    bench.answer(bench.last);
    bench.exchanges.length = 0;
  }
  assert.deepEqual(bench.limitHits, []);
  bench.finish();
});

test('heads of several frames are no flood when many share a connection', async () => {
  const bench = await Http2ServerBench.start();
  const long = getBlock(['x', '~'.repeat(20_000)]);
  for (let i = 0; i < 600; i++) {
    bench.peer.send(longHeaders(1 + 2 * i, long));
    bench.answer(bench.last);
    bench.exchanges.length = 0;
  }
  assert.deepEqual([bench.limitHits, bench.closed], [[], 0]);
  bench.finish();
});
