/** Connections to addresses outside the mesh that nobody needs any more, and how many there may be. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { endpointResource } from '../test/support/endpoints.ts';
import { InterceptionBench } from '../test/support/interception-bench.ts';
import type { MemoryPeer } from '../test/support/memory-world.ts';
import { GET, OK, serving } from '../test/support/stack-bench.ts';
import { limits, timeouts } from './limits.ts';
import type { DestinationResource } from './model/destination.ts';

const OUTSIDE = { host: '192.0.2.7', port: 80 };
const OUTSIDE_KEY = '192.0.2.7:80';
/** PostgreSQL's SSLRequest. */
const STARTUP = '\0\0\0\x08\x04\xd2\x16\x2f';
const POST = 'POST /a HTTP/1.1\r\nHost: web\r\nContent-Length: 2\r\n\r\nab';

/** One that nobody serves. */
const SERVICE: DestinationResource = {
  authority: 'web.demo.svc.cluster.local:80',
  service: 'web',
  namespace: 'demo',
  port: 80,
  endpoints: [endpointResource({ host: '10.1.0.9', port: 80 })],
  routes: [],
};

/** It was cut, and heard nothing before that. */
function assertReset(client: MemoryPeer, what = ''): void {
  assert.deepEqual(
    [client.text, client.closed, client.error?.code],
    ['', true, 'upstream-reset'],
    what,
  );
}

function destinationsMax(t: TestContext, most: number): void {
  const before = limits.destinationsMax;
  limits.destinationsMax = most;
  t.after(() => (limits.destinationsMax = before));
}

test('outbound dials no longer than into the mesh for who has ended, and may be gone', async (t) => {
  for (const said of [GET, GET + GET, POST, STARTUP, '']) {
    const made = await InterceptionBench.outbound(t, false);
    made.bench.world.transport.silence(OUTSIDE);
    const client = made.dial(OUTSIDE, said);
    made.advance(100 * timeouts.connectTimeoutMs);
    client.end();
    made.bench.world.run();
    made.advance(timeouts.connectTimeoutMs - 200);
    assert.deepEqual([client.closed, made.parts.quotas.upstream.taken], [false, 1], said);
    made.advance(500);
    assertReset(client, said);
    assert.equal(made.parts.quotas.upstream.taken, 0, said);
    assert.deepEqual(made.bench.errors, ['outbound outside-failed'], said);
    made.bench.finish([client]);
  }
});

test('outbound dials no longer for who had ended before it began, or between two dials', async (t) => {
  for (const said of [GET, STARTUP]) {
    const made = await InterceptionBench.outbound(t, true);
    made.bench.world.transport.silence(OUTSIDE);
    const client = made.dial(OUTSIDE, said);
    client.end();
    made.bench.world.run();
    assert.equal(made.parts.quotas.upstream.taken, 0, 'nobody knows yet where to');
    made.tellUnknown(OUTSIDE_KEY);
    assert.equal(made.parts.quotas.upstream.taken, 1);
    made.advance(timeouts.connectTimeoutMs + 300);
    assertReset(client, said);
    assert.equal(made.parts.quotas.upstream.taken, 0);
    made.bench.finish([client]);
  }
  // A request that stands behind another one, which is answered.
  const made = await InterceptionBench.outbound(t, false);
  const servers = await made.serve(OUTSIDE);
  const client = made.dial(OUTSIDE, GET + GET);
  client.end();
  made.bench.world.run();
  made.bench.world.transport.silence(OUTSIDE);
  servers[0]?.send(OK.replace('\r\n', '\r\nConnection: close\r\n'));
  made.bench.world.run();
  assert.equal(made.parts.quotas.upstream.taken, 1);
  made.advance(timeouts.connectTimeoutMs + 300);
  assert.deepEqual([client.closed, made.parts.quotas.upstream.taken], [true, 0]);
  assert.match(client.text, /ok$/, 'the answer to the first is whole');
  made.bench.finish([client]);
});

test('outbound still connects for a client that has only ended its half', async (t) => {
  for (const said of [GET, STARTUP]) {
    const made = await InterceptionBench.outbound(t, false);
    const { transport } = made.bench.world;
    transport.silence(OUTSIDE);
    const servers = await made.serve(OUTSIDE);
    const client = made.dial(OUTSIDE, said);
    client.end();
    made.bench.world.run();
    made.advance(timeouts.connectTimeoutMs / 2);
    transport.unsilence(OUTSIDE);
    made.bench.world.run();
    servers[0]?.send(OK);
    made.bench.world.run();
    made.advance(2 * timeouts.connectTimeoutMs);
    assert.equal(client.text, OK, said);
    servers[0]?.end();
    made.bench.finish([client]);
  }
});

for (const controlled of [false, true]) {
  const how = controlled ? 'with a controller' : 'stand-alone';
  test(`outbound has room for further addresses by forgetting unused ones, ${how}`, async (t) => {
    destinationsMax(t, 3);
    const made = await InterceptionBench.outbound(t, controlled);
    const clients: MemoryPeer[] = [];
    for (let i = 1; i <= 20; i++) {
      const address = { host: `192.0.2.${i}`, port: 80 };
      await made.serve(address, serving);
      const client = made.dial(address, GET);
      if (controlled) made.tellUnknown(`192.0.2.${i}:80`);
      assert.equal(client.text, OK, `the ${i}th address`);
      client.reset();
      clients.push(client);
    }
    assert.equal(made.outbound.destinations.size, 3);
    assert.equal(made.asked.size, controlled ? 3 : 0, 'the controller is asked about no more');
    made.bench.finish(clients);
  });
}

test('outbound forgets what an address means with the passage to it', async (t) => {
  destinationsMax(t, 2);
  const made = await InterceptionBench.outbound(t, true);
  const clients = ['10.96.0.1', '10.96.0.2', '10.96.0.3'].map((host) => {
    const client = made.dial({ host, port: 80 }, GET);
    made.tell(`${host}:80`, SERVICE);
    assert.match(client.text, /^HTTP\/1.1 502 /, 'it is known');
    client.reset();
    made.bench.world.run();
    return client;
  });
  assert.deepEqual([...made.asked.keys()], ['10.96.0.2:80', '10.96.0.3:80']);
  made.bench.finish(clients);
});
