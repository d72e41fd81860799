import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHead } from '../../test/support/heads.ts';
import { type MemoryPeer, MemoryWorld, newLinkCounts } from '../../test/support/memory-world.ts';
import { HeardResponse } from '../../test/support/sinks.ts';
import { limits, streamResumeBytes, timeouts } from '../limits.ts';
import { BODY_LENGTH_UNKNOWN } from '../model/exchange.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { MemoryOptions } from '../transport/memory.ts';
import { type ClientOwner, Http1Client } from './http1-client.ts';

const ADDRESS = { host: '127.0.0.1', port: 80 };
const GET = 'GET /a HTTP/1.1\r\nHost: h\r\n\r\n';
const POST = 'POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n';

class Owner implements ClientOwner {
  readonly wheel;
  readonly heard: string[] = [];

  constructor(world: MemoryWorld) {
    this.wheel = world.clock.wheel;
  }

  opened(): void {
    this.heard.push('opened');
  }

  failed(_session: Http1Client, error: MeshError): void {
    this.heard.push(`failed ${error.code} ${error.retry}`);
  }

  released(_session: Http1Client, idleMs: number): void {
    this.heard.push(`released ${idleMs}`);
  }

  closed(): void {
    this.heard.push('closed');
  }
}

interface Setup {
  readonly world: MemoryWorld;
  readonly owner: Owner;
  readonly session: Http1Client;
  readonly server: MemoryPeer;
}

function dial(world: MemoryWorld): { owner: Owner; session: Http1Client } {
  const owner = new Owner(world);
  const session = new Http1Client(owner, '127.0.0.1:80');
  const options = { ...ADDRESS, from: undefined, counts: newLinkCounts() };
  session.attach(world.transport.dial(options, session));
  world.run();
  return { owner, session };
}

async function connected(options: MemoryOptions = {}): Promise<Setup> {
  const world = new MemoryWorld(options);
  const servers = await world.serve(ADDRESS);
  const { owner, session } = dial(world);
  const server = servers[0];
  assert(server !== undefined);
  assert.deepEqual(owner.heard.splice(0), ['opened']);
  return { world, owner, session, server };
}

/** Sends a request whose body, if any, follows. */
function ask({ world, session }: Setup, text = GET, body = 0): HeardResponse {
  const sink = new HeardResponse();
  world.clock.turn.run(() => {
    session.request(requestHead(text), body, sink);
    if (body === 0) session.requestEnd();
  });
  world.run();
  return sink;
}

function answer({ world, server }: Setup, text: string): void {
  server.send(text);
  world.run();
}

const RESPONSES: readonly (readonly [name: string, wire: string, calls: string[], last: string])[] =
  [
    [
      'of a length',
      'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc',
      ['head 200 3 Content-Length=3', 'data abc', 'end'],
      'released 3000',
    ],
    ['without a body', 'HTTP/1.1 204 No\r\n\r\n', ['head 204 0 ', 'end'], 'released 3000'],
    [
      'in chunks with trailers',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nab\r\n1\r\nc\r\n0\r\nT: 1\r\n\r\n',
      ['head 200 -1 Transfer-Encoding=chunked', 'data abc', 'trailers T=1', 'end'],
      'released 3000',
    ],
    [
      'after interim ones',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n',
      ['interim 100', 'interim 103', 'head 304 0 Content-Length=9', 'end'],
      'released 3000',
    ],
    [
      'that closes',
      'HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\nx',
      ['head 200 1 Connection=Close,Content-Length=1', 'data x', 'end'],
      'closed',
    ],
    [
      'of HTTP/1.0',
      'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx',
      ['head 200 1 Content-Length=1', 'data x', 'end'],
      'closed',
    ],
    [
      'of HTTP/1.0 that stays',
      'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx',
      ['head 200 1 Connection=keep-alive,Content-Length=1', 'data x', 'end'],
      'released 3000',
    ],
    [
      'with an idle limit',
      'HTTP/1.1 200 OK\r\nKeep-Alive: max=9, timeout=2\r\nContent-Length: 0\r\n\r\n',
      ['head 200 0 Keep-Alive=max=9, timeout=2,Content-Length=0', 'end'],
      'released 1500',
    ],
    [
      'with an idle limit of nothing',
      'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\nContent-Length: 0\r\n\r\n',
      ['head 200 0 Keep-Alive=timeout=0,Content-Length=0', 'end'],
      'closed',
    ],
    [
      'with more behind it',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      ['head 200 1 Content-Length=1', 'data x', 'end'],
      'closed',
    ],
  ];

