import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ClientExchange,
  Http2ClientBench,
  type SettingPair,
  withLimits,
} from '../../test/support/http2-sessions.ts';
import {
  ACK,
  data,
  END_STREAM,
  goaway,
  headers,
  lastHeaders,
  ping,
  reset,
  SETTING,
  settings,
  statusBlock,
  windowUpdate,
} from '../../test/support/http2-wire.ts';
import { limits, timeouts } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';

const OK = statusBlock(200);
const CANCEL = new MeshError('cancelled', 'downstream', 'Gone.');
const POST = 'POST /a HTTP/1.1\r\nHost: h\r\n\r\n';
const WHOLE = ['head 200 0 ', 'end'];
const streamsMax = (count: number): SettingPair => [SETTING.MAX_CONCURRENT_STREAMS, count];
const ask = (bench: Http2ClientBench, count: number): ClientExchange[] =>
  Array.from({ length: count }, () => bench.ask());

test('Http2Client opens streams in order and is idle when the last is over', async () => {
  const bench = await Http2ClientBench.start();
  const [first, second] = ask(bench, 2);
  assert.deepEqual(bench.peer.takeMain(), [
    'HEADERS 1 :method=GET :scheme=http :authority=h :path=/a end',
    'HEADERS 3 :method=GET :scheme=http :authority=h :path=/a end',
  ]);
  bench.peer.send(lastHeaders(3, OK));
  assert.deepEqual([first?.calls, second?.calls, bench.heard], [[], WHOLE, []]);
  bench.peer.send(lastHeaders(1, OK));
  assert.deepEqual([first?.calls, bench.heard, bench.session.served], [WHOLE, ['idle'], 2]);
  bench.finish();
});

test('Http2Client has no more streams open than its peer and we allow', async (t) => {
  withLimits(t, { concurrentStreamsMax: 3 });
  const bench = await Http2ClientBench.start([streamsMax(10)]);
  assert.equal(bench.session.capacity, 3);
  ask(bench, 3);
  assert.deepEqual([bench.session.capacity, bench.session.streams], [0, 3]);
  bench.peer.send(lastHeaders(1, OK));
  assert.deepEqual([bench.heard, bench.session.capacity], [['available'], 1]);
  bench.peer.send(lastHeaders(3, OK));
  assert.deepEqual(bench.heard, ['available'], 'there was room already');
  bench.finish();
});

test('Http2Client follows SETTINGS_MAX_CONCURRENT_STREAMS to 0, below what is open, and up', async (t) => {
  await t.test('of 0 at first, then raised', async () => {
    const bench = await Http2ClientBench.start([streamsMax(0)]);
    assert.equal(bench.session.capacity, 0);
    bench.peer.send(settings(streamsMax(2)));
    assert.deepEqual([bench.session.capacity, bench.heard], [2, ['available']]);
    bench.finish();
  });

  await t.test('lowered to 0 while nothing is open', async () => {
    const bench = await Http2ClientBench.start();
    bench.peer.send(settings(streamsMax(0)));
    assert.deepEqual([bench.session.capacity, bench.heard], [0, []]);
    bench.peer.send(settings(streamsMax(1)));
    assert.deepEqual([bench.session.capacity, bench.heard], [1, ['available']]);
    bench.finish();
  });

  await t.test('lowered below what is open', async () => {
    const bench = await Http2ClientBench.start([streamsMax(10)]);
    ask(bench, 3);
    bench.peer.send(settings(streamsMax(1)));
    assert.equal(bench.session.capacity, 0);
    bench.peer.send(lastHeaders(1, OK), lastHeaders(3, OK));
    assert.deepEqual([bench.session.capacity, bench.heard], [0, []]);
    bench.peer.send(lastHeaders(5, OK));
    assert.deepEqual([bench.session.capacity, bench.heard], [1, ['available', 'idle']]);
    bench.finish();
  });

  await t.test('lowered and raised again while streams are open', async () => {
    const bench = await Http2ClientBench.start([streamsMax(10)]);
    ask(bench, 2);
    bench.peer.send(settings(streamsMax(2)));
    bench.peer.send(settings(streamsMax(3)));
    assert.deepEqual([bench.session.capacity, bench.heard], [1, ['available']]);
    bench.finish();
  });

  await t.test('lowered and never raised is no news', async () => {
    const bench = await Http2ClientBench.start();
    bench.peer.send(settings(streamsMax(5)));
    bench.peer.send(settings(streamsMax(7)));
    assert.deepEqual(bench.heard, []);
    bench.finish();
  });
});

