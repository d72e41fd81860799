import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcCallBench, HEAD, lastBlock, messageData } from '../../../test/support/grpc-memory.ts';
import { withLimits } from '../../../test/support/http2-sessions.ts';
import {
  END_STREAM,
  block,
  data,
  goaway,
  headers,
  reset,
  settings,
  windowUpdate,
} from '../../../test/support/http2-wire.ts';
import { limits, timeouts } from '../../limits.ts';
import { PROXY_VERSION } from '../version.ts';

const INITIAL_WINDOW_SIZE = 4;
/** PINGs have become rare by then (session/http2-liveness.ts). */
const LONGEST_SILENCE_MS = 330_000;

test('GrpcCall asks as gRPC does', async () => {
  const bench = await GrpcCallBench.start();
  assert.deepEqual(bench.peer.takeMain(), [
    'HEADERS 1 :method=POST :scheme=http :authority=controller:8086 :path=/test.Echo/Talk ' +
      `content-type=application/grpc+proto user-agent=culvert/${PROXY_VERSION} ` +
      'grpc-accept-encoding=identity te=trailers',
  ]);
  assert.deepEqual(bench.asked, ['controller:8086']);
  bench.finish();
});

for (const [host, authority] of [
  ['fd00::1', '[fd00::1]:8086'],
  ['a-b_c.svc', 'a-b_c.svc:8086'],
  ['zürich', 'localhost'],
  ['a%b', 'localhost'],
] as const) {
  test(`GrpcCall to ${host} is for ${authority}`, async () => {
    const bench = await GrpcCallBench.start({ host });
    assert.ok(bench.peer.takeMain()[0]?.includes(` :authority=${authority} `));
    bench.finish();
  });
}

test('GrpcCall sends messages with their length, and takes those that come', async () => {
  const bench = await GrpcCallBench.start();
  bench.peer.take();
  assert.equal(bench.write('abc'), true);
  assert.equal(bench.write(''), true);
  assert.equal(bench.peer.body(1), '\0\0\0\0\u0003abc\0\0\0\0\0');
  bench.answer('one', '', 'two');
  assert.deepEqual(bench.messages, ['one', '', 'two']);
  bench.peer.send(messageData('three'), lastBlock(['grpc-status', '0']));
  assert.deepEqual([bench.messages.at(-1), bench.events], ['three', ['ended OK']]);
  assert.deepEqual(bench.peer.takeMain().at(-1), 'RST_STREAM 1 CANCEL', 'its own half ends too');
  assert.equal(bench.write('more'), false);
  bench.finish();
});

test('GrpcCall hears the status of trailers, and of a head that is all', async () => {
  for (const first of [[], [[':status', '200'] as const]]) {
    const bench = await GrpcCallBench.start();
    if (first.length === 0) bench.answer();
    bench.peer.send(
      lastBlock(...first, ['grpc-status', '9'], ['grpc-message', 'caf%C3%A9 is closed']),
    );
    assert.deepEqual(bench.events, ['ended FAILED_PRECONDITION: café is closed']);
    bench.finish();
  }
});

