import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { Server, ServerCredentials, credentials, status } from '@grpc/grpc-js';
import type { ClientDuplexStream, ServiceError, StatusObject } from '@grpc/grpc-js';

import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import { ControlClient, ControlService } from '../../api/gen/culvert/proxy/v1/control_service.ts';
import type {
  ControllerMessage,
  ProxyMessage,
  Target,
  Update,
} from '../../api/gen/culvert/proxy/v1/control.ts';
import { Log } from '../../base/log.ts';
import type { Resource } from '../resources/resource.ts';
import { eventually, withDeadline } from '../../test/support/deadline.ts';
import { readFileContent } from '../sources/documents.ts';
import { MeshState } from '../state.ts';
import { DiscoveryService } from './control-server.ts';
import type { DiscoverySettings } from './control-server.ts';

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const EPOCH_US = 1_700_000_000_000_000;

class Proxy {
  readonly received: ControllerMessage[] = [];
  readonly stream: ClientDuplexStream<ProxyMessage, ControllerMessage>;
  readonly client: ControlClient;
  ended: StatusObject | undefined;

  constructor(client: ControlClient) {
    this.client = client;
    this.stream = client.connect();
    this.stream.on('data', (message: ControllerMessage) => this.received.push(message));
    this.stream.on('status', (ended: StatusObject) => {
      this.ended = ended;
    });
    // The status says it; without a listener the error would end the process.
    this.stream.on('error', () => {});
  }

  send(message: NonNullable<ProxyMessage['message']>): void {
    this.stream.write({ message });
  }

  hello(pod = 'web-1', protocolVersion = 1): void {
    this.send({
      $case: 'hello',
      value: {
        namespace: 'demo',
        pod,
        instance: 'i',
        protocolVersion,
        capabilities: [],
        proxyVersion: '9.9.9',
      },
    });
  }

  subscribe(key: string, target: Partial<Target>): void {
    const full = { originalDst: '', authority: '', port: 80, ...target };
    this.send({ $case: 'subscribe', value: { key, target: full } });
  }

  updates(key: string): Update[] {
    return this.received.flatMap(({ message }) =>
      message?.$case === 'update' && message.value.key === key ? [message.value] : [],
    );
  }

  /** The n-th update of a key, from 1. */
  async update(key: string, n = 1): Promise<Update> {
    return eventually(`update ${n} of "${key}"`, () => this.updates(key)[n - 1]);
  }

  heartbeats(): number {
    return this.received.filter(({ message }) => message?.$case === 'heartbeat').length;
  }

  async end(): Promise<StatusObject> {
    return eventually('the end of the stream', () => this.ended);
  }
}

interface Harness {
  readonly state: MeshState;
  readonly discovery: DiscoveryService;
  readonly connect: () => Proxy;
  readonly set: (...documents: string[]) => void;
  readonly clock: { nowMs: number };
  /** Lines of the log. */
  readonly said: readonly string[];
}

async function discovering(
  t: TestContext,
  settings: Partial<DiscoverySettings> = {},
  random = 0.5,
): Promise<Harness> {
  const state = new MeshState();
  const clock = { nowMs: 1_000 };
  const said: string[] = [];
  const log = new Log(
    'controller',
    'warn',
    () => 0,
    (line) => said.push(line),
  );
  const discovery = new DiscoveryService(
    state,
    {
      epochUs: EPOCH_US,
      controllerVersion: '1.2.3',
      heartbeatMs: 5_000,
      drainMs: 30_000,
      subscriptionsMax: 3,
      streamAgeMsMax: 1_800_000,
      ...settings,
    },
    { now: () => clock.nowMs, random: () => random, log },
  );
  const server = new Server();
  server.addService(ControlService, discovery.handlers());
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const clients: ControlClient[] = [];
  t.after(() => {
    for (const client of clients) client.close();
    server.forceShutdown();
  });
  return {
    state,
    discovery,
    clock,
    said,
    connect: () => {
      const client = new ControlClient(`127.0.0.1:${port}`, credentials.createInsecure());
      clients.push(client);
      return new Proxy(client);
    },
    set: (...documents) => {
      const content = readFileContent('mesh.yaml', documents.join('\n---\n'), new Map());
      assert.deepEqual(content.problems, []);
      state.replace([...content.resources.values()]);
    },
  };
}

