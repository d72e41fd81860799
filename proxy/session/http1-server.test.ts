import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../test/support/heads.ts';
import { type MemoryPeer, MemoryWorld, newLinkCounts } from '../../test/support/memory-world.ts';
import { HeardRequest } from '../../test/support/sinks.ts';
import { limits, streamResumeBytes, timeouts } from '../limits.ts';
import { BODY_LENGTH_UNKNOWN, type ResponseSink } from '../model/exchange.ts';
import type { Head } from '../model/head.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { MemoryOptions } from '../transport/memory.ts';
import { Http1Server } from './http1-server.ts';

const ADDRESS = { host: '127.0.0.1', port: 80 };
const GET = 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n';
const GOT = 'GET /a 0 h';
const POST = 'POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n';

/** A server session with a client at its link and its exchanges in the test's hands. */
class Bench {
  readonly world: MemoryWorld;
  readonly exchanges: HeardRequest[] = [];
  readonly refused: string[] = [];
  session!: Http1Server;
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
          bench.exchanges.push(new HeardRequest(downstream, head, body));
          return bench.last;
        },
        refused: (error: MeshError) => bench.refused.push(error.code),
        limitHit: () => assert.fail('HTTP/1 has no such limits'),
        closed: () => bench.closed++,
      };
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

  send(text: string): void {
    this.client.send(text);
    this.world.run();
  }

  /** Head of the answer to the last request. */
  head(text: string, body: number): void {
    this.#answer((downstream) => downstream.responseHead(parseHead('response', text), body));
  }

  data(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.#answer((downstream) => downstream.responseData(bytes, 0, bytes.length));
  }

  end(): void {
    this.#answer((downstream) => downstream.responseEnd());
  }

  reset(error: MeshError): void {
    this.#answer((downstream) => downstream.responseReset(error));
  }

  /** A whole answer to the last request. */
  answer(text = 'ok'): void {
    this.head(`HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n`, text.length);
    if (text !== '') this.data(text);
    this.end();
  }

  /** All is over: the session was closed once, and nothing is left. */
  finish(): void {
    this.client.reset();
    this.world.run();
    assert.equal(this.closed, 1);
    assert.equal(this.world.transport.slabs.out, 0);
  }

  #answer(how: (downstream: HeardRequest['downstream']) => void): void {
    const { downstream } = this.last;
    this.world.clock.turn.run(() => how(downstream));
    this.world.run();
  }
}

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const OVER = new MeshError('past-drain', 'proxy', 'over');
const CLOSING = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok';

const REQUESTS: readonly (readonly [name: string, wire: string, calls: readonly string[]])[] = [
  ['without a body', GET, [GOT, 'end']],
  ['of a length', `${POST}abcd`, ['POST /a 4 h', 'data abcd', 'end']],
  [
    'in chunks with trailers',
    'PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nT: 1\r\n\r\n',
    ['PUT /a -1 h', 'data abcd', 'trailers T=1', 'end'],
  ],
  ['behind empty lines', `\r\n\r\n${GET}`, [GOT, 'end']],
];

for (const [name, wire, calls] of REQUESTS) {
  test(`Http1Server hands on a request ${name}, whole and byte by byte, and keeps alive`, async () => {
    for (const readBytes of [() => limits.readBytes, () => 1]) {
      const bench = await Bench.start({ readBytes });
      for (const count of [1, 2]) {
        bench.send(wire);
        assert.deepEqual(bench.last.calls, calls);
        bench.answer();
        assert.equal(bench.client.take(), ANSWER);
        assert.equal(bench.exchanges.length, count);
      }
      bench.finish();
      assert.deepEqual(bench.last.calls, calls);
    }
  });
}

test('Http1Server answers pipelined requests one after another', async () => {
  const bench = await Bench.start();
  bench.send(`${POST}abcd${GET}${GET}`);
  for (const [i, calls] of [
    ['POST /a 4 h', 'data abcd', 'end'],
    [GOT, 'end'],
    [GOT, 'end'],
  ].entries()) {
    assert.equal(bench.exchanges.length, i + 1);
    assert.deepEqual(bench.last.calls, calls);
    bench.answer();
  }
  assert.equal(bench.client.text, ANSWER.repeat(3));
  bench.finish();
});

