/** Which answers of an upstream of HTTP/1.1 grant a tunnel, and what becomes of its connection. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkedHead } from '../../test/support/heads.ts';
import { type MemoryPeer, MemoryWorld, newLinkCounts } from '../../test/support/memory-world.ts';
import { HeardResponse } from '../../test/support/sinks.ts';
import { limits } from '../limits.ts';
import { type Head, TUNNEL_UPGRADE } from '../model/head.ts';
import type { MemoryOptions } from '../transport/memory.ts';
import { type ClientOwner, Http1Client } from './http1-client.ts';

const ADDRESS = { host: '127.0.0.1', port: 80 };
const LINES = 'Host: h\r\nConnection: Upgrade\r\nUpgrade: websocket, x\r\n';
const UPGRADE = `GET /a HTTP/1.1\r\n${LINES}Sec-WebSocket-Key: k\r\n\r\n`;
const CONNECT = 'CONNECT web:80 HTTP/1.1\r\nHost: web:80\r\n\r\n';
const SWITCHING =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
const GRANTED = 'head 101 -2 Upgrade=websocket,Connection=Upgrade';

/** A client session with a server at its link and one exchange in the test's hands. */
class Bench implements ClientOwner {
  readonly world: MemoryWorld;
  readonly wheel;
  readonly heard: string[] = [];
  readonly sink = new HeardResponse();
  readonly session: Http1Client;
  server!: MemoryPeer;

  constructor(options: MemoryOptions) {
    this.world = new MemoryWorld(options);
    this.wheel = this.world.clock.wheel;
    this.session = new Http1Client(this, '127.0.0.1:80');
  }

  /** It has asked with `request`, whole unless told. */
  static async asking(
    request: string | Head,
    options: MemoryOptions = {},
    whole = true,
  ): Promise<Bench> {
    const bench = new Bench(options);
    const { session, world } = bench;
    const servers = await world.serve(ADDRESS);
    session.attach(
      world.transport.dial({ ...ADDRESS, from: undefined, counts: newLinkCounts() }, session),
    );
    world.run();
    bench.server = servers[0]!;
    bench.ask(typeof request === 'string' ? checkedHead(request) : request, whole);
    bench.heard.length = 0;
    return bench;
  }

  ask(head: Head, whole: boolean): void {
    this.run(() => {
      this.session.request(head, 0, this.sink);
      if (whole) this.session.requestEnd();
    });
  }

  run(work: () => void): void {
    this.world.clock.turn.run(work);
    this.world.run();
  }

  answer(text: string): void {
    this.server.send(text);
    this.world.run();
  }

  send(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.run(() => this.session.requestData(bytes, 0, bytes.length));
  }

  opened(): void {
    this.heard.push('opened');
  }

  failed(): void {
    this.heard.push('failed');
  }

  released(): void {
    this.heard.push('released');
  }

  closed(): void {
    this.heard.push('closed');
  }

  finish(): void {
    if (!this.server.closed) this.server.reset();
    this.world.run();
    assert.equal(this.heard.filter((it) => it === 'closed').length, 1);
    assert.equal(this.world.transport.slabs.out, 0);
  }
}

test('Http1Client passes an upgrade on, and what is granted, with the bytes behind it', async () => {
  for (const cut of [1, 5, 100_000]) {
    const bench = await Bench.asking(UPGRADE, { readBytes: () => cut });
    const asked = bench.server.take();
    assert.equal(
      asked,
      'GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: websocket, x\r\nSec-WebSocket-Key: k\r\n' +
        'Connection: Upgrade\r\n\r\n',
    );
    bench.answer(`HTTP/1.1 103 Early\r\n\r\n${SWITCHING}early`);
    assert.deepEqual(bench.sink.calls, ['interim 103', GRANTED, 'data early']);
    bench.send('to the server');
    bench.answer(', late');
    assert.equal(bench.server.text, 'to the server');
    assert.equal(bench.sink.calls.at(-1), 'data early, late');
    assert.deepEqual(bench.heard, [], 'the connection is neither free nor gone');
    bench.finish();
  }
});