const service = (name: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: demo}, spec: {selector: {app: ${name}}, ports: [{port: 80}]}}`;

const pod = (name: string, ip: string): string =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, namespace: demo, labels: {app: web}}, status: {podIP: ${ip}, conditions: [{type: Ready, status: 'True'}]}}`;

const addresses = (update: Update): string =>
  update.resource?.$case === 'destination'
    ? update.resource.value.endpoints.map((endpoint) => endpoint.address).join(' ')
    : (update.resource?.$case ?? 'nothing');

/** What a proxy says about a version of the key "k". */
const about = (epoch: number, counter: number) => ({ key: 'k', version: { epoch, counter } });

test('ControlStream greets, sends the inbound resource, a destination, and its changes', async (t) => {
  const { connect, set, discovery } = await discovering(t);
  set(service('web'), pod('web-1', '10.0.0.1'));
  const proxy = connect();
  proxy.hello();
  const inbound = await proxy.update('');
  assert.deepEqual(proxy.received[0]?.message, {
    $case: 'welcome',
    value: { protocolVersion: 1, controllerVersion: '1.2.3', heartbeatMs: 5_000 },
  });
  const owner = { namespace: 'demo', pod: 'web-1', workloadKind: 'pod', workload: 'web-1' };
  assert.deepEqual(inbound.resource, {
    $case: 'inbound',
    value: { owner, ports: [], outboundPorts: [] },
  });
  proxy.subscribe('k', { authority: 'web' });
  const first = await proxy.update('k');
  assert.equal(addresses(first), '10.0.0.1');
  assert.equal(first.version?.epoch, EPOCH_US);
  set(service('web'), service('api'), pod('web-1', '10.0.0.1'));
  set(service('web'), service('api'), pod('web-1', '10.0.0.1'), pod('web-2', '10.0.0.2'));
  const second = await proxy.update('k', 2);
  assert.equal(addresses(second), '10.0.0.1 10.0.0.2', 'a change elsewhere was no update');
  assert.ok((second.version?.counter ?? 0) > (first.version?.counter ?? 0));
  assert.equal(proxy.updates('').length, 1);
  assert.deepEqual(
    [...discovery.streams].map((stream) => stream.identity),
    [{ namespace: 'demo', pod: 'web-1', instance: 'i', proxyVersion: '9.9.9' }],
  );
});

test('ControlStream sends the inbound resource once the pod appears, and keeps it after it went', async (t) => {
  const { connect, set } = await discovering(t);
  const proxy = connect();
  proxy.hello();
  proxy.subscribe('k', { authority: 'web' });
  assert.equal(addresses(await proxy.update('k')), 'noSuchService');
  assert.deepEqual(proxy.updates(''), []);
  set(pod('web-1', '10.0.0.1'));
  assert.equal((await proxy.update('')).resource?.$case, 'inbound');
  set(service('web'));
  await proxy.update('k', 2);
  assert.equal(proxy.updates('').length, 1);
});

test('ControlStream replaces "no such service" when the service appears, and back', async (t) => {
  const { connect, set } = await discovering(t);
  const proxy = connect();
  proxy.hello();
  proxy.subscribe('k', { authority: 'web' });
  assert.deepEqual((await proxy.update('k')).resource, {
    $case: 'noSuchService',
    value: {
      reason: 'no Service "web" in namespace "demo"',
      declared: Protocol.PROTOCOL_UNSPECIFIED,
    },
  });
  set(service('web'), pod('web-1', '10.0.0.1'));
  assert.equal(addresses(await proxy.update('k', 2)), '10.0.0.1');
  set(pod('web-1', '10.0.0.1'));
  assert.equal(addresses(await proxy.update('k', 3)), 'noSuchService');
});