test('Http1Server reads a pipelining client only as far as it may hold', async () => {
  const bench = await Bench.start({ capacityBytes: 1000 });
  bench.send(GET.repeat(20_000));
  assert.equal(bench.exchanges.length, 1);
  const read = 20_000 * GET.length - bench.client.link.unsentBytes;
  assert(read >= limits.pipelineBytesMax);
  assert(read < limits.pipelineBytesMax + limits.readBytes + 2000);
  bench.client.reset();
  bench.world.advance(2 * timeouts.streamIdleMs + timeouts.lingerMs + 400);
  assert.equal(bench.closed, 1);
});

test('Http1Server begins no request while answers to a client that does not read pile up', async () => {
  const bench = await Bench.start({ capacityBytes: 1000 });
  bench.client.pause();
  bench.world.run();
  bench.send(GET.repeat(50));
  const body = 'x'.repeat(10_000);
  let answered = 0;
  while (answered < bench.exchanges.length) {
    bench.answer(body);
    answered++;
  }
  assert(answered * body.length >= limits.streamWindowBytes);
  assert(answered * body.length < limits.streamWindowBytes + 3 * body.length, `${answered}`);
  bench.client.resume();
  bench.world.run();
  while (answered < bench.exchanges.length) {
    bench.answer(body);
    answered++;
  }
  assert.equal(answered, 50);
  assert.equal(bench.client.text.match(/HTTP\/1.1 200/g)?.length, 50);
  bench.finish();
});

test('Http1Server stops reading a body whose credit does not come back', async () => {
  const bench = await Bench.start({ capacityBytes: 1000 });
  const size = 4 * limits.streamWindowBytes;
  bench.send(`POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`);
  const { last } = bench;
  assert(last.dataBytes >= limits.streamWindowBytes);
  assert(last.dataBytes < limits.streamWindowBytes + limits.readBytes);
  let credited = limits.streamWindowBytes - streamResumeBytes() - 1;
  const first = last.dataBytes;
  bench.world.clock.turn.run(() => last.downstream.requestCredit(credited));
  bench.world.run();
  assert.equal(last.dataBytes, first, 'not before enough has left');
  while (last.dataBytes < size) {
    const before = last.dataBytes;
    bench.world.clock.turn.run(() => last.downstream.requestCredit(before - credited));
    credited = before;
    bench.world.run();
    assert(last.dataBytes > before);
  }
  assert.equal(last.calls.at(-1), 'end');
  bench.finish();
});

test('Http1Server returns the credit of an answer as it leaves, and all of it', async () => {
  for (const body of [60_000, BODY_LENGTH_UNKNOWN]) {
    const bench = await Bench.start({ capacityBytes: 1000 });
    bench.client.pause();
    bench.send(GET);
    bench.head('HTTP/1.1 200 OK\r\n\r\n', body);
    for (let i = 0; i < 6; i++) bench.data('x'.repeat(10_000));
    assert(bench.last.credit <= 1000);
    bench.client.resume();
    bench.world.run();
    assert.equal(bench.last.credit, 60_000);
    bench.finish();
  }
});

test('Http1Server gives the credit of one answer to no later exchange', async () => {
  const bench = await Bench.start({ capacityBytes: 1000 });
  bench.client.pause();
  bench.send(`${GET}${GET}`);
  bench.answer('x'.repeat(20_000));
  assert.equal(bench.exchanges.length, 2);
  bench.client.resume();
  bench.world.run();
  assert.equal(bench.exchanges[1]?.credit, 0);
  bench.finish();
});

