import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Log } from '../../base/log.ts';
import { Protocol } from '../../api/gen/culvert/proxy/v1/control.ts';
import { eventually, withDeadline } from '../../test/support/deadline.ts';
import { FakeController, type FakeControlStream } from '../../test/support/fake-controller.ts';
import type { Target } from '../model/destination.ts';
import type { Resource } from '../model/thread.ts';
import { timeouts } from '../limits.ts';
import { Meter } from '../observe/meter.ts';
import { SharedCounts } from '../observe/shared-counts.ts';
import type { Link, Transport } from '../transport/link.ts';
import { mainSockets } from '../transport/main-sockets.ts';
import { type ControlLink, connectControl } from './control-link.ts';
import type { PodResource } from './resources.ts';

const owner = { namespace: 'demo', pod: 'web-1', workloadKind: 'deployment', workload: 'web' };
const version = { epoch: 5, counter: 7 };
const declared = (first: number, last: number) => ({
  first,
  last,
  protocol: Protocol.PROTOCOL_OPAQUE,
});
/** The pod, as the controller tells it, and as it is understood. */
const told = { owner, ports: [declared(25, 26)], outboundPorts: [] };
const pod: PodResource = {
  owner,
  ports: { inbound: [{ first: 25, last: 26, protocol: 'opaque' }], outbound: [] },
};
const web: Target = { originalDst: undefined, authority: 'web', port: 80 };

interface Bench {
  readonly link: ControlLink;
  readonly controller: FakeController;
  readonly updates: [key: string, resource: Resource][];
  readonly logged: string[];
  readonly inbound: () => number;
  /** Connections that were dialled. */
  readonly links: Link[];
}

async function connect(t: TestContext, host = '127.0.0.1'): Promise<Bench> {
  const controller = new FakeController();
  await controller.listen();
  t.after(() => controller.stop());
  const updates: [string, Resource][] = [];
  const logged: string[] = [];
  let inbound = 0;
  const links: Link[] = [];
  const { transport, wheel } = mainSockets();
  const dial: Transport['dial'] = (options, events) => {
    const dialled = transport.dial(options, events);
    links.push(dialled);
    return dialled;
  };
  const link = connectControl({
    sockets: { wheel, transport: { listen: transport.listen.bind(transport), dial } },
    controller: { host, port: controller.port },
    random: () => 0,
    log: new Log('proxy', 'debug', Date.now, (line) => logged.push(line)),
    namespace: 'demo',
    pod: 'web-1',
    meter: new Meter(),
    counts: [new SharedCounts()],
    update: (_thread, key, _version, resource) => updates.push([key, resource]),
    inbound: () => inbound++,
  });
  t.after(() => link.close());
  return { link, controller, updates, logged, inbound: () => inbound, links };
}

/** Tells the pod's own resource. */
const sayPod = (stream: FakeControlStream, value: typeof told, counter: number): void =>
  stream.say({
    $case: 'update',
    value: { key: '', version: { epoch: 5, counter }, resource: { $case: 'inbound', value } },
  });

const noSuchService = (stream: FakeControlStream, key: string): void => {
  const value = { reason: 'no', declared: Protocol.PROTOCOL_UNSPECIFIED };
  const resource = { $case: 'noSuchService', value } as const;
  stream.say({ $case: 'update', value: { key, version, resource } });
};

test('ControlLink acknowledges the inbound resource, and is ready with it', async (t) => {
  const { controller, inbound, link } = await connect(t);
  const stream = await controller.stream(1);
  assert.deepEqual([link.inbound, link.figures().ageMs], [undefined, undefined]);
  stream.welcome(5_000);
  stream.say({
    $case: 'update',
    value: { key: '', version, resource: { $case: 'inbound', value: told } },
  });
  await eventually('the acknowledgement', () => stream.of('ack').length === 1);
  assert.deepEqual(stream.of('ack'), [{ key: '', version }]);
  assert.deepEqual([link.inbound, inbound()], [pod, 1]);
  const { ageMs, connected, nacks } = link.figures();
  assert.deepEqual([connected, nacks], [true, 0]);
  assert.ok(ageMs !== undefined && ageMs >= 0 && ageMs < 10_000);
});