for (const [what, frames, reason] of [
  [
    'an HTTP status',
    [headers(1, block([':status', '503'])), data(1, 'busy', END_STREAM)],
    'UNAVAILABLE: The server answered HTTP 503.',
  ],
  [
    'an HTTP status in a head that is all',
    [lastBlock([':status', '404'])],
    'UNIMPLEMENTED: The server answered HTTP 404.',
  ],
  [
    'something that is no gRPC',
    [headers(1, block([':status', '200'], ['content-type', 'text/html'])), data(1, '<p>')],
    'UNKNOWN: The server answered something else than gRPC.',
  ],
  [
    'a status behind an HTTP status',
    [lastBlock([':status', '400'], ['grpc-status', '16'])],
    'UNAUTHENTICATED',
  ],
  [
    'no status',
    [headers(1, HEAD), data(1, '', END_STREAM)],
    'UNKNOWN: The server ended the stream without a status.',
  ],
  [
    'a message that is cut',
    [headers(1, HEAD), data(1, '\0\0\0\0\u0009abc'), lastBlock(['grpc-status', '0'])],
    'INTERNAL: The server ended the stream in the middle of a message.',
  ],
  [
    'an error within a message',
    [headers(1, HEAD), data(1, '\0\0'), lastBlock(['grpc-status', '14'])],
    'UNAVAILABLE',
  ],
  [
    'a compressed message',
    [headers(1, HEAD), messageData('abc', 1, 1)],
    'INTERNAL: A message is compressed, which nobody agreed to.',
  ],
  [
    'a message that is none',
    [headers(1, HEAD), messageData('!')],
    'INTERNAL: A message cannot be decoded: it shouts.',
  ],
  [
    'a reset',
    [headers(1, HEAD), reset(1, 'ENHANCE_YOUR_CALM')],
    'RESOURCE_EXHAUSTED: 10.0.0.1:8086 reset the request: ENHANCE_YOUR_CALM.',
  ],
  [
    'a refusal',
    [reset(1, 'REFUSED_STREAM')],
    'UNAVAILABLE: 10.0.0.1:8086 reset the request: REFUSED_STREAM.',
  ],
  [
    'garbage',
    [headers(1, HEAD), Buffer.alloc(20, 0xff)],
    'INTERNAL: 10.0.0.1:8086 broke HTTP/2: A frame was longer than 16384 octets.',
  ],
] as const) {
  test(`GrpcCall that is answered ${what} ends once and says so`, async () => {
    const bench = await GrpcCallBench.start();
    bench.peer.send(...frames);
    assert.deepEqual(bench.events, [`ended ${reason}`]);
    assert.deepEqual(bench.messages, []);
    bench.dial.close();
    bench.world.run();
    assert.deepEqual(bench.events.length, 1);
  });
}

test('GrpcCall refuses a message above the limit before it comes', async (t) => {
  withLimits(t, { controlMessageBytesMax: 1_000 });
  const bench = await GrpcCallBench.start();
  bench.answer('a'.repeat(1_000));
  assert.deepEqual([bench.messages.length, bench.events], [1, []]);
  bench.peer.send(data(1, '\0\0\0\u0003\u00e9'));
  const reason = 'RESOURCE_EXHAUSTED: A message has 1001 bytes, and at most 1000 are taken.';
  assert.deepEqual(bench.events, [`ended ${reason}`]);
  assert.equal(bench.peer.takeMain().at(-1), 'RST_STREAM 1 CANCEL');
  bench.finish();
});

test('GrpcCall takes a message that is longer than its window, and returns all credit', async () => {
  const bench = await GrpcCallBench.start();
  const text = 'a'.repeat(5 * limits.streamWindowBytes);
  const frame = messageData(text).subarray(9);
  bench.peer.send(headers(1, HEAD));
  for (let at = 0; at < frame.length; at += 16_384) {
    bench.peer.send(data(1, frame.subarray(at, at + 16_384)));
  }
  assert.deepEqual(bench.messages, [text]);
  const { credit } = bench.peer.stream(1);
  assert.ok(credit > limits.streamWindowBytes / 2, `${credit} of the window is left`);
  bench.finish();
});

test('GrpcCall says when a server does not read, and when it does again', async () => {
  const bench = await GrpcCallBench.start({}, [[INITIAL_WINDOW_SIZE, 0]]);
  const text = 'a'.repeat(limits.streamWindowBytes / 2);
  assert.deepEqual([bench.write(text), bench.events], [true, []]);
  assert.deepEqual([bench.write(text), bench.events], [false, []]);
  const half = limits.streamWindowBytes / 2;
  bench.peer.send(windowUpdate(1, half + 9));
  assert.deepEqual(bench.events, []);
  bench.peer.send(windowUpdate(1, 1));
  assert.deepEqual(bench.events, ['drained']);
  bench.peer.send(windowUpdate(0, limits.streamWindowBytes));
  bench.peer.send(windowUpdate(1, limits.streamWindowBytes));
  assert.equal(bench.peer.body(1).length, 2 * (text.length + 5));
  assert.deepEqual(bench.events, ['drained']);
  assert.equal(bench.write('more'), true);
  bench.finish();
});