test('Http2Client opens no stream before the SETTINGS of its peer', async () => {
  const bench = await Http2ClientBench.start('silent');
  assert.deepEqual([bench.heard, bench.session.capacity], [[], 0]);
  bench.peer.send(settings(streamsMax(2)));
  assert.deepEqual([bench.heard, bench.session.capacity], [['opened'], 2]);
  bench.heard.length = 0;
  const exchange = bench.ask();
  bench.peer.send(lastHeaders(1, OK));
  assert.deepEqual(exchange.calls, WHOLE);
  bench.finish();
});

test('Http2Client is not opened by a peer that speaks no HTTP/2', async () => {
  const bench = await Http2ClientBench.start('silent');
  bench.peer.peer.send('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n');
  bench.world.run();
  assert.deepEqual(bench.heard, ['failed upstream-protocol unsent']);
  bench.finish();
});

test('Http2Client whose peer is gone before its SETTINGS was asked nothing', async () => {
  for (const [how, speaksHttp2, code] of [
    ['reset', true, 'upstream-unreachable'],
    ['end', true, 'upstream-unreachable'],
    ['close', false, 'upstream-protocol'],
  ] as const) {
    const bench = await Http2ClientBench.start('silent');
    bench.speaksHttp2 = speaksHttp2;
    bench.peer.peer[how]();
    bench.world.run();
    assert.deepEqual(bench.heard, [`failed ${code} unsent`]);
    assert.equal(bench.armed, 0);
    bench.finish();
  }
});

test('Http2Client whose peer says no SETTINGS gives it up', async () => {
  const bench = await Http2ClientBench.start('silent');
  bench.world.advance(timeouts.connectTimeoutMs + 400);
  assert.deepEqual(bench.heard, [], 'a busy server has more time than a dial');
  bench.world.advance(timeouts.headTimeoutMs);
  assert.deepEqual(bench.heard, ['failed deadline-passed unsent']);
  assert.deepEqual([bench.armed, bench.session.capacity], [0, 0]);
  bench.finish();
});

test('Http2Client whose peer is gone tells each stream what may be done about it', async () => {
  for (const how of ['reset', 'end', 'close'] as const) {
    const bench = await Http2ClientBench.start();
    const [none, begun, whole] = ask(bench, 3);
    bench.peer.send(headers(3, OK), data(3, 'part'), lastHeaders(5, OK));
    bench.peer.peer[how]();
    bench.world.run();
    assert.deepEqual(none?.calls, ['reset upstream-reset if-reused -']);
    assert.deepEqual(begun?.calls, ['head 200 -1 ', 'data part', 'reset upstream-reset never -']);
    assert.deepEqual(whole?.calls, WHOLE);
    assert.deepEqual(bench.heard, ['retiring', 'closed']);
    bench.finish();
  }
});

test('Http2Client moves what GOAWAY says was not processed, and keeps the rest', async () => {
  const bench = await Http2ClientBench.start();
  const all = ask(bench, 3);
  bench.peer.send(goaway(2 ** 31 - 1, 'NO_ERROR'));
  assert.deepEqual([bench.heard, bench.session.capacity], [['retiring'], 0]);
  assert.ok(all.every(({ calls }) => calls.length === 0));
  bench.peer.send(goaway(3, 'NO_ERROR'));
  assert.deepEqual(
    all.map(({ calls }) => calls),
    [[], [], ['reset upstream-reset unprocessed -']],
  );
  bench.peer.send(goaway(1, 'ENHANCE_YOUR_CALM', 'too_many_pings'));
  assert.deepEqual(all[1]?.calls, ['reset upstream-reset unprocessed -']);
  bench.peer.take();
  bench.peer.send(lastHeaders(1, OK));
  assert.deepEqual(all[0]?.calls, WHOLE);
  assert.deepEqual([bench.heard, bench.peer.take()], [['retiring'], ['GOAWAY 0 NO_ERROR']]);
  assert.equal(bench.peer.peer.ended, true);
  bench.finish();
});