test('Http1Server sends bodies of unknown length chunked, or until the close to HTTP/1.0', async () => {
  const bench = await Bench.start();
  bench.send(GET);
  bench.head('HTTP/1.0 200 OK\r\n\r\n', BODY_LENGTH_UNKNOWN);
  bench.data('abc');
  const trailers = parseHead('trailers', 'T: 1\r\n\r\n');
  bench.world.clock.turn.run(() => bench.last.downstream.responseTrailers(trailers));
  bench.end();
  const head = 'HTTP/1.1 200 OK\r\n';
  assert.equal(
    bench.client.take(),
    `${head}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: 1\r\n\r\n`,
  );
  bench.send('GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
  bench.head('HTTP/1.1 200 OK\r\n\r\n', BODY_LENGTH_UNKNOWN);
  bench.data('abc');
  bench.end();
  assert.equal(bench.client.text, `${head}Connection: close\r\n\r\nabc`);
  assert(bench.client.ended);
  bench.finish();
});

test('Http1Server keeps HTTP/1.0 clients alive that ask for it, and tells them so', async () => {
  const bench = await Bench.start();
  bench.send('GET /a HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n');
  bench.answer();
  assert.match(bench.client.take(), /\r\nConnection: keep-alive\r\n\r\nok$/);
  bench.send('GET /a HTTP/1.0\r\n\r\n');
  bench.answer();
  assert.match(bench.client.text, /\r\nConnection: close\r\n\r\nok$/);
  assert(bench.client.ended);
  bench.finish();
});

for (const [why, request] of [
  ['the client asks for it', 'GET /a HTTP/1.1\r\nHost: h\r\nConnection: x, CLOSE\r\n\r\n'],
  ['the proxy says goodbye', GET],
] as const) {
  test(`Http1Server closes with its answer when ${why}, and lingers`, async () => {
    const bench = await Bench.start();
    bench.send(request + GET);
    bench.goodbye = true;
    bench.answer();
    assert.equal(bench.client.text, CLOSING);
    assert.deepEqual([bench.client.ended, bench.client.closed], [true, false]);
    assert.equal(bench.exchanges.length, 1);
    bench.send('more that is dropped');
    bench.world.advance(timeouts.lingerMs + 200);
    assert.equal(bench.closed, 1);
    bench.finish();
  });
}

test('Http1Server lingers no longer than its limit of bytes', async () => {
  const bench = await Bench.start();
  bench.send('x y\r\n');
  assert.match(bench.client.text, /^HTTP\/1.1 400 /);
  for (let i = 0; i < limits.lingerBytesMax / limits.readBytes; i++) bench.send('x'.repeat(65_536));
  assert.equal(bench.closed, 0);
  bench.send('x');
  assert.equal(bench.closed, 1);
  bench.finish();
});

/** What is not served, its status, and whether an exchange had begun. */
const FAULTS: readonly (readonly [wire: string, status: number, calls: readonly string[]])[] = [
  ['GET /a HTTP/1.1\nHost: h\r\n\r\n', 400, []],
  ['GET /a HTTP/1.1\r\n\r\n', 400, []],
  ['GET /a HTTP/2.0\r\n\r\n', 505, []],
  ['CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n', 400, []],
  ['GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n', 501, []],
  [`GET /${'a'.repeat(17_000)} HTTP/1.1\r\n`, 414, []],
  [`GET / HTTP/1.1\r\nA: ${'b'.repeat(66_000)}`, 431, []],
  [
    'PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\nzz\r\n',
    400,
    ['PUT /a -1 h', 'data x', 'reset malformed-request'],
  ],
  [
    'PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA b\r\n\r\n',
    400,
    ['PUT /a -1 h', 'reset malformed-request'],
  ],
];

for (const [wire, status, calls] of FAULTS) {
  test(`Http1Server answers ${status} to ${JSON.stringify(wire.slice(0, 70))} and closes`, async () => {
    const bench = await Bench.start();
    bench.send(wire + GET);
    assert.match(bench.client.text, new RegExp(`^HTTP/1.1 ${status} [^]*Connection: close\r\n`));
    assert.equal(bench.client.text.match(/^HTTP\/1/gm)?.length, 1);
    assert(bench.client.ended);
    assert.deepEqual(bench.exchanges[0]?.calls ?? [], calls);
    assert.equal(bench.refused.length, calls.length === 0 ? 1 : 0);
    bench.finish();
  });
}

test('Http1Server cuts an answer under way when the request body turns out malformed', async () => {
  const bench = await Bench.start();
  bench.send('PUT /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n');
  bench.head('HTTP/1.1 200 OK\r\n\r\n', BODY_LENGTH_UNKNOWN);
  bench.data('abc');
  bench.send('zz\r\n');
  assert.equal(bench.last.calls.at(-1), 'reset malformed-request');
  assert(!bench.client.text.includes('0\r\n\r\n'));
  assert(bench.client.ended || bench.client.closed);
  bench.finish();
});

const FAILED = new MeshError('upstream-reset', 'upstream', 'gone');

test('Http1Server answers a failed exchange and keeps alive', async () => {
  const bench = await Bench.start();
  for (const wire of [GET, `${POST}abcd`, 'HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n']) {
    bench.send(wire);
    bench.reset(FAILED);
    const text = bench.client.take();
    assert.match(text, /^HTTP\/1.1 502 Bad Gateway\r\n[^]*culvert-proxy-error: gone\r\n/);
    assert.equal(text.endsWith('\r\n\r\n'), wire.startsWith('HEAD'));
  }
  bench.finish();
});

test('Http1Server resets its client where an address outside the mesh failed', async () => {
  for (const wire of [GET, `${POST}ab`, `${GET}${GET}`]) {
    const bench = await Bench.start();
    bench.send(wire);
    bench.reset(new MeshError('outside-failed', 'upstream', 'Refused.', 'unsent'));
    assert.deepEqual([bench.client.text, bench.client.closed], ['', true]);
    assert.equal(bench.client.error?.code, 'upstream-reset');
    assert.equal(bench.exchanges.length, 1);
  }
});

test('Http1Server ends what a slow reader still has to read before such a failure', async () => {
  const bench = await Bench.start({ capacityBytes: 8 });
  bench.client.pause();
  bench.send(GET + GET);
  bench.answer();
  assert.equal(bench.exchanges.length, 2);
  bench.reset(new MeshError('outside-failed', 'upstream', 'Refused.', 'unsent'));
  bench.client.resume();
  bench.world.run();
  assert.deepEqual([bench.client.text, bench.client.ended], [ANSWER, true]);
  bench.world.advance(timeouts.lingerMs + 200);
  assert.equal(bench.closed, 1);
});

test('Http1Server tells an exchange that its client sends no more, once its request is whole', async () => {
  const bench = await Bench.start();
  bench.send(GET + GET);
  bench.client.end();
  bench.world.run();
  assert.deepEqual(
    bench.exchanges.map(({ clientGone }) => clientGone),
    [true],
  );
  bench.answer();
  assert.deepEqual(
    bench.exchanges.map(({ clientGone }) => clientGone),
    [true, true],
  );
  const cut = await Bench.start();
  cut.send(`${POST}ab`);
  cut.client.end();
  cut.world.run();
  assert.equal(cut.last.clientGone, false, 'that is a failure');
});

test('Http1Server drops the rest of a body whose exchange has failed, and keeps alive', async () => {
  const bench = await Bench.start();
  bench.send(`${POST}ab`);
  bench.reset(FAILED);
  assert.match(bench.client.take(), /^HTTP\/1.1 502 /);
  bench.send(`cd${GET}`);
  assert.equal(bench.exchanges.length, 2);
  bench.answer();
  assert.equal(bench.client.text, ANSWER);
  bench.finish();
});

test('Http1Server never makes a truncated answer look whole', async () => {
  const lengths = [
    [GET, 5],
    [GET, BODY_LENGTH_UNKNOWN],
    ['GET /a HTTP/1.0\r\n\r\n', BODY_LENGTH_UNKNOWN],
  ] as const;
  for (const [wire, body] of lengths) {
    const bench = await Bench.start();
    bench.send(wire);
    bench.head('HTTP/1.1 200 OK\r\n\r\n', body);
    bench.data('abc');
    bench.reset(FAILED);
    assert(!bench.client.text.includes('0\r\n\r\n'));
    if (body === BODY_LENGTH_UNKNOWN && wire !== GET) assert(bench.client.error !== undefined);
    else assert(bench.client.ended || bench.client.closed);
    bench.finish();
  }
});

test('Http1Server says of an answer that ended with its head that it is empty', async () => {
  const head = 'HTTP/1.1 200 OK\r\n\r\n';
  const same = 'HTTP/1.1 304 \r\n\r\n';
  for (const [wire, answer, sent] of [
    [GET, head, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
    [GET, 'HTTP/1.1 204 \r\n\r\n', 'HTTP/1.1 204 \r\n\r\n'],
    [GET, same, same],
    [GET.replace('GET', 'HEAD'), head, head],
  ] as const) {
    const bench = await Bench.start();
    bench.send(wire);
    bench.head(answer, 0);
    bench.end();
    assert.equal(bench.client.take(), sent);
    bench.send(GET);
    bench.answer();
    assert.equal(bench.client.text, ANSWER, 'the connection goes on');
    bench.finish();
  }
});

test('Http1Server passes interim answers on, but not to HTTP/1.0', async () => {
  const bench = await Bench.start();
  const interim = parseHead('response', 'HTTP/1.1 103 Hints\r\nA: b\r\n\r\n');
  bench.send(GET);
  bench.world.clock.turn.run(() => bench.last.downstream.responseInformational(interim));
  bench.answer();
  assert.equal(bench.client.take(), `HTTP/1.1 103 Hints\r\nA: b\r\n\r\n${ANSWER}`);
  bench.send('GET /a HTTP/1.0\r\n\r\n');
  bench.world.clock.turn.run(() => bench.last.downstream.responseInformational(interim));
  bench.answer();
  assert.match(bench.client.text, /^HTTP\/1.1 200 /);
  bench.finish();
});

const EXPECTING = POST.replace('\r\n\r\n', '\r\nExpect: 100-Continue\r\n\r\n');

test('Http1Server passes 100 (Continue) on and then keeps alive', async () => {
  const bench = await Bench.start();
  bench.send(EXPECTING);
  const go = parseHead('response', 'HTTP/1.1 100 Continue\r\n\r\n');
  bench.world.clock.turn.run(() => bench.last.downstream.responseInformational(go));
  bench.send('abcd');
  bench.answer();
  assert.equal(bench.client.text, `HTTP/1.1 100 Continue\r\n\r\n${ANSWER}`);
  bench.finish();
});

test('Http1Server closes with an answer that came in place of 100 (Continue)', async () => {
  for (const how of ['answer', 'reset'] as const) {
    const bench = await Bench.start();
    bench.send(EXPECTING);
    if (how === 'answer') bench.answer();
    else bench.reset(FAILED);
    assert.match(bench.client.text, /\r\nConnection: close\r\n/);
    assert(bench.client.ended);
    bench.finish();
  }
});

test('Http1Server takes the rest of a request after its early answer', async () => {
  const bench = await Bench.start();
  bench.send(`${POST}ab`);
  bench.answer();
  assert.equal(bench.client.take(), ANSWER);
  bench.send(`cd${GET}`);
  assert.deepEqual(bench.exchanges[0]?.calls, ['POST /a 4 h', 'data abcd', 'end']);
  bench.answer();
  assert.equal(bench.client.text, ANSWER);
  bench.finish();
});

test('Http1Server drops the rest of a request that is unwanted', async () => {
  const bench = await Bench.start();
  bench.send(`${POST}ab`);
  bench.answer();
  bench.world.clock.turn.run(() => bench.last.downstream.requestUnwanted());
  bench.send(`cd${GET}`);
  assert.deepEqual(bench.exchanges[0]?.calls, ['POST /a 4 h', 'data ab']);
  assert.equal(bench.exchanges.length, 2);
  bench.finish();
});

test('Http1Server answers a client that has ended, then closes', async () => {
  const bench = await Bench.start();
  bench.send(GET + GET);
  bench.client.end();
  bench.world.run();
  bench.answer();
  bench.answer();
  assert.equal(bench.client.text, ANSWER + ANSWER);
  assert.deepEqual([bench.client.closed, bench.client.error, bench.closed], [true, undefined, 1]);
});

test('Http1Server closes for a client that has ended once a long answer has left', async () => {
  const bench = await Bench.start({ capacityBytes: 1000 });
  bench.client.pause();
  bench.send(GET);
  bench.client.end();
  bench.world.run();
  const body = 'x'.repeat(2 * limits.streamWindowBytes);
  bench.answer(body);
  bench.client.resume();
  bench.world.run();
  assert.equal(bench.client.text.endsWith(body), true);
  assert.deepEqual([bench.client.closed, bench.closed], [true, 1]);
});

test('Http1Server does not answer who speaks another protocol', async () => {
  const bench = await Bench.start();
  bench.send('INVALID CONNECTION PREFACE\r\n\r\n');
  assert.equal(bench.client.text, '');
  assert.equal(bench.client.ended, true);
  assert.deepEqual(bench.refused, ['not-http']);
});

test('Http1Server refuses a body that its client ended too early', async () => {
  const bench = await Bench.start();
  bench.send(`${POST}ab`);
  bench.client.end();
  bench.world.run();
  assert.equal(bench.last.calls.at(-1), 'reset malformed-request');
  assert.match(bench.client.text, /^HTTP\/1.1 400 /);
  assert.equal(bench.closed, 1);
});

test('Http1Server closes for a client that ends between requests or inside a head', async () => {
  for (const wire of ['', 'GET /a', GET]) {
    const bench = await Bench.start();
    bench.send(wire);
    if (wire === GET) bench.answer();
    bench.client.end();
    bench.world.run();
    assert.equal(bench.closed, 1);
    assert.equal(bench.exchanges.length, wire === GET ? 1 : 0);
  }
});

test('Http1Server cancels the exchange of a client that goes away, at any point', async () => {
  for (const at of ['body', 'pending', 'sending'] as const) {
    const bench = await Bench.start();
    bench.send(at === 'body' ? `${POST}ab` : GET);
    if (at === 'sending') bench.head('HTTP/1.1 200 OK\r\n\r\n', 5);
    bench.client.reset();
    bench.world.run();
    assert.equal(bench.last.calls.at(-1), 'reset cancelled');
    assert.equal(bench.closed, 1);
  }
});

test('Http1Server tells an answered exchange nothing more', async () => {
  const bench = await Bench.start();
  bench.send('GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n');
  bench.answer();
  bench.client.reset();
  bench.world.run();
  assert.deepEqual(bench.last.calls, [GOT, 'end']);
});

test('Http1Server gives a head its time, then answers 408', async () => {
  const bench = await Bench.start();
  bench.send('GET /a HT');
  bench.world.advance(timeouts.headTimeoutMs - 200);
  bench.send('TP/1.1\r\n');
  assert.equal(bench.client.text, '');
  bench.world.advance(400);
  assert.match(bench.client.text, /^HTTP\/1.1 408 /);
  assert.deepEqual(bench.refused, ['head-timeout']);
  bench.world.advance(timeouts.lingerMs + 200);
  assert.equal(bench.closed, 1);
});

test('Http1Server closes an idle connection when its time is over', async () => {
  const bench = await Bench.start();
  bench.send(GET);
  bench.answer();
  bench.client.take();
  bench.world.advance(timeouts.downstreamIdleMs - 200);
  assert.equal(bench.closed, 0);
  bench.world.advance(400);
  assert.deepEqual([bench.client.text, bench.closed], ['', 1]);
});

test('Http1Server ends an exchange in which nothing moves, not one in which something does', async () => {
  const bench = await Bench.start();
  bench.send(GET);
  bench.head('HTTP/1.1 200 OK\r\n\r\n', 50);
  for (let i = 0; i < 3; i++) {
    bench.world.advance(timeouts.streamIdleMs - 1000);
    bench.data('x');
  }
  assert.equal(bench.closed, 0);
  bench.world.advance(2 * timeouts.streamIdleMs + 200);
  assert.equal(bench.last.calls.at(-1), 'reset deadline-passed');
  assert.equal(bench.closed, 1);
});

test('Http1Server resets a client that never takes its answer', async () => {
  const bench = await Bench.start({ capacityBytes: 10 });
  bench.client.pause();
  bench.send(GET);
  bench.answer('x'.repeat(100));
  bench.world.advance(timeouts.downstreamIdleMs + 2 * timeouts.streamIdleMs);
  assert.equal(bench.closed, 1);
  bench.client.resume();
  bench.world.run();
  assert.equal(bench.client.error?.code, 'upstream-reset');
});

test('Http1Server.closeIfIdle closes between requests, else with the current answer', async () => {
  const idle = await Bench.start();
  idle.world.clock.turn.run(() => idle.session.closeIfIdle());
  idle.world.run();
  assert.equal(idle.closed, 1);

  const busy = await Bench.start();
  busy.send(GET);
  busy.world.clock.turn.run(() => busy.session.closeIfIdle());
  busy.answer();
  assert.equal(busy.client.text, CLOSING);
  busy.finish();
});

test('Http1Server.abort answers what is pending, cuts what is sent, closes what is idle', async () => {
  const texts = { idle: /^$/, pending: /^HTTP\/1.1 503 /, sending: /\r\n\r\nx$/ };
  for (const at of ['idle', 'pending', 'sending'] as const) {
    const bench = await Bench.start();
    if (at !== 'idle') bench.send(GET);
    if (at === 'sending') {
      bench.head('HTTP/1.1 200 OK\r\n\r\n', 9);
      bench.data('x');
    }
    bench.world.clock.turn.run(() => bench.session.abort(OVER));
    bench.world.run();
    assert.match(bench.client.text, texts[at]);
    assert(bench.client.ended);
    if (at !== 'idle') assert.equal(bench.last.calls.at(-1), 'reset past-drain');
    bench.finish();
  }
});

test('Http1Server.abort writes nothing behind the end that an address outside the mesh made', async () => {
  const bench = await Bench.start();
  bench.send(GET);
  bench.reset(new MeshError('outside-failed', 'upstream', 'Ended.', 'never', undefined, 'orderly'));
  assert.deepEqual([bench.client.ended, bench.closed], [true, 0]);
  bench.world.clock.turn.run(() => bench.session.abort(OVER));
  bench.world.run();
  assert.deepEqual([bench.client.text, bench.refused, bench.closed], ['', [], 1]);
});

test('Http1Server begins no request once it is to close behind an answer that is leaving', async () => {
  const bench = await Bench.start({ capacityBytes: 8 });
  bench.client.pause();
  bench.send(GET);
  bench.answer();
  bench.world.clock.turn.run(() => bench.session.closeIfIdle());
  bench.send(GET);
  assert.equal(bench.exchanges.length, 1);
  bench.client.resume();
  bench.world.run();
  assert.deepEqual([bench.client.text, bench.closed], [ANSWER, 1]);
});

test('Http1Server does not answer half a head that its client ended, however slowly it reads', async () => {
  const bench = await Bench.start({ capacityBytes: 8 });
  bench.client.pause();
  bench.send(GET);
  bench.answer();
  bench.send('GET /b');
  bench.client.end();
  bench.world.run();
  bench.world.advance(timeouts.headTimeoutMs + timeouts.streamIdleMs + 400);
  bench.client.resume();
  bench.world.run();
  assert.doesNotMatch(bench.client.text, /408/);
  assert.deepEqual([bench.refused, bench.closed], [[], 1]);
});
