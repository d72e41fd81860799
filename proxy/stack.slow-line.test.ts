/** A first line that does not come to its end, on a port of which nothing is declared. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { APPLICATION, GET, StackBench, serving } from '../test/support/stack-bench.ts';
import type { MemoryPeer } from '../test/support/memory-world.ts';
import { CLIENT_PREFACE } from './codec/http2/preface.ts';
import { timeouts } from './limits.ts';
import { sumDetections } from './observe/detection-counts.ts';
import { inboundStack } from './stack.ts';

/** More than a tick of the timers. */
const TICK_MS = 300;
const PREFACE = CLIENT_PREFACE.toString('latin1');
const LINE = 'PROPFIND /files HTTP/1.1';

/** A port; `known`: a client has spoken HTTP first there. */
async function open(
  t: TestContext,
  known: boolean,
): Promise<{ bench: StackBench; applications: MemoryPeer[]; clients: MemoryPeer[] }> {
  const bench = new StackBench();
  t.after(() => bench.world.clock.wheel.stop());
  t.after(() => bench.world.clock.fineWheel.stop());
  const applications = await bench.world.serve(APPLICATION, serving);
  await bench.open('inbound', inboundStack(bench.parts, APPLICATION));
  const clients: MemoryPeer[] = [];
  if (known) {
    clients.push(bench.client(GET));
    assert.match(clients[0]!.take(), /^HTTP\/1\.1 200/);
  }
  return { bench, applications, clients };
}

/** Connections that time has decided, so far. */
const timedOut = (bench: StackBench): number =>
  sumDetections([bench.counts.detections])[0]?.timeouts ?? 0;

/** Checks that a client that says `said` and no more is answered 408, and not before its time. */
async function assertRefused(t: TestContext, said: string, known: boolean): Promise<void> {
  const { applications, bench, clients } = await open(t, known);
  const before = applications.length;
  const client = bench.client(said);
  bench.world.advance(timeouts.headTimeoutMs - TICK_MS);
  assert.equal(client.text, '', JSON.stringify(said));
  bench.world.advance(2 * TICK_MS);
  assert.match(client.text, /^HTTP\/1\.1 408 [\s\S]*\r\nconnection: close\r\n/i);
  assert.equal(applications.length, before, 'the application hears nothing of it');
  assert.deepEqual(bench.errors, ['inbound head-timeout']);
  assert.equal(timedOut(bench), 1);
  bench.finish([...clients, client]);
}

/** Checks that what a client says, and no more, goes through as bytes when detection's time is up. */
async function assertCarried(t: TestContext, said: string, known: boolean): Promise<void> {
  const { applications, bench, clients } = await open(t, known);
  const client = bench.client(said);
  bench.world.advance(timeouts.detectTimeoutMs + TICK_MS);
  assert.equal(applications.at(-1)?.text, said);
  assert.deepEqual([client.text, timedOut(bench)], ['', 1]);
  bench.finish([...clients, client]);
}

test('a slow request line is HTTP from its target on, and answered 408', async (t) => {
  const target = LINE.indexOf('/');
  for (let at = 1; at < LINE.length; at++) {
    const said = LINE.slice(0, at);
    await (at <= target ? assertCarried(t, said, false) : assertRefused(t, said, false));
  }
});

test('the first letters of a method or the preface are HTTP where clients speak it', async (t) => {
  for (const whole of ['DELETE', PREFACE]) {
    for (let at = 1; at < whole.length; at++) await assertRefused(t, whole.slice(0, at), true);
  }
  for (const said of ['D', 'DELETE', 'P', 'PRI']) await assertCarried(t, said, false);
});

test('what is no method that is known is carried as bytes, whatever the port has seen', async (t) => {
  for (const said of ['PIN', 'HELO', 'HELO mail', 'get', '\r\n'])
    await assertCarried(t, said, true);
});

test('a slow request that comes to its end is served', async (t) => {
  const { bench, clients } = await open(t, true);
  for (const first of [1, 2, 3]) {
    const client = bench.client(GET.slice(0, first));
    clients.push(client);
    bench.world.advance(timeouts.headTimeoutMs - TICK_MS);
    client.send(GET.slice(first));
    bench.world.run();
    assert.match(client.take(), /^HTTP\/1\.1 200/);
  }
  assert.equal(timedOut(bench), 0, 'bytes decided');
  bench.finish(clients);
});

test('a slow client that turns out to speak no HTTP is carried at once', async (t) => {
  for (const [first, rest] of [
    ['HE', 'LO'],
    ['DEL', 'E 1\r\n'],
    ['P', '\0\x01'],
  ] as const) {
    const { applications, bench, clients } = await open(t, true);
    const client = bench.client(first);
    bench.world.advance(2 * timeouts.detectTimeoutMs);
    assert.notEqual(applications.at(-1)?.text, first);
    client.send(rest);
    bench.world.run();
    assert.equal(applications.at(-1)?.text, first + rest);
    bench.finish([...clients, client]);
  }
});