test('ControlLink refuses an inbound resource of impossible ports and keeps its last', async (t) => {
  const { controller, inbound, link, logged } = await connect(t);
  const stream = await controller.stream(1);
  sayPod(stream, told, 7);
  sayPod(stream, { ...told, ports: [declared(0, 80)] }, 8);
  await eventually('the refusal', () => stream.of('nack').length === 1);
  const error = '0-80 are no ports';
  assert.deepEqual(stream.of('nack'), [{ key: '', version: { epoch: 5, counter: 8 }, error }]);
  assert.deepEqual([link.inbound, inbound(), link.figures().nacks], [pod, 1, 1]);
  assert.ok(
    logged.some((line) => line.includes(error)),
    logged.join(''),
  );
});

test('ControlLink passes updates of what is subscribed, and answers with what came of them', async (t) => {
  const { controller, link, logged, updates } = await connect(t);
  const stream = await controller.stream(1);
  link.subscribe(0, 'web:80', web);
  await eventually('the subscription', () => stream.of('subscribe').length === 1);
  noSuchService(stream, 'other:80');
  noSuchService(stream, 'web:80');
  await eventually('the update', () => updates.length > 0);
  const none = { kind: 'no-such-service', reason: 'no', declared: undefined };
  assert.deepEqual(updates, [['web:80', none]]);
  link.applied(0, 'web:80', version, undefined);
  noSuchService(stream, 'web:80');
  await eventually('the second update', () => updates.length === 2);
  link.applied(0, 'web:80', version, 'it is bad');
  await eventually('the answers', () => stream.of('nack').length === 1);
  assert.equal(stream.of('ack').length, 1);
  assert.equal(link.figures().nacks, 1);
  assert.ok(
    logged.some((line) => line.includes('it is bad')),
    logged.join(''),
  );
  assert.match(JSON.stringify(link.describe()), /"web:80".*"it is bad"/);
});

test('ControlLink connects again after UNAVAILABLE, and subscribes anew to what is in use', async (t) => {
  const { controller, link, logged } = await connect(t);
  const first = await controller.stream(1);
  first.welcome(5_000);
  link.subscribe(0, 'web:80', web);
  link.subscribe(0, 'gone:80', { ...web, authority: 'gone' });
  link.unsubscribe(0, 'gone:80');
  await eventually('the subscriptions', () => first.of('unsubscribe').length === 1);
  first.fail();
  const second = await controller.stream(2);
  await eventually('the subscription', () => second.of('subscribe').length > 0);
  assert.deepEqual(
    second.of('subscribe').map(({ key }) => key),
    ['web:80'],
  );
  assert.equal(second.of('hello')[0]?.instance, first.of('hello')[0]?.instance, 'the same start');
  assert.equal(link.figures().connected, false, 'until it is welcomed');
  assert.ok(
    logged.some((line) => /control stream ended.*UNAVAILABLE/.test(line)),
    logged.join(''),
  );
});

test('ControlLink comes back to a controller that was away, and keeps what it was told', async (t) => {
  const { controller, link } = await connect(t);
  const first = await controller.stream(1);
  first.say({
    $case: 'update',
    value: { key: '', version, resource: { $case: 'inbound', value: told } },
  });
  await eventually('the inbound resource', () => link.inbound !== undefined);
  controller.stop();
  await eventually('the end', () => !link.figures().connected);
  await controller.listen();
  await controller.stream(2);
  assert.deepEqual(link.inbound, pod);
});

test('ControlLink tells the next thread at once what the last one knew, and drops the rest', async (t) => {
  const { controller, link, updates } = await connect(t);
  const stream = await controller.stream(1);
  for (const name of ['a', 'b']) link.subscribe(0, `${name}:80`, { ...web, authority: name });
  await eventually('the subscriptions', () => stream.of('subscribe').length === 2);
  noSuchService(stream, 'a:80');
  await eventually('the update', () => updates.length === 1);
  link.applied(0, 'a:80', version, undefined);
  controller.stop();
  await eventually('the end', () => !link.figures().connected);

  t.mock.timers.enable({ apis: ['setTimeout'] });
  link.threadDied(0);
  link.subscribe(0, 'a:80', { ...web, authority: 'a' });
  assert.deepEqual(updates[1], updates[0], 'while the controller is away');
  t.mock.timers.tick(timeouts.destinationIdleMs);
  assert.deepEqual(Object.keys(link.describe() as object), ['a:80'], 'nobody asked for b again');
});