test('ControlStream tells of an address when it becomes known, and when its pod is gone', async (t) => {
  const { connect, set } = await discovering(t);
  const proxy = connect();
  proxy.hello();
  proxy.subscribe('k', { originalDst: '10.0.0.1:80' });
  assert.deepEqual((await proxy.update('k')).resource, {
    $case: 'noSuchService',
    value: {
      reason: 'no Service and no Pod has the address 10.0.0.1',
      declared: Protocol.PROTOCOL_UNSPECIFIED,
    },
  });
  set(pod('web-1', '10.0.0.1'));
  const found = (await proxy.update('k', 2)).resource;
  assert.ok(found?.$case === 'destination');
  const { authority, service: named, endpoints } = found.value;
  assert.deepEqual(
    [authority, named, endpoints.map(({ owner }) => owner?.pod)],
    ['10.0.0.1:80', '', ['web-1']],
  );
  set(
    service('web').replace('selector', 'clusterIP: 10.0.0.1, selector'),
    pod('web-1', '10.0.0.2'),
  );
  assert.equal(addresses(await proxy.update('k', 3)), '10.0.0.2', 'the address is a Service now');
  set();
  assert.equal(addresses(await proxy.update('k', 4)), 'noSuchService');
});

test('ControlStream records acks and nacks of what it sent, and nothing else', async (t) => {
  const { connect, set, discovery } = await discovering(t);
  set(service('web'));
  const proxy = connect();
  proxy.hello();
  proxy.subscribe('k', { authority: 'web' });
  const { version } = await proxy.update('k');
  const counter = version?.counter ?? 0;
  proxy.send({ $case: 'ack', value: about(EPOCH_US - 1, counter) });
  proxy.send({ $case: 'ack', value: about(EPOCH_US, counter + 1) });
  proxy.send({ $case: 'ack', value: { key: 'unknown', version } });
  proxy.send({ $case: 'nack', value: { ...about(EPOCH_US, counter), error: 'bad route' } });
  const subscription = () => [...discovery.streams][0]?.subscriptions.get('k');
  await eventually('the nack', () => subscription()?.error === 'bad route');
  assert.deepEqual([subscription()?.acked, subscription()?.nacked], [0, counter]);
  set(service('web'), pod('web-2', '10.0.0.2'));
  const second = await proxy.update('k', 2);
  proxy.send({ $case: 'ack', value: { key: 'k', version: second.version } });
  await eventually('the ack', () => subscription()?.acked === second.version?.counter);
  assert.equal(subscription()?.error, '');
  assert.equal([...discovery.streams][0]?.isPending('k'), false);
  assert.deepEqual([discovery.counters.acks, discovery.counters.nacks], [1, 1]);
});

/** So many pods that an update is about 300 KB: several times what the transport holds. */
function manyPods(prefix: string): Resource[] {
  const [one] = readFileContent('pod.yaml', pod('web', '10.0.0.1'), new Map()).resources.values();
  assert.ok(one?.kind === 'Pod');
  return Array.from({ length: 3_000 }, (_, i) => ({
    ...one,
    name: `web-${'x'.repeat(40)}-${i}`,
    addresses: [`${prefix}.${Math.trunc(i / 256)}.${i % 256}`],
  }));
}

