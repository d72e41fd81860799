import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { sumDetections } from './observe/detection-counts.ts';
import type { PortProtocol } from './model/exchange.ts';
import { limits, timeouts } from './limits.ts';
import { inboundStack } from './stack.ts';
import { APPLICATION, GET, StackBench, serving } from '../test/support/stack-bench.ts';
import type { MemoryPeer, React } from '../test/support/memory-world.ts';

/** What a PostgreSQL client says first: no HTTP at its first byte. */
const BINARY = '\0\0\0\x08\x04\xd2\x16\x2f';

async function open(
  t: TestContext,
  react?: React,
  declared?: PortProtocol,
): Promise<{ bench: StackBench; applications: MemoryPeer[] }> {
  const bench = new StackBench();
  t.after(() => bench.world.clock.wheel.stop());
  t.after(() => bench.world.clock.fineWheel.stop());
  const applications = await bench.world.serve(APPLICATION, react);
  const ports = { ...bench.parts.ports, inbound: { declared: () => declared } };
  await bench.open('inbound', inboundStack({ ...bench.parts, ports }, APPLICATION));
  return { bench, applications };
}

/** Results of detection: http1, http2, tcp, none; and timeouts. */
function detections(bench: StackBench): readonly number[] {
  const [first] = sumDetections([bench.counts.detections]);
  return [...(first?.results ?? []), first?.timeouts ?? 0];
}

const greeting: React = (peer) => {
  if (!peer.ended && peer.sentBytes === 0 && peer.text === '') peer.send('220 ready\r\n');
};

/** Greets whoever connects. */
function greet(applications: MemoryPeer[]): void {
  for (const application of applications) greeting(application);
}

test('a client that speaks no HTTP gets a tunnel with its first bytes, however cut', async (t) => {
  for (let at = 1; at < BINARY.length; at++) {
    const { applications, bench } = await open(t);
    const client = bench.client(BINARY.slice(0, at));
    client.send(BINARY.slice(at));
    bench.world.run();
    assert.equal(applications[0]?.take(), BINARY);
    applications[0]?.send('answer');
    bench.world.run();
    assert.equal(client.take(), 'answer');
    assert.deepEqual(detections(bench), [0, 0, 1, 0, 0]);
    bench.finish([client]);
  }
});

test('a server that speaks first is heard after the silence', async (t) => {
  const { applications, bench } = await open(t);
  const client = bench.client();
  assert.equal(applications.length, 0);
  bench.world.advance(timeouts.serverFirstMs + 20);
  assert.equal(applications.length, 1, 'dialled');
  greet(applications);
  bench.world.run();
  assert.equal(client.take(), '220 ready\r\n');
  client.send('HELO x\r\n');
  bench.world.run();
  assert.equal(applications[0]?.take(), 'HELO x\r\n');
  assert.deepEqual(detections(bench), [0, 0, 1, 0, 0]);
  bench.finish([client]);
});

test('a port whose server spoke first is dialled at once from then on', async (t) => {
  const { applications, bench } = await open(t);
  const first = bench.client();
  bench.world.advance(timeouts.serverFirstMs + 20);
  greet(applications);
  bench.world.run();
  const second = bench.client();
  assert.equal(applications.length, 2);
  greet(applications.slice(1));
  bench.world.run();
  assert.equal(second.text, '220 ready\r\n');
  bench.finish([first, second]);
});

test('a silent HTTP client costs no upstream link once a client spoke first', async (t) => {
  const { applications, bench } = await open(t, serving);
  const first = bench.client(GET);
  assert.match(first.take(), /^HTTP\/1\.1 200/);
  const second = bench.client();
  bench.world.advance(timeouts.detectTimeoutMs - 100);
  assert.equal(applications.length, 1);
  second.send(GET);
  bench.world.run();
  assert.match(second.take(), /^HTTP\/1\.1 200/);
  bench.finish([first, second]);
});

test('a silent client has its time when another one speaks first meanwhile', async (t) => {
  const { applications, bench } = await open(t, serving);
  const clients = [bench.client(), bench.client()];
  bench.world.advance(timeouts.serverFirstMs / 2);
  clients[0]?.send(GET);
  bench.world.run();
  bench.world.advance(timeouts.detectTimeoutMs / 2);
  assert.equal(applications.length, 1, 'that of the answer');
  bench.world.advance(timeouts.detectTimeoutMs);
  assert.equal(applications.length, 2, 'its server is listened at in the end');
  bench.finish(clients);
});

test('a thread that is late reads its clients before it takes them for silent', async (t) => {
  const { applications, bench } = await open(t, serving);
  const client = bench.client();
  // One step of the clock.
  bench.world.advance(100);
  assert.equal(applications.length, 0);
  client.send(GET);
  bench.world.run();
  assert.match(client.take(), /^HTTP\/1\.1 200/);
  assert.equal(applications.length, 1);
  bench.finish([client]);
});

test('an HTTP client that was silent is served as one, and leaves no link behind', async (t) => {
  const { applications, bench } = await open(t, serving);
  const client = bench.client();
  bench.world.advance(timeouts.serverFirstMs + 20);
  assert.equal(applications.length, 1);
  client.send(GET);
  bench.world.run();
  assert.match(client.take(), /^HTTP\/1\.1 200/);
  assert.equal(applications[0]?.ended || applications[0]?.closed, true, 'the listener hangs up');
  assert.deepEqual(detections(bench), [1, 0, 0, 0, 0]);
  bench.finish([client]);
});

