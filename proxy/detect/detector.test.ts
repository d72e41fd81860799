import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type MemoryPeer, MemoryWorld, newLinkCounts } from '../../test/support/memory-world.ts';
import { HeardRequest } from '../../test/support/sinks.ts';
import { CLIENT_PREFACE } from '../codec/http2/preface.ts';
import { timeouts } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { ServerSession, ServerSide } from '../session/server-session.ts';
import { detect } from './detector.ts';

const ADDRESS = { host: '127.0.0.1', port: 80 };
const GET = 'GET / HTTP/1.1\r\nHost: web\r\n\r\n';
const PREFACE = CLIENT_PREFACE.toString('latin1');
/** An empty SETTINGS frame. */
const SETTINGS = '\0\0\0\x04\0\0\0\0\0';
const FRAME_TYPE_AT = 3;
const TYPE_SETTINGS = 4;
const REFUSAL = new MeshError('overloaded', 'proxy', 'There are too many.');

/** A connection whose protocol is being found out. */
class Bench {
  readonly world = new MemoryWorld();
  readonly exchanges: string[] = [];
  readonly refused: string[] = [];
  /** The sessions that took the detector's place, by name. */
  readonly decided: string[] = [];
  readonly closed: ServerSession[] = [];
  session!: ServerSession;
  client!: MemoryPeer;

  static async start(t: TestContext, idleMs?: number): Promise<Bench> {
    const bench = new Bench();
    const { world } = bench;
    t.after(() => world.clock.wheel.stop());
    const side: ServerSide = {
      wheel: world.clock.wheel,
      local: false,
      ...(idleMs === undefined ? {} : { idleMs }),
      goodbye: () => false,
      open: (downstream, head, body, protocol) => {
        bench.exchanges.push(`${protocol} ${head.method()} ${head.path()}`);
        return new HeardRequest(downstream, head, body);
      },
      refused: ({ code }) => void bench.refused.push(code),
      limitHit: (limit) => assert.fail(limit),
      closed: (session) => void bench.closed.push(session),
    };
    await world.transport.listen(ADDRESS, newLinkCounts(), (link) => {
      bench.session = detect(side, undefined, link, (_begun, session) => {
        bench.decided.push(session.constructor.name);
        bench.session = session;
      });
      return bench.session;
    });
    bench.client = world.connect(ADDRESS);
    world.run();
    return bench;
  }

  send(text: string): void {
    this.client.send(text);
    this.world.run();
  }

  /** The type of the first frame that came back. */
  get firstFrameType(): number | undefined {
    return this.client.bytes[FRAME_TYPE_AT];
  }
}

/** Sends `text` whole, cut at each byte, and byte by byte. */
function* cuts(text: string): Generator<readonly string[]> {
  yield [text];
  for (let at = 1; at < text.length; at++) yield [text.slice(0, at), text.slice(at)];
  yield text.split('');
}

test('Detector hands HTTP/1.1 on with every byte, however it is cut', async (t) => {
  for (const request of [GET, GET.replace('GET', 'POST'), GET.replace('GET', 'PRIX')]) {
    for (const parts of cuts(request)) {
      const bench = await Bench.start(t);
      for (const part of parts) bench.send(part);
      assert.deepEqual(bench.decided, ['Http1Server'], parts.join('|'));
      assert.deepEqual(bench.exchanges, [`http1 ${request.split(' ')[0]} /`]);
    }
  }
});

test('Detector decides for HTTP/1.1 at the first byte that is not of the preface', async (t) => {
  for (let at = 0; at < PREFACE.length; at++) {
    const bench = await Bench.start(t);
    if (at > 0) bench.send(PREFACE.slice(0, at));
    assert.deepEqual(bench.decided, []);
    bench.send('\x01');
    assert.deepEqual(bench.decided, ['Http1Server'], `byte ${at}`);
  }
});

test('Detector hands HTTP/2 on with its preface, however that is cut', async (t) => {
  for (const parts of cuts(PREFACE + SETTINGS)) {
    const bench = await Bench.start(t);
    for (const part of parts) bench.send(part);
    assert.deepEqual(bench.decided, ['Http2Server'], parts.map((part) => part.length).join('|'));
    assert.equal(bench.firstFrameType, TYPE_SETTINGS);
    assert.deepEqual([bench.client.closed, bench.refused], [false, []]);
  }
});

test('Detector closes a connection on which nothing comes', async (t) => {
  for (const [idleMs, after] of [
    [undefined, timeouts.downstreamIdleMs],
    [2_000, 2_000],
  ] as const) {
    const bench = await Bench.start(t, idleMs);
    bench.world.advance(after - 200);
    assert.equal(bench.client.ended, false);
    bench.world.advance(500);
    assert.deepEqual([bench.client.ended, bench.client.text, bench.decided], [true, '', []]);
    assert.equal(bench.closed.length, 1);
  }
});

test('Detector gives a preface the time of a head, then answers 408', async (t) => {
  const bench = await Bench.start(t);
  bench.send('PRI * HT');
  bench.world.advance(timeouts.headTimeoutMs - 200);
  assert.equal(bench.client.text, '');
  bench.world.advance(500);
  assert.match(bench.client.text, /^HTTP\/1\.1 408 /);
  assert.deepEqual(bench.refused, ['head-timeout']);
});

