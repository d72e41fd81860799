/** What detection owes to those who are refused, who are silent, and who send what never ends. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { queryObjects } from 'node:v8';
import { APPLICATION, GET, StackBench, serving } from '../test/support/stack-bench.ts';
import { CLIENT_PREFACE } from './codec/http2/preface.ts';
import { Detector } from './detect/detector.ts';
import { timeouts } from './limits.ts';
import { sumDetections } from './observe/detection-counts.ts';
import { OutboundStack, inboundStack } from './stack.ts';

/** An empty SETTINGS frame: what an HTTP/2 server may say first. */
const SETTINGS = '\0\0\0\x04\0\0\0\0\0';
/** PostgreSQL's SSLRequest. */
const STARTUP = '\0\0\0\x08\x04\xd2\x16\x2f';
const TOO_MANY = 1e9;

function benchOf(t: TestContext): StackBench {
  const bench = new StackBench();
  t.after(() => bench.world.clock.wheel.stop());
  t.after(() => bench.world.clock.fineWheel.stop());
  return bench;
}

/** Connections by result: HTTP/1.1, HTTP/2, TCP, none. */
const resultsOf = ({ counts }: StackBench): readonly number[] => [
  ...(sumDetections([counts.detections])[0]?.results ?? []),
];

test('an HTTP/2 server that greets a silent client leaves its port HTTP for the next', async (t) => {
  const bench = benchOf(t);
  const applications = await bench.world.serve(APPLICATION);
  await bench.open('inbound', inboundStack(bench.parts, APPLICATION));
  const silent = bench.client();
  bench.world.advance(timeouts.serverFirstMs + 20);
  assert.equal(applications.length, 1);
  applications[0]!.send(SETTINGS);
  bench.world.run();
  assert.equal(applications[0]!.ended || applications[0]!.closed, true, 'it was only listened at');
  const second = bench.client();
  assert.equal(applications.length, 1, 'nobody is dialled before the client speaks');
  second.send(`${CLIENT_PREFACE.toString('latin1')}${SETTINGS}`);
  bench.world.run();
  assert.deepEqual(resultsOf(bench), [0, 1, 0, 0]);
  silent.send(GET);
  bench.world.run();
  assert.deepEqual(resultsOf(bench), [1, 1, 0, 0], 'nor is the silent one lost');
  bench.finish([silent, second]);
});

test('a silent client that is one too many is not dialled for, and is answered', async (t) => {
  const bench = benchOf(t);
  const applications = await bench.world.serve(APPLICATION);
  const parts = { ...bench.parts, downstreamLinks: () => TOO_MANY };
  await bench.open('inbound', inboundStack(parts, APPLICATION));
  const client = bench.client();
  bench.world.advance(timeouts.lingerMs + 500);
  assert.deepEqual([applications.length, client.text.slice(0, 12)], [0, 'HTTP/1.1 503']);
  bench.world.advance(timeouts.lingerMs + 500);
  assert.deepEqual([client.ended || client.closed, parts.quotas.refused.taken], [true, 0]);
});

test('a connection that is one too many gets no tunnel when its port turns out opaque', async (t) => {
  const bench = benchOf(t);
  const applications = await bench.world.serve(APPLICATION);
  const parts = { ...bench.parts, downstreamLinks: () => TOO_MANY };
  let asked = '';
  const stack = new OutboundStack(parts, {
    subscribe: (key) => {
      asked = key;
    },
    unsubscribe: () => undefined,
    fallback: undefined,
  });
  const target = { originalDst: undefined, authority: 'db', port: 1 };
  await bench.open('outbound', stack.downstreams(target));
  const client = bench.client(STARTUP);
  const owner = { namespace: '', pod: '', workloadKind: '', workload: '' };
  const state = { weight: 1, zone: '', ready: true, terminating: false, meshed: false };
  stack.destinations.apply(asked, {
    authority: 'db:1',
    service: 'db',
    namespace: '',
    port: 1,
    routes: [],
    declared: 'opaque',
    endpoints: [{ ...APPLICATION, ...state, id: 'a', protocol: undefined, owner }],
  });
  bench.world.run();
  assert.deepEqual([applications.length, client.closed], [0, true]);
});

test('an idle port of HTTP does not keep silent clients for ever, nor their upstream links', async (t) => {
  const bench = benchOf(t);
  const applications = await bench.world.serve(APPLICATION, serving);
  await bench.open('inbound', inboundStack(bench.parts, APPLICATION));
  const first = bench.client(GET);
  const silent = bench.client();
  bench.world.advance(timeouts.detectTimeoutMs + 200);
  assert.equal(applications.length, 2, 'its server is listened at');
  bench.world.advance(timeouts.downstreamIdleMs + 500);
  assert.equal(silent.ended || silent.closed, true);
  bench.finish([first, silent]);
});

test('empty lines without end are no request line', async (t) => {
  const bench = benchOf(t);
  await bench.world.serve(APPLICATION);
  await bench.open('inbound', inboundStack(bench.parts, APPLICATION));
  const client = bench.client();
  for (let i = 0; i < 100; i++) {
    client.send('\r\n'.repeat(50));
    bench.world.run();
  }
  assert.deepEqual(resultsOf(bench), [0, 0, 1, 0]);
});

test('a tunnel keeps nothing of its detection', async (t) => {
  const bench = benchOf(t);
  await bench.world.serve(APPLICATION);
  await bench.open('inbound', inboundStack(bench.parts, APPLICATION));
  const clients = Array.from({ length: 50 }, () => bench.client(STARTUP));
  bench.world.run();
  assert.deepEqual(resultsOf(bench), [0, 0, 50, 0]);
  const alive = queryObjects(Detector, { format: 'count' });
  assert.ok(alive < clients.length / 2, `${alive} of ${clients.length}`);
});