for (const [name, wire, calls, last] of RESPONSES) {
  test(`Http1Client hands on a response ${name}, whole and byte by byte`, async () => {
    for (const readBytes of [() => limits.readBytes, () => 1]) {
      const setup = await connected({ readBytes });
      const sink = ask(setup);
      assert.equal(setup.server.take(), GET);
      answer(setup, wire);
      assert.deepEqual(sink.calls, calls);
      // Byte by byte, what is behind a response comes when the connection is idle already.
      const ends = last === 'closed' && setup.owner.heard[0] !== 'closed' ? 'closed' : last;
      assert.equal(setup.owner.heard.at(-1), ends);
      assert.equal(setup.session.served, 1);
      assert.equal(setup.server.ended || setup.server.closed, last === 'closed');
    }
  });
}

test('Http1Client hands on a response that lasts until the close', async () => {
  const setup = await connected();
  const sink = ask(setup);
  answer(setup, 'HTTP/1.1 200 OK\r\n\r\nabc');
  assert.deepEqual(sink.calls, ['head 200 -1 ', 'data abc']);
  setup.server.end();
  setup.world.run();
  assert.deepEqual(sink.calls, ['head 200 -1 ', 'data abc', 'end']);
  assert.deepEqual(setup.owner.heard, ['closed']);
  assert(setup.server.closed);
});

