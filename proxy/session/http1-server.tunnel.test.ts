/** What becomes of a client of HTTP/1.1 that asks for a tunnel. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grantHead, parseHead } from '../../test/support/heads.ts';
import { type MemoryPeer, MemoryWorld, newLinkCounts } from '../../test/support/memory-world.ts';
import { HeardRequest } from '../../test/support/sinks.ts';
import { limits, timeouts } from '../limits.ts';
import { BODY_TUNNEL, type ResponseSink } from '../model/exchange.ts';
import { type Head, TUNNEL_CONNECT, TUNNEL_UPGRADE } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { Link } from '../transport/link.ts';
import { MemoryLink } from '../transport/memory-link.ts';
import type { MemoryOptions } from '../transport/memory.ts';
import { Http1Server } from './http1-server.ts';

const ADDRESS = { host: '127.0.0.1', port: 80 };
const UPGRADE =
  'GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const CONNECT = 'CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n';
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
const ASKED = ['GET /a 0 h', 'end'];
const HOUR_MS = 3_600_000;

/** A server session with a client at its link and its exchanges in the test's hands. */
class Bench {
  readonly world: MemoryWorld;
  readonly exchanges: HeardRequest[] = [];
  session!: Http1Server;
  link!: Link;
  client!: MemoryPeer;
  goodbye = false;
  closed = 0;

  constructor(options: MemoryOptions) {
    this.world = new MemoryWorld(options);
  }

  static async start(options: MemoryOptions = {}): Promise<Bench> {
    const bench = new Bench(options);
    const { world } = bench;
    await world.transport.listen(ADDRESS, newLinkCounts(), (link) => {
      const side = {
        wheel: world.clock.wheel,
        local: true,
        goodbye: () => bench.goodbye,
        open: (downstream: ResponseSink, head: Head, body: number) => {
          const exchange = new HeardRequest(downstream, head, body);
          bench.exchanges.push(exchange);
          return exchange;
        },
        refused: () => undefined,
        limitHit: () => undefined,
        closed: () => bench.closed++,
      };
      bench.link = link;
      bench.session = new Http1Server(side, link);
      return bench.session;
    });
    bench.client = world.connect(ADDRESS);
    world.run();
    return bench;
  }

  get last(): HeardRequest {
    const last = this.exchanges.at(-1);
    assert(last !== undefined, 'no exchange was opened');
    return last;
  }

  get calls(): readonly string[] {
    return this.last.calls;
  }

  send(what: string | Buffer): void {
    this.client.send(what);
    this.world.run();
  }

  answer(how: (downstream: ResponseSink) => void): void {
    this.world.clock.turn.run(() => how(this.last.downstream));
    this.world.run();
  }

  grant(text = SWITCHING, kind: 1 | 2 = TUNNEL_UPGRADE): void {
    this.answer((it) => it.responseHead(grantHead(text, kind), BODY_TUNNEL));
  }

  data(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.answer((it) => it.responseData(bytes, 0, bytes.length));
  }

  end(): void {
    this.answer((it) => it.responseEnd());
  }

  /** A session whose client was granted an upgrade. */
  static async tunnel(options: MemoryOptions = {}): Promise<Bench> {
    const bench = await Bench.start(options);
    bench.send(UPGRADE);
    bench.grant();
    assert.equal(bench.client.take(), SWITCHING);
    return bench;
  }

  /** All is over: the session was closed once, and nothing is left. */
  finish(): void {
    if (!this.client.closed) this.client.reset();
    this.world.run();
    assert.equal(this.closed, 1);
    assert.equal(this.world.transport.slabs.out, 0);
  }
}

test('Http1Server holds what comes behind an upgrade until it is granted', async () => {
  for (const cut of [1, 7, 100_000]) {
    const bench = await Bench.start({ readBytes: () => cut });
    bench.send(`${UPGRADE}early`);
    assert.deepEqual(bench.calls, ASKED);
    bench.grant();
    assert.equal(bench.client.text, SWITCHING);
    assert.deepEqual(bench.calls, [...ASKED, 'data early']);
    bench.send(', and late');
    bench.data('hello');
    assert.deepEqual(bench.calls, [...ASKED, 'data early, and late']);
    assert.equal(bench.client.text, `${SWITCHING}hello`);
    bench.finish();
  }
});