test('ControlStream sends a slow reader the latest state, not the history', async (t) => {
  const { connect, state } = await discovering(t);
  const [web] = readFileContent('web.yaml', service('web'), new Map()).resources.values();
  assert.ok(web);
  state.replace([web, ...manyPods('10.0')]);
  const proxy = connect();
  proxy.hello();
  proxy.subscribe('k', { authority: 'web' });
  await proxy.update('k');
  proxy.stream.pause();
  const changes = 12;
  for (let i = 1; i <= changes; i++) {
    state.replace([web, ...manyPods(`10.${i}`)]);
    await nextTurn();
  }
  proxy.stream.resume();
  const last = await eventually('the latest state', () =>
    proxy.updates('k').find((update) => addresses(update).startsWith(`10.${changes}.`)),
  );
  assert.equal(proxy.updates('k').at(-1), last);
  assert.ok(proxy.updates('k').length <= changes / 2, `${proxy.updates('k').length} updates`);
});

test('ControlStream drops a reader that takes nothing', async (t) => {
  const settings = { heartbeatMs: 60_000, drainMs: 30_000 };
  const { connect, state, discovery, clock } = await discovering(t, settings);
  const [web] = readFileContent('web.yaml', service('web'), new Map()).resources.values();
  assert.ok(web);
  const proxy = connect();
  proxy.hello();
  proxy.subscribe('k', { authority: 'web' });
  await proxy.update('k');
  proxy.stream.pause();
  let changes = 0;
  let sent = -1;
  await eventually('a stream that takes no more', async () => {
    const before = sent;
    state.replace([web, ...manyPods(`10.${++changes}`)]);
    await nextTurn();
    await nextTurn();
    sent = discovery.counters.updates;
    return sent === before;
  });
  const [stream] = discovery.streams;
  assert.deepEqual([stream?.isPending('k'), stream?.isPending('')], [true, true]);
  clock.nowMs += 30_000;
  discovery.tick();
  assert.equal(discovery.streams.size, 1);
  clock.nowMs += 1;
  discovery.tick();
  assert.equal(discovery.streams.size, 0);
  assert.equal(discovery.counters.slowReaders, 1);
  proxy.stream.resume();
  assert.equal((await proxy.end()).code, status.RESOURCE_EXHAUSTED);
});

test('ControlStream sends heartbeats and ends without them', async (t) => {
  const { connect, discovery, clock } = await discovering(t);
  const proxy = connect();
  proxy.hello();
  await eventually('welcome', () => proxy.received.length === 1);
  clock.nowMs += 4_999;
  discovery.tick();
  clock.nowMs += 1;
  discovery.tick();
  await eventually('a heartbeat', () => proxy.heartbeats() === 1);
  proxy.send({ $case: 'heartbeat', value: {} });
  proxy.subscribe('k', { authority: 'web' });
  await proxy.update('k');
  clock.nowMs += 15_000;
  discovery.tick();
  await eventually('a second heartbeat', () => proxy.heartbeats() === 2);
  clock.nowMs += 1;
  discovery.tick();
  const end = await proxy.end();
  assert.equal(end.code, status.UNAVAILABLE);
  assert.match(end.details, /no heartbeat for 15001 ms/);
  assert.equal(discovery.streams.size, 0);
  assert.equal(discovery.catalog.size, 0, 'nothing is compiled for a stream that ended');
});

test('ControlStream ends at its maximum age, give or take a fifth, so that the proxy reconnects', async (t) => {
  for (const [random, ageMs] of [
    [0, 800],
    [0.5, 1_000],
    [1, 1_200],
  ] as const) {
    const { connect, discovery, clock } = await discovering(t, { streamAgeMsMax: 1_000 }, random);
    const proxy = connect();
    proxy.hello();
    await eventually('welcome', () => proxy.received.length === 1);
    clock.nowMs += ageMs;
    discovery.tick();
    assert.equal(discovery.streams.size, 1);
    clock.nowMs += 1;
    discovery.tick();
    const end = await proxy.end();
    assert.equal(end.code, status.UNAVAILABLE);
    assert.match(end.details, /maximum age/);
  }
});