test('Http2Client that is idle ends with the GOAWAY it gets', async () => {
  const bench = await Http2ClientBench.start();
  bench.peer.send(goaway(0, 'NO_ERROR'));
  assert.deepEqual([bench.heard, bench.peer.peer.ended], [['retiring'], true]);
  bench.finish();
});

test('Http2Client that retires with a stream that was taken ends when that is not used', async (t) => {
  for (const what of ['given back', 'used too late'] as const) {
    await t.test(what, async () => {
      const bench = await Http2ClientBench.start();
      const stream = bench.session.open();
      assert.equal(bench.session.streams, 1);
      bench.peer.send(goaway(0, 'NO_ERROR'));
      assert.deepEqual([bench.heard, bench.peer.peer.ended], [['retiring'], false]);
      if (what === 'given back') bench.run(() => stream.close());
      else {
        const late = bench.use(stream);
        assert.deepEqual(late.calls, ['reset upstream-reset unprocessed -']);
      }
      assert.deepEqual([bench.session.streams, bench.peer.peer.ended], [0, true]);
      bench.finish();
    });
  }
});

test('Http2Client tells its owner of a stream that was given back', async () => {
  const bench = await Http2ClientBench.start([streamsMax(1)]);
  const stream = bench.session.open();
  assert.equal(bench.session.capacity, 0);
  bench.run(() => stream.close());
  assert.deepEqual([bench.session.capacity, bench.heard], [1, ['available', 'idle']]);
  bench.finish();
});

test('Http2Client retires with its last stream id, and serves it', async () => {
  const bench = await Http2ClientBench.start([], { firstStream: 2 ** 31 - 3 });
  const [first] = ask(bench, 1);
  assert.deepEqual([bench.heard, bench.session.capacity > 0], [[], true]);
  const last = bench.ask();
  assert.deepEqual([bench.heard, bench.session.capacity], [['retiring'], 0]);
  bench.peer.send(lastHeaders(2 ** 31 - 3, OK), lastHeaders(2 ** 31 - 1, OK));
  assert.deepEqual([first?.calls, last.calls], [WHOLE, WHOLE]);
  assert.equal(bench.peer.peer.ended, true);
  bench.finish();
});

test('Http2Client that is closed ends at once, or with its last stream', async () => {
  const idle = await Http2ClientBench.start();
  idle.run(() => idle.session.close());
  assert.deepEqual([idle.heard, idle.peer.take()], [['retiring'], ['GOAWAY 0 NO_ERROR']]);
  idle.finish();
  const busy = await Http2ClientBench.start();
  const exchange = busy.ask();
  busy.run(() => busy.session.close());
  assert.equal(busy.peer.peer.ended, false);
  busy.peer.send(lastHeaders(1, OK));
  assert.deepEqual([exchange.calls, busy.peer.peer.ended], [WHOLE, true]);
  busy.finish();
});

test('Http2Client whose peer does not end the link ends it', async () => {
  const bench = await Http2ClientBench.start();
  bench.peer.peer.pause();
  bench.run(() => bench.session.close());
  bench.world.advance(timeouts.lingerMs + 200);
  assert.deepEqual(bench.heard, ['retiring', 'closed']);
  bench.finish();
});

test('Http2Client asks a silent peer, takes no more streams, and gives it up', async () => {
  const bench = await Http2ClientBench.start();
  bench.peer.acknowledges = false;
  const exchange = bench.ask();
  bench.peer.take();
  bench.world.advance(timeouts.pingAfterMs + 200);
  assert.deepEqual([bench.peer.take(), bench.session.capacity, bench.heard], [['PING 0'], 0, []]);
  bench.world.advance(timeouts.pingTimeoutMs + 200);
  assert.deepEqual(exchange.calls, ['reset deadline-passed never -']);
  assert.deepEqual(bench.heard, ['retiring', 'closed']);
  bench.finish();
});