const bad = (stream: FakeControlStream, key: string, counter: number): void => {
  const value = { reason: `version ${counter}`, declared: Protocol.PROTOCOL_UNSPECIFIED };
  const resource = { $case: 'noSuchService', value } as const;
  const numbered = { epoch: version.epoch, counter };
  stream.say({ $case: 'update', value: { key, version: numbered, resource } });
};

const reasons = (updates: Bench['updates']): string[] =>
  updates.map(([, resource]) => (resource.kind === 'no-such-service' ? resource.reason : ''));

test('ControlLink keeps the last good version through versions that no thread has answered', async (t) => {
  const { controller, link, updates } = await connect(t);
  const stream = await controller.stream(1);
  link.subscribe(0, 'web:80', web);
  await eventually('the subscription', () => stream.of('subscribe').length === 1);
  bad(stream, 'web:80', 1);
  bad(stream, 'web:80', 2);
  await eventually('both updates', () => updates.length === 2);
  link.applied(0, 'web:80', { epoch: version.epoch, counter: 1 }, undefined);
  link.applied(0, 'web:80', { epoch: version.epoch, counter: 2 }, 'it is bad');
  link.threadDied(0);
  bad(stream, 'web:80', 3);
  await eventually(
    'nothing told to a thread that has not asked',
    () => stream.of('nack').length === 1,
  );
  link.subscribe(0, 'web:80', web);
  await eventually('the third', () => reasons(updates).includes('version 3'));
  assert.deepEqual(reasons(updates).slice(0, 3), ['version 1', 'version 2', 'version 1']);
});

test('ControlLink reports once a second on a stream of its own, also after a new connection', async (t) => {
  const { controller } = await connect(t);
  const first = await controller.stream(1);
  const hello = await eventually('Hello', () => first.of('hello')[0]);
  const report = await eventually('a report', () => controller.reports[0]?.[0]);
  assert.deepEqual(report.reporter, {
    namespace: 'demo',
    pod: 'web-1',
    instance: hello.instance,
  });
  assert.equal(report.definitions.length, 2);
  first.fail();
  const again = await eventually('a report on a new stream', () => controller.reports[1]?.[0]);
  assert.deepEqual([again.sequence, again.definitions.length], [1, 2]);
  assert.equal(again.epoch, report.epoch);
});

test('ControlLink has both of its streams on one connection', async (t) => {
  const { controller } = await connect(t, 'localhost');
  await eventually('a report', () => controller.reports[0]?.[0]);
  assert.deepEqual([controller.streams.length, controller.peers.size], [1, 1]);
});

test('ControlLink leaves no connection behind: when a stream ends, and when it is closed', async (t) => {
  const { controller, link, links } = await connect(t);
  const first = await controller.stream(1);
  first.end();
  await controller.stream(2);
  await eventually('the first connection to end', () => links[0]?.closed);
  assert.deepEqual([links.length, links[1]?.closed], [2, false]);
  link.close();
  await eventually('the second connection to end', () => links[1]?.closed);
});

test('ControlLink leaves a controller that says GOAWAY, and comes back to the next', async (t) => {
  const { controller, link, logged } = await connect(t);
  const first = await controller.stream(1);
  first.welcome(5_000);
  await eventually('a report', () => controller.reports[0]?.[0]);
  await withDeadline('the proxy to leave', controller.drain());
  assert.equal(link.figures().connected, false);
  assert.ok(
    logged.some((line) => /control stream ended.*the controller is going away/.test(line)),
    logged.join(''),
  );
  await controller.listen();
  await controller.stream(2);
  await eventually('a report on a new stream', () => controller.reports[1]?.[0]);
});

test('ControlLink says why it cannot reach a controller, and goes on trying', async (t) => {
  const { controller, link, logged } = await connect(t);
  await controller.stream(1);
  controller.stop();
  const refused = /Cannot connect to 127\.0\.0\.1:\d+: ECONNREFUSED\./;
  await eventually('the reason', () => logged.some((line) => refused.test(line)));
  assert.equal(link.figures().connected, false);
  await controller.listen();
  await controller.stream(2);
});

test('ControlLink that is closed ends its streams and does not come back', async (t) => {
  const { controller, link } = await connect(t);
  const stream = await controller.stream(1);
  link.close();
  await eventually('the end', () => stream.ended);
  link.open();
  assert.equal(controller.streams.length, 1);
});
