import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { endpointResource } from '../../test/support/endpoints.ts';
import { MemoryWorld, newLinkCounts } from '../../test/support/memory-world.ts';
import { timeouts } from '../limits.ts';
import { Endpoint } from '../model/endpoint.ts';
import { type LinkDial, NOBODY, type OpenLink } from '../transport/link.ts';
import { LinkQuota, threadQuotas } from '../transport/link-quota.ts';
import { RawLinks } from './raw-links.ts';

const ADDRESS = { host: '10.0.0.1', port: 80 };

function bench(t: TestContext, linksMax = 1, outside = false) {
  const world = new MemoryWorld();
  const { clock, transport } = world;
  t.after(() => clock.wheel.stop());
  const quota = new LinkQuota(linksMax, threadQuotas().upstream.refusal);
  const links = new RawLinks({
    transport,
    wheel: clock.wheel,
    counts: newLinkCounts(),
    quota,
    dialFrom: undefined,
  });
  const endpoint = new Endpoint(endpointResource({ ...ADDRESS, outside }));
  const heard: string[] = [];
  const opened: OpenLink[] = [];
  const connect = (): LinkDial | undefined =>
    links.connect(endpoint, {
      connected: (one) => {
        heard.push('connected');
        one.link.events = { ...NOBODY, onClose: () => one.over() };
        opened.push(one);
      },
      failed: ({ code }) => heard.push(code),
    });
  return { connect, endpoint, heard, opened, quota, world };
}

test('RawLinks counts a link from its dial until it is gone', async (t) => {
  const { connect, endpoint, heard, opened, quota, world } = bench(t);
  await world.serve(ADDRESS);
  endpoint.dialFailed('An earlier one.', 0);
  connect();
  assert.deepEqual([heard, quota.taken], [[], 1]);
  world.run();
  assert.deepEqual([heard, quota.taken], [['connected'], 1]);
  assert.deepEqual([endpoint.reached, endpoint.lastDialError], [true, undefined]);
  connect();
  assert.deepEqual(heard, ['connected', 'overloaded'], 'one more than the quota has');
  world.clock.turn.run(() => opened[0]?.link.reset());
  world.run();
  assert.equal(quota.taken, 0);
  connect();
  world.run();
  assert.equal(heard.at(-1), 'connected');
});

test('RawLinks tells why a dial failed, the endpoint too, and counts it no more', (t) => {
  for (const silent of [false, true]) {
    const { connect, endpoint, heard, quota, world } = bench(t);
    if (silent) world.transport.silence(ADDRESS);
    connect();
    world.run();
    world.advance(timeouts.connectTimeoutMs + 500);
    assert.deepEqual(heard, [silent ? 'deadline-passed' : 'upstream-refused']);
    assert.deepEqual([quota.taken, endpoint.reached], [0, false]);
    assert.match(endpoint.lastDialError ?? '', silent ? /within \d+ ms/ : /10\.0\.0\.1:80/);
  }
});

test('RawLinks waits for an address outside the mesh as long as the system tries', (t) => {
  const { connect, heard, quota, world } = bench(t, 1, true);
  world.transport.silence(ADDRESS);
  const dial = connect();
  world.advance(100 * timeouts.connectTimeoutMs);
  assert.deepEqual([heard, quota.taken], [[], 1]);
  world.clock.turn.run(() => dial?.leave());
  world.run();
  assert.deepEqual([heard, quota.taken], [[], 0]);
});

test('RawLinks lets a waiter leave before its dial is decided, and not after', async (t) => {
  const { connect, endpoint, heard, quota, world } = bench(t, 2);
  const servers = await world.serve(ADDRESS);
  const dial = connect();
  world.clock.turn.run(() => dial?.leave());
  world.run();
  world.advance(timeouts.connectTimeoutMs + 500);
  assert.deepEqual([heard, quota.taken], [[], 0]);
  assert.equal(endpoint.lastDialError, undefined, 'nobody has failed');
  const late = connect();
  world.run();
  world.clock.turn.run(() => late?.leave());
  world.run();
  assert.deepEqual([heard, quota.taken], [['connected'], 1]);
  assert.equal(servers.at(-1)?.closed, false);
});

test('RawLinks ends a dial to an address outside the mesh soon after its waiter is in a hurry', (t) => {
  const { connect, heard, quota, world } = bench(t, 1, true);
  world.transport.silence(ADDRESS);
  const dial = connect();
  world.advance(10 * timeouts.connectTimeoutMs);
  dial?.hurry();
  world.advance(timeouts.connectTimeoutMs / 2);
  dial?.hurry();
  assert.deepEqual([heard, quota.taken], [[], 1]);
  world.advance(timeouts.connectTimeoutMs / 2 + 300);
  assert.deepEqual([heard, quota.taken], [['deadline-passed'], 0], 'counted from the first time');
  dial?.hurry();
});

test('RawLinks hurries no dial that is decided', async (t) => {
  const { connect, heard, quota, world } = bench(t, 1, true);
  await world.serve(ADDRESS);
  const dial = connect();
  world.run();
  dial?.hurry();
  world.advance(10 * timeouts.connectTimeoutMs);
  assert.deepEqual([heard, quota.taken], [['connected'], 1]);
});