test('first bytes that tell nothing in time are carried as TCP', async (t) => {
  const { applications, bench } = await open(t);
  const client = bench.client('PIN');
  bench.world.advance(timeouts.detectTimeoutMs - 100);
  assert.equal(applications[0]?.text ?? '', '');
  bench.world.advance(300);
  assert.equal(applications.at(-1)?.take(), 'PIN');
  assert.deepEqual(detections(bench), [0, 0, 1, 0, 1]);
  bench.finish([client]);
});

test('a client that ends before it says anything is shown to its server', async (t) => {
  const { applications, bench } = await open(t);
  const client = bench.client();
  client.end();
  bench.world.run();
  assert.equal(applications[0]?.ended, true);
  applications[0]?.send('bye');
  applications[0]?.end();
  bench.world.run();
  assert.deepEqual([client.text, client.ended], ['bye', true]);
  bench.finish([client]);
});

test('a declared opaque port is a tunnel from the first moment, HTTP or not', async (t) => {
  const { applications, bench } = await open(t, undefined, 'opaque');
  const client = bench.client();
  assert.equal(applications.length, 1);
  client.send(GET);
  bench.world.run();
  assert.equal(applications[0]?.take(), GET);
  assert.equal(bench.begun, 0);
  bench.finish([client]);
});

test('a port declared as HTTP refuses what is not', async (t) => {
  const { applications, bench } = await open(t, undefined, 'http1');
  const client = bench.client(BINARY);
  bench.world.advance(timeouts.detectTimeoutMs + 200);
  assert.equal(applications.length, 0);
  assert.deepEqual(detections(bench).slice(0, 3), [1, 0, 0]);
  bench.finish([client]);
});

test('a half-closed tunnel goes on the other way, and ends when nothing moves', async (t) => {
  const { applications, bench } = await open(t);
  const client = bench.client(BINARY);
  const [application] = applications;
  client.end();
  bench.world.run();
  assert.equal(application?.ended, true);
  for (let i = 0; i < 3; i++) {
    bench.world.advance(timeouts.halfCloseMs - 1_000);
    application?.send('more');
    bench.world.run();
    assert.equal(client.take(), 'more');
  }
  bench.world.advance(2 * timeouts.halfCloseMs + 1_000);
  assert.equal(client.closed, true);
  application?.send('too late');
  bench.world.run();
  assert.equal(application?.closed, true);
  bench.finish([client]);
});

test('a reset on one side is a reset on the other', async (t) => {
  for (const from of ['client', 'application'] as const) {
    const { applications, bench } = await open(t);
    const client = bench.client(BINARY);
    const application = applications[0]!;
    (from === 'client' ? client : application).reset();
    bench.world.run();
    const other = from === 'client' ? application : client;
    assert.equal(other.closed, true);
    assert.notEqual(other.error, undefined, 'not an orderly end');
    bench.finish([client]);
  }
});

test('a side that does not read stops the other', async (t) => {
  const { applications, bench } = await open(t);
  const client = bench.client(BINARY);
  const application = applications[0]!;
  application.pause();
  const chunk = Buffer.alloc(limits.tunnelBufferBytes, 'x');
  for (let i = 0; i < 40; i++) client.send(chunk);
  bench.world.run();
  assert(client.link.unsentBytes > 30 * chunk.length, 'most of it waits in the client');
  application.resume();
  bench.world.run();
  assert.equal(application.bytes.length, BINARY.length + 40 * chunk.length);
  bench.finish([client]);
});

test('a tunnel that cannot be dialled is reset, and counted', async (t) => {
  const bench = new StackBench();
  t.after(() => bench.world.clock.wheel.stop());
  await bench.open('inbound', inboundStack(bench.parts, APPLICATION));
  const client = bench.client(BINARY);
  assert.equal(client.closed, true);
  assert.deepEqual(bench.errors, ['inbound upstream-refused']);
  bench.finish([client]);
});

test('a tunnel goes on through a drain until its end, and is reset at the deadline', async (t) => {
  const bench = new StackBench();
  t.after(() => bench.world.clock.wheel.stop());
  const applications = await bench.world.serve(APPLICATION);
  const side = inboundStack(bench.parts, APPLICATION);
  await bench.open('inbound', side);
  const client = bench.client(BINARY);
  side.drain(1_000);
  bench.world.advance(2_000);
  assert.equal(side.closed, true);
  applications[0]?.send('still');
  bench.world.run();
  assert.equal(client.take(), 'still');
  side.abort(undefined as never);
  bench.world.run();
  assert.deepEqual([client.closed, applications[0]?.closed], [true, true]);
  bench.finish([client]);
});

test('silent clients dial no more than the limit at a time, and are served all the same', async (t) => {
  const { applications, bench } = await open(t, serving);
  const clients = Array.from({ length: limits.serverFirstDialsMax + 5 }, () => bench.client());
  bench.world.advance(timeouts.serverFirstMs + 100);
  assert.equal(applications.length, limits.serverFirstDialsMax);
  bench.world.advance(2 * timeouts.detectTimeoutMs);
  assert.equal(applications.length, limits.serverFirstDialsMax);
  for (const client of clients) client.send(GET);
  bench.world.run();
  for (const client of clients) assert.match(client.take(), /^HTTP\/1\.1 200/);
  bench.finish(clients);
});
