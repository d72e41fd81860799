import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyJson } from './proxy-json.ts';
import { readProxyState } from './proxy-state.ts';
import { formatAge, proxyText } from './proxy-text.ts';

const REFUSED = 'Cannot connect to 10.0.0.2:80: ECONNREFUSED.';

const heldBy = (pending: number, failingForMs: number) => ({
  key: 'web.demo:80',
  authority: 'web.demo.svc.cluster.local:80',
  ready: 1,
  total: 2,
  endpoints: [
    { address: '10.0.0.1:80', pending, idle: 1 },
    { address: '10.0.0.2:80', pending: 0, idle: 0, lastDialError: REFUSED, failingForMs },
  ],
});

/** As /config.json of a sidecar with two data threads. */
const CONFIG = {
  settings: { controller: { host: '127.0.0.1', port: 8086 } },
  control: { connected: true, ageMs: 312.4, nacks: 0 },
  threads: [
    {
      thread: 0,
      serving: true,
      restarts: 1,
      downstreamLinks: 3,
      destinations: [heldBy(2, 4_000)],
      errors: [
        { direction: 'outbound', error: 'no-endpoint', sentence: 'b', count: 2, agoMs: 900 },
      ],
    },
    {
      thread: 1,
      serving: true,
      restarts: 0,
      downstreamLinks: 1,
      destinations: [
        heldBy(1, 61_000),
        { key: 'gone:80', ready: 0, total: 0, problem: 'No service is named gone:80.' },
      ],
      errors: [
        { direction: 'outbound', error: 'upstream-refused', sentence: 'a', count: 1, agoMs: 100 },
      ],
    },
  ],
  destinations: {
    'web.demo:80': {
      last: {
        version: { epoch: 1, counter: 7 },
        ageMs: 65_000,
        error: 'a route is bad',
        resource: {
          kind: 'destination',
          destination: {
            authority: 'web.demo.svc.cluster.local:80',
            endpoints: [
              { host: '10.0.0.1', port: 80, ready: true, meshed: true, protocol: 'http2' },
              { host: '10.0.0.2', port: 80, ready: true, terminating: true },
            ],
          },
        },
      },
    },
  },
};

test('readProxyState joins what was told and what threads made of it', () => {
  const state = readProxyState(CONFIG);
  assert.deepEqual(state.controller, {
    address: '127.0.0.1:8086',
    connected: true,
    heardAgoMs: 312,
  });
  const [gone, web] = state.destinations;
  assert.deepEqual(
    [gone?.target, gone?.problem, gone?.version],
    ['gone:80', 'No service is named gone:80.', undefined],
  );
  assert.deepEqual(
    [web?.version, web?.ageMs, web?.ready, web?.total, web?.problem],
    [7, 65_000, 1, 2, 'the last version is refused: a route is bad'],
  );
  assert.deepEqual(web?.endpoints, [
    {
      address: '10.0.0.1:80',
      state: 'ready',
      meshed: true,
      protocol: 'http2',
      pending: 3,
      idle: 2,
      lastDialError: undefined,
      failingForMs: undefined,
    },
    {
      address: '10.0.0.2:80',
      state: 'terminating',
      meshed: false,
      protocol: undefined,
      pending: 0,
      idle: 0,
      lastDialError: REFUSED,
      failingForMs: 61_000,
    },
  ]);
  assert.deepEqual(
    state.errors.map(({ sentence }) => sentence),
    ['a', 'b'],
    'the latest first',
  );
});

test('readProxyState of a sidecar by itself takes what it was given for ready', () => {
  const held = { ...heldBy(0, 1), endpoints: [{ address: '10.0.0.1:80', pending: 0, idle: 0 }] };
  const state = readProxyState({
    notReady: 'draining',
    settings: {},
    threads: [{ thread: 0, destinations: [held] }],
    destinations: [{ target: 'as the setting says' }],
  });
  assert.deepEqual([state.notReady, state.controller], ['draining', undefined]);
  assert.deepEqual(
    state.destinations.map(({ endpoints, version }) => [version, endpoints[0]?.state]),
    [[undefined, 'ready']],
  );
});

test('readProxyState goes by what was told where no thread answers, and says which did not', () => {
  const state = readProxyState({
    ...CONFIG,
    threads: [
      { thread: 0, serving: true, downstreamLinks: 3 },
      { thread: 1, serving: false, downstreamLinks: 0 },
    ],
  });
  assert.deepEqual(
    state.destinations.map(({ ready, total }) => [ready, total]),
    [[1, 2]],
  );
  assert.deepEqual(
    state.threads.map(({ silent }) => silent),
    [true, false],
    'one that does not serve has nothing to say',
  );
  const said = /\nthread 0 did not answer in time: what it holds is not counted below\n/;
  assert.match(proxyText('demo/web-1', state), said);
  assert.doesNotMatch(proxyText('demo/web-1', readProxyState(CONFIG)), /did not answer/);
});

test('readProxyState writes the address of a controller as one types it', () => {
  const { controller } = readProxyState({ settings: { controller: { host: '::1', port: 8086 } } });
  assert.equal(controller?.address, '[::1]:8086');
});

test('readProxyState of anything else is empty', () => {
  for (const config of [undefined, null, 'x', [], {}, { threads: 1, destinations: 'y' }]) {
    const { destinations, errors, threads } = readProxyState(config);
    assert.deepEqual([destinations, errors, threads], [[], [], []]);
  }
});

test('proxyText says the state in lines and tables', () => {
  const text = proxyText('demo/web-1', readProxyState(CONFIG));
  for (const pattern of [
    /^demo\/web-1: ready\ncontroller 127\.0\.0\.1:8086: connected, last heard 0\.3 s ago\n/,
    /\ndata threads: 2 of 2 serve, 1 restarts, 4 connections\n/,
    /\nweb\.demo:80 +7 +65 s +1\/2 +the last version is refused: a route is bad\n/,
    /\nweb\.demo:80 +10\.0\.0\.1:80 +ready +yes +http2 +3 +2 +-\n/,
    /\nweb\.demo:80 +10\.0\.0\.2:80 +terminating .*ECONNREFUSED\. For 61 s\.\n/,
    /\n0\.1 s +1 +outbound +upstream-refused +a\n/,
  ]) {
    assert.match(text, pattern);
  }
  const nothing = proxyText('127.0.0.1:4191', readProxyState({ notReady: 'draining' }));
  assert.match(nothing, /^127\.0\.0\.1:4191: not ready, draining\ncontroller: none, stand-alone\n/);
  assert.match(nothing, /No destinations: .*\n\nNo failures since it started\.\n$/);
});

test('proxyJson has null where there is no value', () => {
  const json = JSON.stringify(proxyJson('demo/web-1', '10.0.0.1:4191', readProxyState(CONFIG)));
  const { destinations, ready } = JSON.parse(json) as {
    ready: boolean;
    destinations: readonly { version: number | null; problem: string | null }[];
  };
  assert.equal(ready, true);
  assert.deepEqual(
    destinations.map(({ version }) => version),
    [null, 7],
  );
});

test('formatAge is as long as it matters', () => {
  const ages = [undefined, 0, 9_949, 12_345, 119_000, 120_000, 7_140_000, 7_200_000];
  assert.deepEqual(ages.map(formatAge), [
    '-',
    '0.0 s',
    '9.9 s',
    '12 s',
    '119 s',
    '2 min',
    '119 min',
    '2 h',
  ]);
});
