/** CONNECT to the outbound listener that stands for nothing: raw connections to what it names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Http2End } from '../test/support/http2-end.ts';
import { END_STREAM, connectBlock, data, headers } from '../test/support/http2-wire.ts';
import type { MemoryPeer } from '../test/support/memory-world.ts';
import { APPLICATION, LISTEN, StackBench } from '../test/support/stack-bench.ts';
import { timeouts } from './limits.ts';
import { unlabelledDestination } from './route/unlabelled.ts';
import { OutboundStack } from './stack.ts';
import { NOBODY } from './transport/link.ts';

const connectTo = (authority: string): string =>
  `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;
const CONNECT = connectTo('web:80');
const GRANTED = 'HTTP/1.1 200 OK\r\n\r\n';

/** A sidecar whose "web:80" is the application, or nobody, and whose "self:80" is itself. */
async function open(): Promise<StackBench> {
  const bench = new StackBench();
  const outbound = new OutboundStack(bench.parts, {
    subscribe: undefined,
    unsubscribe: () => undefined,
    fallback: undefined,
  });
  for (const [authority, address] of [
    ['web', APPLICATION],
    ['self', LISTEN],
  ] as const) {
    const target = { originalDst: undefined, authority, port: 80 };
    outbound.destinations.install(
      target,
      unlabelledDestination(authority, authority, 80, [address]),
      false,
    );
  }
  await bench.open('outbound', outbound.downstreams(undefined));
  return bench;
}

async function connected(send = CONNECT): Promise<[StackBench, MemoryPeer, MemoryPeer]> {
  const bench = await open();
  const servers = await bench.world.serve(APPLICATION);
  const client = bench.client(send);
  const [server] = servers;
  assert(server !== undefined, 'the application was dialled');
  return [bench, client, server];
}

test('CONNECT makes a raw connection, with the bytes that came early', async () => {
  const [bench, client, server] = await connected(`${CONNECT}\x00early`);
  assert.deepEqual([client.text, server.text], [GRANTED, '\x00early']);
  server.send('\xff answer');
  client.send(', late');
  bench.world.run();
  assert.deepEqual([client.text, server.text], [`${GRANTED}\xff answer`, '\x00early, late']);
  server.end();
  bench.world.run();
  assert.deepEqual([client.ended, client.closed], [true, false]);
  client.send('.');
  client.end();
  bench.world.run();
  assert.deepEqual([client.closed, server.closed, server.text], [true, true, '\x00early, late.']);
  assert.deepEqual(bench.ended, [
    { status: 200, failed: false, cancelled: false, route: 'CONNECT' },
  ]);
  assert.deepEqual(bench.errors, []);
  bench.finish([client]);
});

test('CONNECT lets the server speak first', async () => {
  const bench = await open();
  const ready = Buffer.from('220 ready\r\n');
  await bench.world.transport.listen(APPLICATION, bench.world.peerCounts, (link) => {
    link.write(ready, 0, ready.length);
    return NOBODY;
  });
  const client = bench.client(CONNECT);
  assert.equal(client.text, `${GRANTED}220 ready\r\n`);
  bench.finish([client]);
});

test('CONNECT of HTTP/2 makes a raw connection as well', async () => {
  const bench = await open();
  const servers = await bench.world.serve(APPLICATION);
  const peer = bench.world.connect(LISTEN);
  const client = new Http2End(bench.world, peer, 'client');
  client.send(1, [headers(1, connectBlock('web:80')), data(1, 'early', END_STREAM)]);
  bench.world.run();
  const [server] = servers;
  assert.deepEqual([server?.text, server?.ended], ['early', true]);
  server?.send('answer');
  server?.end();
  bench.world.run();
  const { blocks, body, ended } = client.wire.stream(1);
  assert.deepEqual(
    blocks[0]?.map(({ value }) => value),
    ['200'],
  );
  assert.deepEqual([Buffer.concat(body).toString(), ended], ['answer', true]);
  assert.deepEqual(client.wire.referee.violations, []);
  bench.finish([peer]);
});

test('CONNECT passes resets on, either way', async () => {
  const [lost, client, server] = await connected();
  server.reset();
  lost.world.run();
  assert.equal(client.error?.code, 'upstream-reset');
  lost.finish([client]);
  const [left, leaver, upstream] = await connected();
  leaver.reset();
  left.world.run();
  assert.equal(upstream.error?.code, 'upstream-reset');
  left.finish([leaver]);
});

/** What cannot be connected, and how that is answered. */
const REFUSED: readonly (readonly [authority: string, status: number, error: string])[] = [
  ['web:80', 502, 'outbound upstream-refused'],
  ['other:80', 404, 'outbound no-such-service'],
  ['self:80', 508, 'outbound proxy-loop'],
];

for (const [authority, status, error] of REFUSED) {
  test(`CONNECT to ${authority} that cannot be is answered ${status}`, async () => {
    const bench = await open();
    const client = bench.client(`${connectTo(authority)}early bytes\r\n\r\n`);
    assert.match(client.text, new RegExp(`^HTTP/1\\.1 ${status} [^]*\r\nculvert-proxy-error: `));
    assert.deepEqual([client.ended, bench.errors], [true, [error]]);
    assert.equal(bench.ended[0]?.status, status);
    bench.finish([client]);
  });
}

test('CONNECT to an endpoint that accepts nothing is answered 504', async () => {
  const bench = await open();
  bench.world.transport.silence(APPLICATION);
  const client = bench.client(CONNECT);
  bench.world.advance(timeouts.connectTimeoutMs + 1_000);
  assert.match(client.text, /^HTTP\/1\.1 504 /);
  bench.finish([client]);
});