test('ControlStream refuses what is no conversation, each with its status', async (t) => {
  const { connect } = await discovering(t);
  const cases: [string, (proxy: Proxy) => void, status, RegExp][] = [
    ['no hello', (proxy) => proxy.subscribe('k', {}), status.INVALID_ARGUMENT, /must be Hello/],
    [
      'nothing',
      (proxy) => proxy.stream.write({ message: undefined }),
      status.INVALID_ARGUMENT,
      /must be Hello/,
    ],
    [
      'other version',
      (proxy) => proxy.hello('web-1', 7),
      status.FAILED_PRECONDITION,
      /version 1, the proxy 7/,
    ],
    ['no pod', (proxy) => proxy.hello(''), status.INVALID_ARGUMENT, /names no pod/],
    [
      'two hellos',
      (proxy) => {
        proxy.hello();
        proxy.hello();
      },
      status.INVALID_ARGUMENT,
      /twice/,
    ],
    [
      'reserved key',
      (proxy) => {
        proxy.hello();
        proxy.subscribe('', {});
      },
      status.INVALID_ARGUMENT,
      /key/,
    ],
    [
      'long key',
      (proxy) => {
        proxy.hello();
        proxy.subscribe('k'.repeat(1_025), {});
      },
      status.INVALID_ARGUMENT,
      /key/,
    ],
  ];
  for (const [name, act, code, details] of cases) {
    const proxy = connect();
    act(proxy);
    const end = await proxy.end();
    assert.equal(end.code, code, name);
    assert.match(end.details, details, name);
  }
});

test('ControlStream lets subscriptions beyond its limit wait, and keeps the others', async (t) => {
  const { connect, discovery, set } = await discovering(t);
  set(service('web'), pod('web-1', '10.0.0.1'));
  const proxy = connect();
  proxy.hello();
  for (const key of ['a', 'b', 'c', 'd', 'e']) proxy.subscribe(key, { authority: 'web' });
  // Known already: it takes no more room than it has.
  proxy.subscribe('c', { authority: 'web' });
  await proxy.update('c', 2);
  const [stream] = discovery.streams;
  assert.equal(stream?.waiting, 2);
  assert.deepEqual([proxy.updates('d'), proxy.updates('e')], [[], []]);
  proxy.send({ $case: 'unsubscribe', value: { key: 'd' } });
  proxy.send({ $case: 'unsubscribe', value: { key: 'a' } });
  assert.equal(addresses(await proxy.update('e')), '10.0.0.1', 'd waited for longer and has left');
  assert.deepEqual([proxy.updates('d'), stream?.waiting, proxy.ended], [[], 0, undefined]);
  set(service('web'), pod('web-1', '10.0.0.2'));
  await proxy.update('e', 2);
});

test('ControlStream holds no more that wait than may be held', async (t) => {
  const { connect, discovery } = await discovering(t);
  const proxy = connect();
  proxy.hello();
  for (let i = 0; i < 20; i++) proxy.subscribe(`k${i}`, { authority: 'web' });
  proxy.send({ $case: 'unsubscribe', value: { key: 'k0' } });
  await proxy.update('k3');
  const [stream] = discovery.streams;
  assert.deepEqual([stream?.waiting, proxy.ended], [2, undefined]);
});

test('ControlStream says what it drops, and ends when there is room for that', async (t) => {
  const { connect, discovery, said, set } = await discovering(t);
  set(service('web'), pod('web-1', '10.0.0.1'));
  const proxy = connect();
  proxy.hello('greedy-1');
  for (let i = 0; i < 8; i++) proxy.subscribe(`k${i}`, { authority: 'web' });
  for (const key of ['k0', 'k1', 'k2']) proxy.send({ $case: 'unsubscribe', value: { key } });
  await proxy.update('k5');
  assert.equal(discovery.counters.droppedSubscriptions, 2);
  assert.equal(said.length, 1, 'once');
  assert.match(said[0] ?? '', /--subscriptions-max.* namespace=demo pod=greedy-1\n$/);
  assert.equal(proxy.ended, undefined, 'no room for what was dropped');
  proxy.send({ $case: 'unsubscribe', value: { key: 'k3' } });
  const { code, details } = await proxy.end();
  assert.deepEqual([code, /reconnect/.test(details)], [status.UNAVAILABLE, true]);
  const again = connect();
  again.hello('greedy-1');
  for (let i = 4; i < 8; i++) again.subscribe(`k${i}`, { authority: 'web' });
  await again.update('k6');
  again.send({ $case: 'unsubscribe', value: { key: 'k4' } });
  assert.equal(addresses(await again.update('k7')), '10.0.0.1');
  assert.equal(again.ended, undefined, 'nothing was dropped');
});

