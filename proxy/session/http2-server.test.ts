import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  Http2ServerBench,
  type SettingPair,
  withLimits,
} from '../../test/support/http2-sessions.ts';
import {
  ACK,
  continuation,
  data,
  END_STREAM,
  getBlock,
  goaway,
  headers,
  lastHeaders,
  ping,
  postBlock,
  PREFACE,
  SETTING,
  settings,
  windowUpdate,
} from '../../test/support/http2-wire.ts';
import { timeouts } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';

const NARROW: SettingPair = [SETTING.INITIAL_WINDOW_SIZE, 0];
const WIDE: SettingPair = [SETTING.INITIAL_WINDOW_SIZE, 2 ** 24];
const DRAIN = new MeshError('past-drain', 'proxy', 'The sidecar is going away.');
const GOODBYE_MS = 1_000;

test('Http2Server says SETTINGS and its window before anything came', async () => {
  const bench = await Http2ServerBench.start('silent');
  bench.peer.peer.send(PREFACE.subarray(0, 5));
  bench.world.advance(1_000);
  bench.peer.peer.send(PREFACE.subarray(5));
  bench.peer.send(settings());
  assert.equal(bench.peer.credit, 1024 * 1024);
  bench.finish();
});

test('Http2Server reads whatever is cut at any octet', async () => {
  const bytes = Buffer.concat([
    PREFACE,
    settings(NARROW),
    headers(1, postBlock(), 0),
    continuation(1, ''),
    data(1, 'body', END_STREAM),
    windowUpdate(1, 10),
    lastHeaders(3, getBlock()),
  ]);
  for (let cut = 1; cut < bytes.length; cut++) {
    const bench = await Http2ServerBench.start('silent');
    bench.peer.put(bytes.subarray(0, cut));
    bench.world.run();
    bench.peer.put(bytes.subarray(cut));
    bench.world.run();
    assert.deepEqual(
      bench.exchanges.map(({ calls }) => calls),
      [
        ['POST / -1', 'data body', 'end'],
        ['GET / 0', 'end'],
      ],
      `cut at ${cut}`,
    );
    const [first] = bench.exchanges;
    assert(first !== undefined);
    bench.answer(first, 'answer');
    assert.equal(bench.peer.body(1), 'answer');
    bench.peer.peer.reset();
    bench.world.run();
    assert.equal(bench.world.transport.slabs.out, 0);
  }
});

test('Http2Server ends a connection that is no HTTP/2', async () => {
  const bench = await Http2ServerBench.start('silent');
  bench.peer.peer.send('GET / HTTP/1.1\r\n\r\n');
  bench.world.run();
  assert.equal(bench.peer.take().at(-1), 'GOAWAY 0 PROTOCOL_ERROR');
  assert.deepEqual(bench.refused, ['malformed-request']);
  bench.finish();
});

test('Http2Server gives a client headTimeoutMs for its preface and SETTINGS', async () => {
  for (const length of [1, 20, PREFACE.length]) {
    const bench = await Http2ServerBench.start('silent');
    bench.peer.peer.send(PREFACE.subarray(0, length));
    bench.world.advance(timeouts.headTimeoutMs - 200);
    assert.equal(bench.peer.peer.ended, false);
    bench.world.advance(400);
    assert.deepEqual([bench.refused, bench.peer.peer.ended], [['head-timeout'], true]);
    bench.finish();
  }
});

test('Http2Server keeps an idle client for idleMs from its SETTINGS or its last answer on', async () => {
  const idleMs = 60_000;
  const bench = await Http2ServerBench.start([], { idleMs });
  bench.world.advance(idleMs - 1_000);
  assert.deepEqual([bench.peer.peer.ended, bench.armed], [false, 1]);
  bench.peer.send(lastHeaders(1, getBlock()));
  bench.world.advance(5_000);
  bench.answer(bench.last);
  bench.world.advance(idleMs - 1_000);
  assert.equal(bench.peer.peer.ended, false);
  bench.peer.take();
  bench.world.advance(1_200);
  assert.deepEqual([bench.peer.take(), bench.peer.peer.ended], [['GOAWAY 1 NO_ERROR'], true]);
  assert.deepEqual(bench.refused, []);
  bench.peer.peer.end();
  bench.world.run();
  assert.equal(bench.closed, 1);
  bench.finish();
});