test('GrpcCall that is cancelled resets its stream, and hears nothing more', async () => {
  const bench = await GrpcCallBench.start();
  bench.onMessage = () => bench.call.cancel();
  bench.answer('one', 'two');
  assert.deepEqual([bench.messages, bench.events], [['one'], []]);
  assert.equal(bench.peer.takeMain().at(-1), 'RST_STREAM 1 CANCEL');
  bench.peer.send(messageData('three'), lastBlock(['grpc-status', '0']));
  assert.deepEqual([bench.messages, bench.events], [['one'], []]);
  bench.finish();
});

test('GrpcCall that was never answered ends with its connection', async () => {
  for (const how of ['end', 'reset'] as const) {
    const bench = await GrpcCallBench.start();
    bench.peer.peer[how]();
    bench.world.run();
    const reason = '10.0.0.1:8086 ended the connection before it answered.';
    assert.deepEqual(bench.events, [`ended UNAVAILABLE: ${reason}`], how);
    assert.deepEqual(bench.heard, ['opened'], 'its calls have said so');
  }
});

test('GrpcCall of a server that is silent and there lasts; of one that is gone it ends', async () => {
  const bench = await GrpcCallBench.start();
  bench.answer('one');
  bench.world.advance(3 * timeouts.streamIdleMs);
  assert.deepEqual(bench.events, []);
  bench.peer.acknowledges = false;
  bench.world.advance(LONGEST_SILENCE_MS);
  const reason = `The peer answered no PING within ${timeouts.pingTimeoutMs} ms.`;
  assert.deepEqual(bench.events, [`ended UNAVAILABLE: ${reason}`]);
  bench.finish();
});

test('GrpcCall to a server that takes nothing for long ends', async () => {
  const bench = await GrpcCallBench.start({}, [[INITIAL_WINDOW_SIZE, 0]]);
  bench.write('a');
  bench.world.advance(2 * timeouts.streamIdleMs + 1_000);
  const reason = `10.0.0.1:8086 let ${timeouts.streamIdleMs} ms pass without a byte.`;
  assert.deepEqual(bench.events, [`ended UNAVAILABLE: ${reason}`]);
  bench.finish();
});

test('GrpcConnection says that its server leaves, takes no calls then, and lets those end', async () => {
  const bench = await GrpcCallBench.start();
  bench.answer('one');
  bench.peer.send(goaway(1, 'NO_ERROR'));
  assert.deepEqual(bench.heard, ['opened', 'leaving']);
  const events = { message() {}, drained() {}, ended() {} };
  const method = { path: '/a/b', encode: () => Buffer.alloc(0), decode: () => '' };
  assert.equal(bench.connection?.call(method, events), undefined);
  bench.peer.send(messageData('two'));
  assert.deepEqual([bench.messages, bench.events], [['one', 'two'], []]);
  bench.run(() => bench.call.cancel());
  assert.equal(bench.peer.peer.ended, true, 'the connection ends with its last call');
  bench.finish();
});

test('GrpcConnection loses what GOAWAY says was not processed', async () => {
  const bench = await GrpcCallBench.start();
  bench.peer.send(goaway(0, 'NO_ERROR'));
  const reason = '10.0.0.1:8086 is going away and did not process the request.';
  assert.deepEqual(bench.events, [`ended UNAVAILABLE: ${reason}`]);
  bench.dial.close();
});

test('GrpcConnection makes more calls than limits of the traffic allow, each its own', async (t) => {
  withLimits(t, { concurrentStreamsMax: 1 });
  const bench = await GrpcCallBench.start();
  const told: string[] = [];
  bench.run(() => {
    const second = bench.connection?.call(
      { path: '/a/b', encode: (text: string) => Buffer.from(text), decode: String },
      { message: (text) => told.push(text), drained() {}, ended: () => told.push('ended') },
    );
    second?.write('hello');
  });
  assert.equal(bench.peer.body(3), '\0\0\0\0\u0005hello');
  bench.peer.send(headers(3, HEAD), messageData('x', 3), settings(), reset(3, 'CANCEL'));
  assert.deepEqual([told.length, told.at(-1)], [2, 'ended']);
  assert.deepEqual(bench.events, []);
  bench.finish();
});