test('Http1Server serves what comes behind an upgrade that is refused as requests', async () => {
  const bench = await Bench.start();
  bench.send(`${UPGRADE}GET /b HTTP/1.1\r\nHost: h\r\n\r\n`);
  assert.equal(bench.exchanges.length, 1);
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
  bench.answer((it) => {
    it.responseHead(parseHead('response', ok), 0);
    it.responseEnd();
  });
  assert.equal(bench.client.text, ok);
  assert.deepEqual(bench.calls, ['GET /b 0 h', 'end']);
  bench.finish();
});

test('Http1Server gives the body of an upgrade before the bytes of its tunnel', async () => {
  for (const cut of [1, 100_000]) {
    const bench = await Bench.start({ readBytes: () => cut });
    const [start = '', ...rest] = UPGRADE.split('\r\n');
    const head = [start.replace('GET', 'POST'), 'Content-Length: 4', ...rest].join('\r\n');
    bench.send(`${head}bodytunnel`);
    assert.deepEqual(bench.calls, ['POST /a 4 h', 'data body', 'end']);
    bench.grant();
    assert.deepEqual(bench.calls, ['POST /a 4 h', 'data body', 'end', 'data tunnel']);
    bench.finish();
  }
});

test('Http1Server reads no more behind an upgrade than it may hold', async () => {
  const bench = await Bench.start({ capacityBytes: 1_000, readBytes: () => 1_000 });
  const early = 'x'.repeat(3 * limits.pipelineBytesMax);
  bench.send(`${UPGRADE}${early}`);
  const held = bench.client.sentBytes;
  assert(held < limits.pipelineBytesMax + 5_000, `${held}`);
  bench.grant();
  // As much as the other side may be behind, and on with each byte that has left there.
  for (let given = 0; given < early.length;) {
    const come = bench.last.dataBytes;
    assert(come - given <= limits.streamWindowBytes + limits.pipelineBytesMax + 1_000, `${come}`);
    assert(come > given, 'it goes on');
    bench.answer((it) => it.requestCredit(come - given));
    given = come;
  }
  assert.equal(bench.calls.at(-1), `data ${early}`);
  bench.finish();
});

test('Http1Server passes the end of either half on, and is over with the second', async () => {
  for (const first of ['client', 'server'] as const) {
    const bench = await Bench.tunnel();
    const { client } = bench;
    if (first === 'client') client.end();
    else bench.end();
    bench.world.run();
    assert.equal(client.ended, first === 'server');
    assert.equal(bench.calls.length, first === 'client' ? 3 : 2);
    if (first === 'client') bench.data('still');
    else bench.send('still');
    assert.equal(bench.closed, 0);
    if (first === 'client') bench.end();
    else client.end();
    bench.world.run();
    assert.deepEqual([client.closed, client.error, bench.closed], [true, undefined, 1]);
    assert.equal(client.text, first === 'client' ? 'still' : '');
    assert.equal(bench.calls.at(-1), 'end');
    bench.finish();
  }
});

test('Http1Server passes the end on that came before the tunnel was granted', async () => {
  const bench = await Bench.start();
  bench.client.send(`${UPGRADE}early`);
  bench.client.end();
  bench.world.run();
  assert.deepEqual(bench.calls, ASKED);
  bench.grant();
  assert.deepEqual(bench.calls, [...ASKED, 'data early', 'end']);
  bench.end();
  assert.equal(bench.closed, 1);
  bench.finish();
});

test('Http1Server passes resets on, either way', async () => {
  const error = new MeshError('upstream-reset', 'upstream', 'gone');
  const lost = await Bench.tunnel();
  lost.answer((it) => it.responseReset(error));
  assert.equal(lost.client.error?.code, 'upstream-reset');
  lost.finish();
  const left = await Bench.tunnel();
  left.client.reset();
  left.world.run();
  assert.deepEqual(left.calls, [...ASKED, 'reset cancelled']);
  left.finish();
});

test('Http1Server ends when the other side takes no more, once what came has left', async () => {
  const bench = await Bench.tunnel();
  bench.data('last');
  bench.end();
  bench.answer((it) => it.requestUnwanted());
  assert.deepEqual([bench.client.text, bench.client.ended], ['last', true]);
  bench.finish();
  assert.deepEqual(bench.calls, ASKED, 'the exchange is another’s');
});