test('Http2Server says goodbye in two steps: the second when the client has heard the first', async () => {
  const bench = await Http2ServerBench.start();
  const { peer } = bench;
  peer.acknowledges = false;
  peer.send(lastHeaders(1, getBlock()));
  bench.run(() => bench.session.goodbye());
  bench.run(() => bench.session.goodbye());
  assert.deepEqual(peer.take(), ['GOAWAY 2147483647 NO_ERROR', 'PING 0']);
  // On its way when the client heard: served.
  peer.send(lastHeaders(3, getBlock()));
  peer.send(ping('culvert!', ACK));
  assert.deepEqual(peer.take(), ['GOAWAY 3 NO_ERROR']);
  peer.send(lastHeaders(5, getBlock()));
  assert.deepEqual(peer.take(), ['RST_STREAM 5 REFUSED_STREAM']);
  for (const exchange of bench.exchanges) bench.answer(exchange);
  assert.deepEqual(peer.take(), [
    'HEADERS 1 :status=200',
    'DATA 1 ok end',
    'HEADERS 3 :status=200',
    'DATA 3 ok end',
    'GOAWAY 3 NO_ERROR',
  ]);
  assert.equal(peer.peer.ended, true);
  bench.finish();
});

test('Http2Server does not wait for long for the answer to its PING', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.acknowledges = false;
  bench.run(() => bench.session.goodbye());
  bench.world.advance(GOODBYE_MS - 100);
  assert.equal(bench.peer.peer.ended, false);
  bench.world.advance(300);
  assert.equal(bench.peer.take().at(-1), 'GOAWAY 0 NO_ERROR');
  assert.equal(bench.peer.peer.ended, true);
  bench.finish();
});

test('Http2Server takes no answer to an earlier PING for that to its goodbye', async () => {
  const bench = await Http2ServerBench.start();
  const { peer } = bench;
  peer.acknowledges = false;
  peer.send(headers(1, postBlock()));
  bench.world.advance(timeouts.pingAfterMs + 200);
  assert.deepEqual(peer.take(), ['PING 0']);
  bench.run(() => bench.session.goodbye());
  peer.send(ping('culvert?', ACK));
  peer.send(lastHeaders(3, getBlock()));
  assert.equal(bench.exchanges.length, 2);
  bench.finish();
});

test('Http2Server ends an idle connection when told, and a busy one with its last answer', async () => {
  const idle = await Http2ServerBench.start();
  idle.run(() => idle.session.closeIfIdle());
  assert.deepEqual([idle.peer.take(), idle.peer.peer.ended], [['GOAWAY 0 NO_ERROR'], true]);
  idle.finish();

  const busy = await Http2ServerBench.start();
  busy.peer.send(lastHeaders(1, getBlock()));
  busy.run(() => busy.session.closeIfIdle());
  assert.deepEqual([busy.peer.take(), busy.peer.peer.ended], [['GOAWAY 1 NO_ERROR'], false]);
  busy.answer(busy.last);
  assert.equal(busy.peer.peer.ended, true);
  busy.finish();
});

test('Http2Server whose client goes away answers what is open, and refuses the rest', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(lastHeaders(1, getBlock()), goaway(0, 'NO_ERROR'), goaway(0, 'NO_ERROR'));
  assert.equal(bench.peer.peer.ended, false);
  bench.answer(bench.last);
  assert.deepEqual(bench.peer.takeMain(), [
    'GOAWAY 1 NO_ERROR',
    'HEADERS 1 :status=200',
    'DATA 1 ok end',
    'GOAWAY 1 NO_ERROR',
  ]);
  assert.equal(bench.peer.peer.ended, true);
  bench.finish();
});

/** A client that says goodbye, or hears ours, and reads no more of its last answer. */
async function lateReader(how: 'its goodbye' | 'ours'): Promise<Http2ServerBench> {
  const bench = await Http2ServerBench.start([WIDE], { capacityBytes: 2_000 });
  bench.peer.send(lastHeaders(1, getBlock()));
  if (how === 'ours') bench.run(() => bench.session.goodbye());
  else bench.peer.send(goaway(0, 'NO_ERROR'));
  bench.peer.peer.pause();
  bench.head(bench.last);
  bench.data(bench.last, Buffer.alloc(60_000, 'x'));
  bench.end(bench.last);
  assert.ok(bench.session.idle && bench.link.unsentBytes > 50_000);
  return bench;
}

test('Http2Server that ends gives its client all of the last answer, as slow as that reads', async (t) => {
  for (const how of ['its goodbye', 'ours'] as const) {
    await t.test(`in time, behind ${how}`, async () => {
      const bench = await lateReader(how);
      bench.world.advance(timeouts.streamIdleMs - 1_000);
      bench.peer.peer.resume();
      bench.world.run();
      assert.deepEqual([bench.peer.body(1).length, bench.peer.stream(1).ended], [60_000, true]);
      assert.deepEqual([bench.peer.peer.ended, bench.closed], [true, 0]);
      bench.world.advance(timeouts.lingerMs + 200);
      assert.deepEqual([bench.closed, bench.peer.peer.error], [1, undefined]);
      bench.finish();
    });
  }

  await t.test('never', async () => {
    const bench = await lateReader('its goodbye');
    bench.world.advance(timeouts.streamIdleMs - 200);
    assert.equal(bench.closed, 0);
    bench.world.advance(400);
    assert.equal(bench.closed, 1);
    bench.finish();
  });
});