test('Detector lets a client go that ends before it has said anything', async (t) => {
  for (const before of ['', 'PR']) {
    const bench = await Bench.start(t);
    if (before !== '') bench.send(before);
    bench.client.end();
    bench.world.run();
    assert.deepEqual([bench.client.closed, bench.client.text], [true, '']);
    assert.deepEqual([bench.closed.length, bench.exchanges], [1, []]);
  }
});

test('Detector lets HTTP/1.1 answer the first lines of a preface that ends with them', async (t) => {
  const bench = await Bench.start(t);
  bench.send('PRI * HTTP/2.0\r\n\r\n');
  bench.client.end();
  bench.world.run();
  assert.match(bench.client.text, /^HTTP\/1\.1 505 /);
});

test('Detector has no say any more once it has decided', async (t) => {
  const bench = await Bench.start(t, timeouts.headTimeoutMs * 4);
  bench.send(PREFACE.slice(0, 3));
  bench.send(PREFACE.slice(3) + SETTINGS);
  bench.world.advance(timeouts.headTimeoutMs * 3);
  assert.deepEqual([bench.decided, bench.refused], [['Http2Server'], []]);
});

test('Detector forgets a connection that is lost, and its time with it', async (t) => {
  const bench = await Bench.start(t);
  bench.send('PR');
  bench.client.reset();
  bench.world.run();
  assert.deepEqual(bench.closed, [bench.session]);
  bench.world.advance(timeouts.headTimeoutMs * 2);
  assert.deepEqual([bench.closed.length, bench.decided], [1, []]);
});

test('Detector ends with its connection when it is idle, not in the middle of a preface', async (t) => {
  const idle = await Bench.start(t);
  idle.world.advance(timeouts.detectTimeoutMs + 100);
  idle.world.clock.turn.run(() => idle.session.closeIfIdle());
  idle.world.run();
  assert.equal(idle.client.ended, true);

  const busy = await Bench.start(t);
  busy.send('P');
  assert.deepEqual([idle.session.idle, busy.session.idle], [true, false]);
  busy.world.clock.turn.run(() => busy.session.closeIfIdle());
  busy.world.run();
  assert.equal(busy.client.ended, false);
  busy.send('OST / HTTP/1.1\r\nHost: web\r\n\r\n');
  assert.deepEqual(busy.exchanges, ['http1 POST /']);
  busy.world.clock.turn.run(() => busy.session.abort(REFUSAL));

  const aborted = await Bench.start(t);
  aborted.send('P');
  aborted.world.clock.turn.run(() => aborted.session.abort(REFUSAL));
  aborted.world.run();
  assert.deepEqual([aborted.client.closed, aborted.client.ended], [true, false], 'a reset');
});

test('Detector that is to end lets a client speak that has just connected, for a while', async (t) => {
  for (const waitedMs of [0, timeouts.detectTimeoutMs - 300]) {
    const [speaks, silent] = [await Bench.start(t), await Bench.start(t)];
    for (const { session, world } of [speaks, silent]) {
      world.advance(waitedMs);
      world.clock.turn.run(() => session.closeIfIdle());
      world.run();
    }
    assert.equal(speaks.client.ended, false);
    speaks.send(GET);
    assert.deepEqual(speaks.exchanges, ['http1 GET /']);
    silent.world.advance(timeouts.detectTimeoutMs - waitedMs - 200);
    assert.equal(silent.client.ended, false);
    silent.world.advance(400);
    assert.deepEqual([silent.client.ended, silent.client.text], [true, '']);
    speaks.world.advance(timeouts.detectTimeoutMs);
    assert.equal(speaks.client.ended, false);
  }
});

/** A connection that is one too many. */
async function refuse(t: TestContext): Promise<Bench> {
  const bench = await Bench.start(t);
  bench.world.clock.turn.run(() => bench.session.requestFault(REFUSAL));
  bench.world.run();
  assert.deepEqual([bench.client.text, bench.decided], ['', []]);
  return bench;
}

test('Detector refuses a connection in its own protocol', async (t) => {
  const http1 = await refuse(t);
  http1.send(GET);
  assert.match(http1.client.text, /^HTTP\/1\.1 503 [\s\S]*connection: close\r\n/i);
  assert.deepEqual([http1.exchanges, http1.refused], [[], ['overloaded']]);

  const http2 = await refuse(t);
  for (const part of [PREFACE.slice(0, 3), PREFACE.slice(3) + SETTINGS]) http2.send(part);
  assert.equal(http2.firstFrameType, TYPE_SETTINGS);
  assert.deepEqual([http2.exchanges, http2.refused], [[], ['overloaded']]);
  http2.world.advance(timeouts.lingerMs * 2);
  assert.equal(http2.client.ended || http2.client.closed, true);
});

test('Detector answers a refused connection after a while, whatever came of it', async (t) => {
  for (const before of ['', 'PRI *']) {
    const bench = await refuse(t);
    if (before !== '') bench.send(before);
    bench.world.advance(timeouts.lingerMs + 300);
    assert.match(bench.client.text, /^HTTP\/1\.1 503 /);
    assert.deepEqual(bench.refused, ['overloaded']);
  }
});