test('Http1Client gives no body to HEAD', async () => {
  const setup = await connected();
  const sink = ask(setup, 'HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n');
  answer(setup, 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n');
  assert.deepEqual(sink.calls, ['head 200 0 Content-Length=7', 'end']);
});

test('Http1Client serves one request after another on its connection', async () => {
  const setup = await connected();
  for (const served of [1, 2, 3]) {
    const sink = ask(setup);
    answer(setup, 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx');
    assert.equal(sink.calls.at(-1), 'end');
    assert.equal(setup.session.served, served);
  }
  assert.equal(setup.server.text, GET.repeat(3));
});

test('Http1Client sends bodies of known and unknown length and returns their credit', async () => {
  const body = Buffer.from('abcd');
  for (const [size, wire] of [
    [4, `${POST}abcd`],
    // The length that the head tells is not that of what goes on.
    [
      BODY_LENGTH_UNKNOWN,
      'POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\n\r\n',
    ],
  ] as const) {
    const setup = await connected();
    const sink = ask(setup, POST, size);
    setup.world.clock.turn.run(() => {
      setup.session.requestData(body, 0, 4);
      setup.session.requestEnd();
    });
    setup.world.run();
    assert.equal(setup.server.text, wire);
    assert.equal(sink.credit, 4);
  }
});

test('Http1Client returns no credit for what the upstream has not taken', async () => {
  const setup = await connected({ capacityBytes: 1000 });
  setup.server.pause();
  setup.world.run();
  const sink = ask(setup, POST, 100_000);
  setup.world.clock.turn.run(() => setup.session.requestData(Buffer.alloc(50_000), 0, 50_000));
  setup.world.run();
  assert(sink.credit <= 1000);
  setup.server.resume();
  setup.world.run();
  assert.equal(sink.credit, 50_000);
});

test('Http1Client stops reading when its sink takes nothing, and goes on when it does', async () => {
  const setup = await connected({ capacityBytes: 1000 });
  const sink = ask(setup);
  const size = 4 * limits.streamWindowBytes;
  answer(setup, `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`);
  const first = sink.dataBytes;
  assert(first >= limits.streamWindowBytes && first < limits.streamWindowBytes + limits.readBytes);
  const little = limits.streamWindowBytes - streamResumeBytes() - 1;
  setup.world.clock.turn.run(() => setup.session.responseCredit(little));
  setup.world.run();
  assert.equal(sink.dataBytes, first, 'not before enough has left');
  while (sink.dataBytes < size) {
    const before = sink.dataBytes;
    setup.world.clock.turn.run(() => setup.session.responseCredit(limits.streamWindowBytes));
    setup.world.run();
    assert(sink.dataBytes > before);
  }
  assert.equal(sink.calls.at(-1), 'end');
  assert.equal(setup.owner.heard.at(-1), 'released 3000');
});

const BROKEN: readonly (readonly [name: string, wire: string])[] = [
  ['a bad status line', 'HTTP/1.1 2x0 OK\r\n\r\n'],
  ['a head that is too large', `HTTP/1.1 200 OK\r\nA: ${'b'.repeat(70_000)}`],
  ['an ambiguous length', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n'],
  ['a coding nobody knows', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n'],
  ['101 that nobody asked for', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n'],
  ['interim answers without end', 'HTTP/1.1 103 Hints\r\n\r\n'.repeat(101)],
];

for (const [name, wire] of BROKEN) {
  test(`Http1Client refuses ${name}`, async () => {
    const setup = await connected();
    const sink = ask(setup);
    answer(setup, wire);
    assert.equal(sink.calls.at(-1), 'reset upstream-protocol never');
    assert.deepEqual(setup.owner.heard, ['closed']);
    assert.equal(setup.server.error?.code, 'upstream-reset');
  });
}

test('Http1Client counts the interim answers of each request apart', async () => {
  const setup = await connected();
  for (let i = 0; i < 3; i++) {
    const sink = ask(setup);
    answer(setup, `${'HTTP/1.1 103 Hints\r\n\r\n'.repeat(10)}HTTP/1.1 204 No\r\n\r\n`);
    assert.equal(sink.calls.at(-1), 'end');
  }
});

test('Http1Client hands on a chunked body up to its fault', async () => {
  const setup = await connected();
  const sink = ask(setup);
  const head = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
  answer(setup, `${head}2\r\nab\r\n3x\r\nabc`);
  assert.deepEqual(sink.calls.slice(1), ['data ab', 'reset upstream-protocol never']);
});

/** What came before the connection was lost, and what the sink hears, on a fresh and a used one. */
const LOST: readonly (readonly [wire: string, fresh: string, used: string])[] = [
  ['', 'reset upstream-reset never', 'reset upstream-reset if-reused'],
  ['HTTP', 'reset upstream-reset never', 'reset upstream-reset never'],
  ['HTTP/1.1 100 C\r\n\r\n', 'reset upstream-reset never', 'reset upstream-reset never'],
  [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx',
    'reset upstream-reset never',
    'reset upstream-reset never',
  ],
  [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n',
    'reset upstream-reset never',
    'reset upstream-reset never',
  ],
];

for (const [wire, fresh, used] of LOST) {
  for (const ending of ['end', 'reset'] as const) {
    test(`Http1Client loses its connection by ${ending} after ${JSON.stringify(wire)}`, async () => {
      for (const served of [0, 1]) {
        const setup = await connected();
        if (served > 0) {
          ask(setup);
          answer(setup, 'HTTP/1.1 204 No\r\n\r\n');
        }
        const sink = ask(setup);
        answer(setup, wire);
        setup.server[ending]();
        setup.world.run();
        assert.equal(sink.calls.at(-1), served > 0 ? used : fresh);
        assert.equal(setup.owner.heard.at(-1), 'closed');
        setup.server.close();
        setup.world.run();
        assert.equal(setup.world.transport.slabs.out, 0);
      }
    });
  }
}

test('Http1Client resets a close-delimited response that is reset', async () => {
  const setup = await connected();
  const sink = ask(setup);
  answer(setup, 'HTTP/1.1 200 OK\r\n\r\nabc');
  setup.server.reset();
  setup.world.run();
  assert.equal(sink.calls.at(-1), 'reset upstream-reset never');
});

test('Http1Client ends an idle connection on which anything comes', async () => {
  for (const what of ['send', 'end', 'reset'] as const) {
    const setup = await connected();
    ask(setup);
    answer(setup, 'HTTP/1.1 204 No\r\n\r\n');
    if (what === 'send') setup.server.send('HTTP/1.1 200 OK\r\n');
    else setup.server[what]();
    setup.world.run();
    assert.equal(setup.owner.heard.at(-1), 'closed');
    setup.server.close();
    setup.world.run();
    assert(setup.server.closed);
  }
});

test('Http1Client ends an idle connection when its time is over, not before', async () => {
  const setup = await connected();
  ask(setup);
  answer(setup, 'HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n');
  setup.world.advance(400);
  assert.equal(setup.server.ended, false);
  setup.world.advance(300);
  assert.equal(setup.server.ended, true);
  assert.deepEqual(setup.owner.heard, ['released 500', 'closed']);
});

test('Http1Client gives an early answer on while the request body goes on', async () => {
  const setup = await connected();
  const sink = ask(setup, POST, 4);
  answer(setup, 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx');
  assert.equal(sink.calls.at(-1), 'end');
  assert.deepEqual(setup.owner.heard, []);
  setup.world.clock.turn.run(() => {
    setup.session.requestData(Buffer.from('abcd'), 0, 4);
    setup.session.requestEnd();
  });
  setup.world.run();
  assert.equal(setup.server.text, `${POST}abcd`);
  assert.deepEqual(setup.owner.heard, ['released 3000']);
});

test('Http1Client says that a request is unwanted when its early answer closes', async () => {
  const setup = await connected();
  const sink = ask(setup, POST, 4);
  answer(setup, 'HTTP/1.1 413 Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  assert.deepEqual(sink.calls.slice(1), ['end', 'unwanted']);
  assert.deepEqual(setup.owner.heard, ['closed']);
});

test('Http1Client says that a request is unwanted when its answered connection is lost', async () => {
  for (const ending of ['end', 'reset'] as const) {
    const setup = await connected();
    const sink = ask(setup, POST, 4);
    answer(setup, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    setup.server[ending]();
    setup.world.run();
    assert.deepEqual(sink.calls.slice(1), ['end', 'unwanted']);
    setup.world.clock.turn.run(() => setup.session.requestData(Buffer.from('abcd'), 0, 4));
    setup.world.run();
  }
});

test('Http1Client says that a request is unwanted when it stalls after its answer', async () => {
  const setup = await connected();
  const sink = ask(setup, POST, 4);
  answer(setup, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  setup.world.advance(2 * timeouts.streamIdleMs + 200);
  assert.deepEqual(sink.calls.slice(1), ['end', 'unwanted']);
  assert.deepEqual(setup.owner.heard, ['closed']);
});

test('Http1Client cancels a request by resetting its connection, at any point', async () => {
  for (const wire of ['', 'HTTP/1.1', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx']) {
    const setup = await connected();
    const sink = ask(setup);
    answer(setup, wire);
    const before = sink.calls.length;
    setup.world.clock.turn.run(() => setup.session.requestReset());
    setup.world.run();
    assert.equal(sink.calls.length, before);
    assert.deepEqual(setup.owner.heard, ['closed']);
    assert.equal(setup.server.error?.code, 'upstream-reset');
  }
});

test('Http1Client gives up a connection that is refused or not answered in time', () => {
  const refused = dial(new MemoryWorld());
  assert.deepEqual(refused.owner.heard, ['closed', 'failed upstream-refused unsent']);

  const world = new MemoryWorld();
  world.transport.silence(ADDRESS);
  const { owner } = dial(world);
  world.advance(timeouts.connectTimeoutMs - 100);
  assert.deepEqual(owner.heard, []);
  world.advance(300);
  assert.deepEqual(owner.heard, ['closed', 'failed deadline-passed unsent']);
});

test('Http1Client takes a connection that was there while its thread was behind', async () => {
  const world = new MemoryWorld();
  await world.serve(ADDRESS);
  const owner = new Owner(world);
  const session = new Http1Client(owner, '127.0.0.1:80');
  const options = { ...ADDRESS, from: undefined, counts: newLinkCounts() };
  session.attach(world.transport.dial(options, session));
  // Timers run, and only then is heard what happened meanwhile.
  world.clock.advance(timeouts.connectTimeoutMs, () => undefined);
  assert.deepEqual(owner.heard, []);
  world.run();
  assert.deepEqual(owner.heard, ['opened']);
});

test('Http1Client gives up an answer that stands still, not one that moves', async () => {
  const setup = await connected();
  const sink = ask(setup);
  answer(setup, 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n');
  for (let i = 0; i < 3; i++) {
    setup.world.advance(timeouts.streamIdleMs - 1000);
    answer(setup, 'x');
  }
  assert.equal(sink.calls.at(-1), 'data xxx');
  setup.world.advance(2 * timeouts.streamIdleMs);
  assert.equal(sink.calls.at(-1), 'reset deadline-passed never');
  assert.deepEqual(setup.owner.heard, ['closed']);
  assert.equal(setup.server.error?.code, 'upstream-reset');
});