test('Http2Server that is aborted ends in any state', async (t) => {
  const states: Record<string, (bench: Http2ServerBench) => void> = {
    'before the preface': () => undefined,
    idle: ({ peer }) => peer.send(PREFACE, settings()),
    'in the middle of a frame': ({ peer }) =>
      peer.send(PREFACE, settings(), headers(1, getBlock()).subarray(0, 11)),
    'while a request comes': ({ peer }) => peer.send(PREFACE, settings(), headers(1, postBlock())),
    'before an answer': ({ peer }) => peer.send(PREFACE, settings(), lastHeaders(1, getBlock())),
    'within an answer': (bench) => {
      bench.peer.send(PREFACE, settings(), lastHeaders(1, getBlock()));
      bench.head(bench.last);
      bench.data(bench.last, 'part');
    },
    'while an answer waits for its window': (bench) => {
      bench.peer.send(PREFACE, settings(NARROW), lastHeaders(1, getBlock()));
      bench.answer(bench.last);
    },
    'while it says goodbye': (bench) => {
      bench.peer.send(PREFACE, settings(), lastHeaders(1, getBlock()));
      bench.run(() => bench.session.goodbye());
    },
    'when it has ended': (bench) => {
      bench.peer.send(PREFACE, settings());
      bench.run(() => bench.session.closeIfIdle());
    },
    'while its client reads nothing': (bench) => {
      bench.peer.send(PREFACE, settings(), lastHeaders(1, getBlock()));
      bench.peer.peer.pause();
    },
  };
  for (const [state, reach] of Object.entries(states)) {
    await t.test(state, async () => {
      const bench = await Http2ServerBench.start('silent', { capacityBytes: 200 });
      reach(bench);
      bench.run(() => bench.session.abort(DRAIN));
      assert.deepEqual(
        [bench.session.idle, bench.exchanges.every(({ over }) => over)],
        [true, true],
      );
      const unread = bench.link.unsentBytes > 0;
      bench.world.advance(unread ? timeouts.streamIdleMs + 200 : timeouts.lingerMs + 200);
      assert.equal(bench.closed, 1, 'the client does not end it');
      bench.finish();
    });
  }
});

test('Http2Server that is aborted answers what is owed an answer, and cuts what has begun', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(lastHeaders(1, getBlock()), headers(3, postBlock()), lastHeaders(5, getBlock()));
  bench.head(bench.last);
  bench.peer.take();
  bench.run(() => bench.session.abort(DRAIN));
  const lines = bench.peer.take();
  assert.match(lines[0] ?? '', /^HEADERS 1 :status=503 /);
  assert.match(lines[2] ?? '', /^HEADERS 3 :status=503 /);
  assert.deepEqual(
    [1, 3, 5].map((stream) => bench.peer.stream(stream).ended),
    [true, true, false],
  );
  assert.equal(lines.at(-1), 'GOAWAY 5 NO_ERROR');
  // That is our failure, not the client's wish.
  assert.equal(bench.last.calls.at(-1), 'reset past-drain -');
  bench.finish();
});

test('Http2Server whose client ends its side cancels what is open, and closes', async (t) => {
  const states: Record<string, readonly Buffer[]> = {
    'before the preface': [],
    'within the preface': [PREFACE.subarray(0, 9)],
    'without a stream': [PREFACE, settings()],
    'in the middle of a head': [PREFACE, settings(), headers(1, getBlock()).subarray(0, 20)],
    'in the middle of a request': [PREFACE, settings(), headers(1, postBlock())],
  };
  for (const [state, frames] of Object.entries(states)) {
    await t.test(state, async () => {
      const bench = await Http2ServerBench.start('silent');
      if (frames.length > 0) bench.peer.send(...frames);
      bench.peer.peer.end();
      bench.world.run();
      assert.equal(bench.closed, 1);
      assert.ok(bench.exchanges.every(({ calls }) => calls.at(-1) === 'reset cancelled 8'));
      bench.finish();
    });
  }
  await t.test('behind two requests, one of them whole', async () => {
    const bench = await Http2ServerBench.start();
    bench.peer.send(lastHeaders(1, getBlock()), headers(3, postBlock()));
    bench.peer.peer.end();
    bench.world.run();
    const ends = bench.exchanges.map(({ calls }) => calls.at(-1));
    assert.deepEqual([ends, bench.closed], [['reset cancelled 8', 'reset cancelled 8'], 1]);
    bench.finish();
  });
});