test('Http1Server tells no exchange of a client that leaves when both halves have ended', async () => {
  const bench = await Bench.tunnel({ capacityBytes: 100 });
  bench.client.pause();
  bench.data('x'.repeat(1_000));
  bench.end();
  bench.client.end();
  bench.world.run();
  const calls = [...ASKED, 'end'];
  assert.deepEqual([bench.calls, bench.closed], [calls, 0], 'it waits for its reader');
  bench.client.reset();
  bench.world.run();
  assert.deepEqual(bench.calls, calls);
  bench.finish();
});

test('Http1Server lets go of a client that takes nothing of what is left', async () => {
  const bench = await Bench.tunnel({ capacityBytes: 100 });
  bench.client.pause();
  bench.data('x'.repeat(1_000));
  bench.end();
  bench.client.end();
  bench.world.run();
  bench.world.advance(2 * timeouts.streamIdleMs + 1_000);
  assert.equal(bench.closed, 1);
  bench.finish();
});

test('Http1Server lets a tunnel be silent for ever', async () => {
  const bench = await Bench.tunnel();
  assert(bench.link instanceof MemoryLink && bench.link.keepsAlive, 'TCP knows who is there');
  bench.world.advance(HOUR_MS);
  bench.send('still there');
  assert.equal(bench.calls.at(-1), 'data still there');
  bench.finish();
});

test('Http1Server keeps a tunnel through a drain, until that is over', async () => {
  const bench = await Bench.start();
  bench.goodbye = true;
  bench.send(UPGRADE);
  bench.grant();
  assert.equal(bench.client.take(), SWITCHING, 'nothing says goodbye in a tunnel');
  assert.equal(bench.session.idle, false);
  bench.session.closeIfIdle();
  bench.send('on');
  assert.deepEqual(bench.calls, [...ASKED, 'data on']);
  const late = new MeshError('past-drain', 'proxy', 'The drain is over.');
  bench.world.clock.turn.run(() => bench.session.abort(late));
  bench.world.run();
  assert.equal(bench.calls.at(-1), 'reset past-drain');
  assert.equal(bench.client.error?.code, 'upstream-reset');
  bench.finish();
});

test('Http1Server says what an upgrade granted by HTTP/2 does not', async () => {
  const bench = await Bench.start();
  bench.send(UPGRADE);
  bench.grant('HTTP/1.1 200 \r\nx: y\r\n\r\n');
  assert.equal(
    bench.client.text,
    'HTTP/1.1 101 Switching Protocols\r\nx: y\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
  );
  bench.finish();
});

test('Http1Server proves nothing for a protocol that asks for no proof', async () => {
  const bench = await Bench.start();
  bench.send(UPGRADE.replace('websocket', 'x'));
  bench.grant('HTTP/1.1 200 \r\n\r\n');
  assert.equal(
    bench.client.text,
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
  );
  bench.finish();
});

test('Http1Server refuses a CONNECT that announces a body, and reads none', async () => {
  for (const line of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
    const bench = await Bench.start();
    bench.send(CONNECT.replace('\r\n\r\n', `\r\n${line}\r\n\r\nbytes`));
    assert.match(bench.client.text, /^HTTP\/1\.1 400 [^]*\r\nConnection: close\r\n/);
    assert.deepEqual([bench.exchanges.length, bench.client.ended], [0, true]);
    bench.finish();
  }
});

test('Http1Server grants CONNECT without a word about its length or connection', async () => {
  const bench = await Bench.start();
  bench.send(`${CONNECT}early`);
  assert.deepEqual(bench.calls, ['CONNECT web:80 0 web:80', 'end']);
  bench.grant('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', TUNNEL_CONNECT);
  assert.equal(bench.client.text, 'HTTP/1.1 200 OK\r\n\r\n');
  assert.equal(bench.calls.at(-1), 'data early');
  bench.finish();
});

test('Http1Server takes nothing behind a CONNECT that is refused for a request', async () => {
  const bench = await Bench.start();
  bench.send(`${CONNECT}GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n`);
  bench.answer((it) => it.responseReset(new MeshError('no-endpoint', 'upstream', 'No.')));
  assert.match(bench.client.text, /^HTTP\/1\.1 503 [^]*\r\nConnection: close\r\n/);
  assert.deepEqual([bench.exchanges.length, bench.client.ended], [1, true]);
  bench.finish();
});