/** Answers that grant nothing that was asked for. */
const WRONG: readonly (readonly [name: string, request: string, answer: string])[] = [
  ['another protocol', UPGRADE, SWITCHING.replace('websocket', 'y')],
  ['a protocol more', UPGRADE, SWITCHING.replace('websocket', 'websocket, y')],
  ['HTTP/2', UPGRADE, SWITCHING.replace('websocket', 'h2c')],
  ['no protocol', UPGRADE, 'HTTP/1.1 101 S\r\nConnection: Upgrade\r\n\r\n'],
  ['no Connection', UPGRADE, 'HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n'],
  ['101 to a plain request', 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n', SWITCHING],
  ['101 to h2c', UPGRADE.replace('websocket, x', 'h2c'), SWITCHING],
  ['101 to CONNECT', CONNECT, SWITCHING],
];

for (const [name, request, answer] of WRONG) {
  test(`Http1Client takes no tunnel of ${name}`, async () => {
    const bench = await Bench.asking(request);
    bench.answer(`${answer}bytes`);
    assert.deepEqual(bench.sink.calls, ['reset upstream-protocol never']);
    assert.equal(bench.server.closed, true);
    bench.finish();
  });
}

test('Http1Client takes no tunnel before the request is whole', async () => {
  const bench = await Bench.asking(UPGRADE, {}, false);
  bench.answer(SWITCHING);
  assert.deepEqual(bench.sink.calls, ['reset upstream-protocol never']);
  bench.finish();
});

test('Http1Client keeps the connection of an upgrade that is answered otherwise', async () => {
  const bench = await Bench.asking(UPGRADE);
  bench.answer('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno');
  assert.deepEqual(bench.sink.calls, ['head 426 2 Content-Length=2', 'data no', 'end']);
  assert.deepEqual(bench.heard, ['released']);
  bench.answer('more');
  bench.finish();
});

test('Http1Client takes any success for a grant of CONNECT, whatever length it tells', async () => {
  for (const status of [200, 204, 299]) {
    const bench = await Bench.asking(CONNECT);
    assert.equal(bench.server.take(), CONNECT);
    bench.answer(`HTTP/1.1 ${status} OK\r\nContent-Length: 1\r\n\r\nearly`);
    assert.deepEqual(bench.sink.calls, [`head ${status} -2 Content-Length=1`, 'data early']);
    bench.finish();
  }
  const bench = await Bench.asking(CONNECT);
  bench.answer('HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n');
  assert.deepEqual(bench.sink.calls, ['head 407 0 Content-Length=0', 'end']);
  bench.finish();
});

test('Http1Client passes the end of either half on, and is over with the second', async () => {
  for (const first of ['server', 'exchange'] as const) {
    const bench = await Bench.asking(UPGRADE);
    bench.answer(SWITCHING);
    const ends = {
      server: () => {
        bench.server.end();
        bench.world.run();
      },
      exchange: () => bench.run(() => bench.session.requestEnd()),
    };
    ends[first]();
    assert.deepEqual(bench.sink.calls, first === 'server' ? [GRANTED, 'end'] : [GRANTED]);
    assert.deepEqual([bench.server.ended, bench.heard], [first === 'exchange', []]);
    if (first === 'server') bench.send('still');
    else bench.answer('still');
    ends[first === 'server' ? 'exchange' : 'server']();
    assert.deepEqual([bench.server.closed, bench.server.error], [true, undefined]);
    assert.deepEqual(bench.heard, ['closed']);
    bench.finish();
  }
});

test('Http1Client hears of an upstream that grants and ends at once', async () => {
  const bench = await Bench.asking(UPGRADE);
  bench.server.send(SWITCHING);
  bench.server.end();
  bench.world.run();
  assert.deepEqual(bench.sink.calls, [GRANTED, 'end']);
  bench.run(() => bench.session.requestEnd());
  assert.deepEqual(bench.heard, ['closed']);
  bench.finish();
});

test('Http1Client passes resets on, either way', async () => {
  const lost = await Bench.asking(UPGRADE);
  lost.answer(SWITCHING);
  lost.server.reset();
  lost.world.run();
  assert.deepEqual(lost.sink.calls, [GRANTED, 'reset upstream-reset never']);
  lost.finish();
  const left = await Bench.asking(UPGRADE);
  left.answer(SWITCHING);
  left.run(() => left.session.requestReset());
  assert.equal(left.server.error?.code, 'upstream-reset');
  assert.deepEqual([left.sink.calls, left.heard], [[GRANTED], ['closed']]);
  left.finish();
});

test('Http1Client reads a tunnel as far as the other side takes it', async () => {
  const bench = await Bench.asking(UPGRADE, { capacityBytes: 1_000, readBytes: () => 1_000 });
  const sent = 5 * limits.streamWindowBytes;
  bench.answer(SWITCHING + 'x'.repeat(sent));
  for (let given = 0; given < sent;) {
    const come = bench.sink.dataBytes;
    assert(come > given && come - given <= limits.streamWindowBytes + 1_000, `${come}`);
    bench.run(() => bench.session.responseCredit(come - given));
    given = come;
  }
  bench.finish();
});

test('Http1Client returns the credit of a tunnel as its bytes leave', async () => {
  const bench = await Bench.asking(UPGRADE, { capacityBytes: 1_000 });
  bench.answer(SWITCHING);
  bench.server.take();
  bench.server.pause();
  bench.send('x'.repeat(5_000));
  const before = bench.sink.credit;
  assert(before <= 1_000, `${before}`);
  bench.server.resume();
  bench.world.run();
  assert.equal(bench.sink.credit, 5_000);
  bench.finish();
});

test('Http1Client lets a tunnel be silent for ever', async () => {
  const bench = await Bench.asking(UPGRADE);
  bench.answer(SWITCHING);
  bench.world.advance(3_600_000);
  bench.answer('still there');
  assert.equal(bench.sink.calls.at(-1), 'data still there');
  bench.finish();
});

test('Http1Client proves to itself what a client of HTTP/2 cannot ask for', async () => {
  for (const proof of ['right', 'wrong', 'none'] as const) {
    const head = checkedHead('GET /a HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n');
    head.tunnel = TUNNEL_UPGRADE;
    const bench = await Bench.asking(head);
    const asked = bench.server.take();
    const key = /\r\nSec-WebSocket-Key: (\S{24})\r\n/.exec(asked)?.[1] ?? '';
    const { createHash } = process.getBuiltinModule('node:crypto');
    const right = createHash('sha1')
      .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest('base64');
    const value = proof === 'right' ? right : 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';
    const line = proof === 'none' ? '' : `Sec-WebSocket-Accept: ${value}\r\n`;
    bench.answer(SWITCHING.replace('Upgrade:', `${line}Upgrade:`));
    const [first = ''] = bench.sink.calls;
    if (proof === 'right') assert.match(first, /^head 101 -2 /);
    else assert.equal(first, 'reset upstream-protocol never');
    bench.finish();
  }
});

test('Http1Client makes no key for a client of HTTP/1.1, which knows what it leaves out', async () => {
  const bench = await Bench.asking(`GET /a HTTP/1.1\r\n${LINES}\r\n`);
  assert.doesNotMatch(bench.server.take(), /Sec-WebSocket/);
  bench.answer(SWITCHING);
  assert.deepEqual(bench.sink.calls, [GRANTED]);
  bench.finish();
});