test('Http2Server that loses its link tells every exchange once', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(lastHeaders(1, getBlock()), headers(3, postBlock()));
  bench.head(bench.last);
  bench.peer.peer.reset();
  bench.world.run();
  for (const { calls } of bench.exchanges) assert.equal(calls.at(-1), 'reset cancelled 8');
  bench.finish();
});

test('Http2Server asks a silent client whose streams are open, and gives it up', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.acknowledges = false;
  bench.peer.send(headers(1, postBlock()));
  bench.peer.take();
  bench.world.advance(timeouts.pingAfterMs + 200);
  assert.deepEqual(bench.peer.take(), ['PING 0']);
  bench.world.advance(timeouts.pingTimeoutMs + 200);
  assert.deepEqual([bench.closed, bench.last.calls.at(-1)], [1, 'reset cancelled 8']);
  bench.finish();
});

test('Http2Server gives a client whose request is whole the time that its answer takes', async (t) => {
  const silentMs = timeouts.pingAfterMs + timeouts.pingTimeoutMs + 1_000;

  await t.test('when it reads late', async () => {
    const bench = await Http2ServerBench.start([WIDE], { capacityBytes: 500_000 });
    bench.peer.send(lastHeaders(1, getBlock()));
    bench.peer.peer.pause();
    bench.head(bench.last);
    bench.data(bench.last, Buffer.alloc(60_000, 'x'));
    bench.world.advance(silentMs);
    bench.end(bench.last);
    bench.peer.peer.resume();
    bench.world.run();
    assert.deepEqual([bench.peer.body(1).length, bench.peer.stream(1).ended], [60_000, true]);
    bench.finish();
  });
});

test('Http2Server takes a client that takes bytes for one that lives', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.acknowledges = false;
  bench.peer.send(headers(1, postBlock()));
  bench.head(bench.last);
  for (let i = 0; i < 10; i++) {
    bench.data(bench.last, 'x');
    bench.world.advance(4_000);
  }
  assert.equal(bench.closed, 0);
  bench.world.advance(timeouts.pingAfterMs + timeouts.pingTimeoutMs + 500);
  assert.equal(bench.closed, 1, 'neither takes nor says anything');
  bench.finish();
});

test('Http2Server lives on with a client that answers its PING, and asks it less often', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(headers(1, postBlock()));
  bench.peer.take();
  let pings = 0;
  for (let i = 0; i < 10; i++) {
    bench.world.advance(20_000);
    pings += bench.peer.take().filter((line) => line === 'PING 0').length;
  }
  // After 10 s, and 40 s later; the next would be 160 s behind that.
  assert.deepEqual([pings, bench.closed], [2, 0]);
  bench.finish();
});

test('Http2Server that is one too many says so', async () => {
  const bench = await Http2ServerBench.start('silent');
  const full = new MeshError('overloaded', 'proxy', 'Too many connections.');
  bench.run(() => bench.session.requestFault(full));
  assert.equal(bench.peer.take().at(-1), 'GOAWAY 0 REFUSED_STREAM');
  bench.peer.send(PREFACE, settings(), lastHeaders(1, getBlock()));
  assert.deepEqual([bench.exchanges.length, bench.refused], [0, ['overloaded']]);
  bench.finish();
});

test('Http2Server takes a stream that its client skipped for idle, the first one too', async () => {
  for (const [skipped, used] of [
    [1, 3],
    [3, 5],
  ] as const) {
    const bench = await Http2ServerBench.start();
    if (skipped > 1) bench.peer.send(lastHeaders(1, getBlock()));
    bench.peer.send(lastHeaders(used, getBlock()), lastHeaders(skipped, getBlock()));
    assert.equal(bench.peer.take().at(-1), `GOAWAY ${used} PROTOCOL_ERROR`);
    bench.finish();
  }
});

test('Http2Server never takes back what GOAWAY said, whatever is refused since', async () => {
  const bench = await Http2ServerBench.start();
  bench.peer.send(lastHeaders(1, getBlock()));
  bench.run(() => bench.session.closeIfIdle());
  bench.peer.send(lastHeaders(3, getBlock()), lastHeaders(5, getBlock()));
  bench.answer(bench.last);
  const goaways = bench.peer.take().filter((line) => line.startsWith('GOAWAY'));
  assert.deepEqual(goaways, ['GOAWAY 1 NO_ERROR', 'GOAWAY 1 NO_ERROR']);
  bench.finish();
});

test('Http2Server frees a place for each stream that ends', async (t) => {
  withLimits(t, { concurrentStreamsMax: 1 });
  const bench = await Http2ServerBench.start();
  for (let i = 0; i < 5; i++) {
    bench.peer.send(lastHeaders(1 + 2 * i, getBlock()));
    bench.answer(bench.last);
  }
  assert.deepEqual([bench.exchanges.length, bench.limitHits], [5, []]);
  bench.finish();
});