test('Http2Client serves to its end what a peer that answers its PING is slow with', async () => {
  const bench = await Http2ClientBench.start();
  const exchange = bench.ask();
  bench.world.advance(timeouts.pingAfterMs + 2 * timeouts.pingTimeoutMs);
  assert.deepEqual([bench.heard, bench.session.capacity > 0], [['available'], true]);
  bench.peer.send(lastHeaders(1, OK));
  assert.deepEqual(exchange.calls, WHOLE);
  bench.finish();
});

test('Http2Client takes streams again when a silent peer says anything, be it its PING', async (t) => {
  const says = {
    'the answer': ping('culvert?', ACK),
    'a part of a frame': settings().subarray(0, 3),
  };
  for (const [what, bytes] of Object.entries(says)) {
    await t.test(what, async () => {
      const bench = await Http2ClientBench.start();
      bench.peer.acknowledges = false;
      const watch = bench.ask();
      bench.world.advance(timeouts.pingAfterMs + 200);
      assert.equal(bench.session.capacity, 0);
      bench.peer.peer.send(bytes);
      bench.world.run();
      assert.ok(bench.session.capacity > 0);
      assert.deepEqual([bench.heard, watch.calls], [['available'], []]);
      bench.peer.peer.reset();
      bench.finish();
    });
  }
});

test('Http2Client does not ask a peer that has nothing to answer', async () => {
  const bench = await Http2ClientBench.start();
  bench.ask();
  bench.peer.send(lastHeaders(1, OK));
  bench.peer.take();
  bench.world.advance(2 * timeouts.streamIdleMs);
  assert.deepEqual([bench.peer.take(), bench.heard, bench.armed], [[], ['idle'], 0]);
  bench.finish();
});

test('Http2Client ends a stream in which nothing moves, and only that', async () => {
  const bench = await Http2ClientBench.start();
  const [stalls, moves] = ask(bench, 2);
  bench.peer.send(headers(3, OK));
  const rounds = (2 * timeouts.streamIdleMs) / 30_000 + 1;
  for (let i = 0; i < rounds; i++) {
    bench.peer.send(data(3, 'x'));
    bench.world.advance(30_000);
  }
  assert.deepEqual(stalls?.calls, ['reset deadline-passed never -']);
  assert.equal(bench.peer.stream(1).reset, 'CANCEL');
  bench.peer.send(data(3, 'x', END_STREAM));
  assert.equal(moves?.calls.at(-1), 'end');
  assert.deepEqual(bench.limitHits, [], 'it took all it was given');
  bench.finish();
});

test('Http2Client tells of an upstream that takes nothing, and of a body that waits for it', async () => {
  const bench = await Http2ClientBench.start([[SETTING.INITIAL_WINDOW_SIZE, 0]]);
  const exchange = bench.ask(POST, -1);
  exchange.data('waits');
  bench.world.advance(2 * timeouts.streamIdleMs + 200);
  assert.deepEqual(exchange.calls, ['reset deadline-passed never -']);
  assert.deepEqual([bench.limitHits, bench.session.streams], [['stalled'], 0]);
  bench.finish();
});