test('ControlStream answers a target from garbage and goes on', async (t) => {
  const { connect, set } = await discovering(t);
  set(service('web'));
  const proxy = connect();
  proxy.hello();
  proxy.subscribe('a', { authority: '\u0000', port: 4_294_967_295 });
  proxy.send({ $case: 'subscribe', value: { key: 'b', target: undefined } });
  proxy.send({ $case: 'unsubscribe', value: { key: 'never' } });
  proxy.send({ $case: 'ack', value: { key: '', version: undefined } });
  proxy.subscribe('c', { authority: 'web' });
  assert.equal(addresses(await proxy.update('a')), 'noSuchService');
  assert.equal(addresses(await proxy.update('b')), 'noSuchService');
  assert.equal(addresses(await proxy.update('c')), '');
});

test('ControlStream outlives bytes that are no message', async (t) => {
  const { connect, discovery } = await discovering(t);
  const { client } = connect();
  const raw = client.makeBidiStreamRequest(
    '/culvert.proxy.v1.Control/Connect',
    (bytes: Buffer) => bytes,
    (bytes) => bytes,
  );
  const refused = new Promise<ServiceError>((resolve) => {
    raw.on('error', (error) => resolve(error as ServiceError));
  });
  raw.resume();
  raw.write(Buffer.alloc(64, 0xff));
  assert.equal((await withDeadline('the refusal', refused)).code, status.INTERNAL);
  await eventually('the end of the stream', () => discovery.streams.size === 1);
  const proxy = connect();
  proxy.hello();
  await eventually('welcome', () => proxy.received.length === 1);
});

test('ControlStream takes a key again for another target, and lets it go', async (t) => {
  const { connect, set, discovery } = await discovering(t);
  set(service('web'), service('api'), pod('web-1', '10.0.0.1'));
  const proxy = connect();
  proxy.hello();
  proxy.subscribe('k', { authority: 'web' });
  await proxy.update('k');
  proxy.subscribe('k', { authority: 'api' });
  const second = await proxy.update('k', 2);
  const authority = second.resource?.$case === 'destination' && second.resource.value.authority;
  assert.equal(authority, 'api.demo.svc.cluster.local:80');
  assert.equal(discovery.catalog.size, 2, 'the inbound resource and one destination');
  proxy.send({ $case: 'unsubscribe', value: { key: 'k' } });
  await eventually('the release', () => discovery.catalog.size === 1);
  proxy.stream.end();
  assert.equal((await withDeadline('the end', proxy.end())).code, status.OK);
  assert.equal(discovery.catalog.size, 0);
});

test('DiscoveryService gives proxies of one target one version, whoever asks first', async (t) => {
  const { connect, set, discovery } = await discovering(t);
  set(service('web'), pod('web-1', '10.0.0.1'));
  const versions: (number | undefined)[] = [];
  for (let i = 0; i < 2; i++) {
    const proxy = connect();
    proxy.hello(`web-${i}`);
    proxy.subscribe('k', { authority: 'web' });
    versions.push((await proxy.update('k')).version?.counter);
  }
  assert.equal(versions[0], versions[1]);
  discovery.stop();
  assert.equal(discovery.streams.size, 0);
});