test('Http2Client resets no more streams than servers take for calm, then leaves', async (t) => {
  const { resetsSentMax } = limits;

  await t.test('one after the other', async () => {
    const bench = await Http2ClientBench.start();
    let resets = 0;
    for (; bench.session.capacity > 0 && resets < 2_000; resets++) bench.ask().reset(CANCEL);
    assert.equal(resets, resetsSentMax / 2);
    assert.deepEqual(bench.heard.slice(-1), ['retiring']);
    assert.deepEqual(
      [bench.peer.take().at(-1), bench.peer.peer.ended],
      ['GOAWAY 0 NO_ERROR', true],
    );
    assert.deepEqual(bench.limitHits, []);
    bench.finish();
  });

  await t.test('all that are open at a time', async () => {
    const bench = await Http2ClientBench.start();
    const open: ClientExchange[] = [];
    while (bench.session.capacity > 0) open.push(bench.ask());
    assert.equal(open.length, resetsSentMax);
    bench.peer.take();
    for (const exchange of open) exchange.reset(CANCEL);
    const resets = bench.peer.take().filter((line) => line.startsWith('RST_STREAM'));
    assert.equal(resets.length, resetsSentMax);
    bench.finish();
  });

  await t.test('of those that were refused for what was sent on them, too', async () => {
    const bench = await Http2ClientBench.start();
    const neighbour = bench.ask();
    for (let i = 1; i <= resetsSentMax / 2; i++) {
      bench.ask();
      bench.peer.send(headers(1 + 2 * i, statusBlock('none')));
    }
    assert.deepEqual([bench.session.capacity, bench.heard], [0, ['retiring']]);
    bench.peer.send(lastHeaders(1, OK));
    assert.deepEqual([neighbour.calls, bench.peer.peer.ended], [WHOLE, true]);
    bench.finish();
  });

  await t.test('and goes on for ever with fewer a second', async () => {
    const bench = await Http2ClientBench.start();
    for (let second = 0; second < 60; second++) {
      for (let i = 0; i < limits.resetsSentPerSecond; i++) bench.ask().reset(CANCEL);
      bench.world.advance(1_000);
    }
    assert.ok(bench.session.capacity > 0);
    assert.ok(!bench.heard.includes('retiring'));
    bench.world.advance(2 * timeouts.streamIdleMs);
    assert.equal(bench.armed, 0);
    bench.finish();
  });
});

test('Http2Client whose streams last ends those that wait for a window, and no others', async () => {
  const bench = await Http2ClientBench.start([[SETTING.INITIAL_WINDOW_SIZE, 0]], {
    streamsLast: true,
  });
  const silent = bench.ask(POST, -1);
  const waits = bench.ask(POST, -1);
  waits.data('body');
  bench.world.advance(3 * timeouts.streamIdleMs);
  assert.deepEqual([silent.calls, bench.session.streams], [[], 1]);
  assert.deepEqual(waits.calls, ['reset deadline-passed never -']);
  silent.reset(CANCEL);
  bench.finish();
});

test('Http2Client that gets no connection says so', async (t) => {
  await t.test('refused', async () => {
    const bench = new Http2ClientBench({}, 1);
    bench.dial();
    assert.deepEqual(bench.heard, ['failed upstream-refused unsent']);
    assert.equal(bench.armed, 0);
  });
  await t.test('no answer', async () => {
    const bench = new Http2ClientBench({}, 1);
    bench.world.transport.silence({ host: '127.0.0.1', port: 80 });
    bench.dial();
    bench.world.advance(timeouts.connectTimeoutMs + 400);
    assert.deepEqual(bench.heard, ['failed deadline-passed unsent']);
    assert.deepEqual([bench.armed, bench.session.capacity], [0, 0]);
  });
});

test('Http2Client has its timers to itself: none is left of a connection that served', async () => {
  const bench = await Http2ClientBench.start();
  for (let i = 0; i < 3; i++) {
    const exchange = bench.ask(POST, -1);
    exchange.data('body');
    bench.peer.send(headers(1 + 2 * i, OK), data(1 + 2 * i, 'a'));
    if (i === 1) exchange.reset(CANCEL);
    else {
      exchange.end();
      bench.peer.send(data(1 + 2 * i, '', END_STREAM));
    }
  }
  bench.world.advance(2 * timeouts.streamIdleMs + timeouts.pingAfterMs);
  assert.equal(bench.armed, 0);
  bench.finish();
});

test('Http2Client ignores what comes for streams that are over', async () => {
  const bench = await Http2ClientBench.start();
  const exchange = bench.ask();
  exchange.reset(CANCEL);
  bench.peer.take();
  bench.peer.send(headers(1, OK), data(1, 'x'), windowUpdate(1, 1), reset(1, 'CANCEL'));
  assert.deepEqual([bench.peer.take(), exchange.calls], [[], []]);
  const next = bench.ask();
  bench.peer.send(lastHeaders(3, OK));
  assert.deepEqual(next.calls, WHOLE);
  bench.finish();
});
