import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Protocol, type Update } from '../../api/gen/culvert/proxy/v1/control.ts';
import { ControlService } from '../../api/gen/culvert/proxy/v1/control_service.ts';
import { eventually } from '../../test/support/deadline.ts';
import { FakeController, type FakeControlStream } from '../../test/support/fake-controller.ts';
import type { Resource, ResourceVersion } from '../model/thread.ts';
import { resolveBySystem } from '../route/dns.ts';
import { mainSockets } from '../transport/main-sockets.ts';
import { CONTROL_CONNECT, ControlSession } from './control-session.ts';
import type { GrpcConnection } from './grpc/grpc-connection.ts';
import { GrpcDial } from './grpc/grpc-dial.ts';
import type { PodResource } from './resources.ts';
import { PROXY_VERSION } from './version.ts';

const identity = { namespace: 'demo', pod: 'web-1', instance: 'i' };
const owner = { namespace: 'demo', pod: 'web-1', workloadKind: 'deployment', workload: 'web' };
const version = { epoch: 5, counter: 7 };

interface Bench {
  readonly session: ControlSession;
  readonly controller: FakeController;
  readonly stream: FakeControlStream;
  readonly updates: [key: string, version: ResourceVersion, resource: Resource][];
  readonly inbound: [pod: PodResource | string, version: ResourceVersion][];
  readonly ends: string[];
  readonly heard: () => number;
}

async function connect(t: TestContext, { port }: FakeController): Promise<GrpcConnection> {
  const { promise, reject, resolve } = Promise.withResolvers<GrpcConnection>();
  const parts = { ...mainSockets(), resolve: resolveBySystem, random: () => 0 };
  const dial = new GrpcDial(
    parts,
    { host: '127.0.0.1', port },
    { opened: resolve, failed: (reason) => reject(new Error(reason)), leaving: () => undefined },
  );
  t.after(() => dial.close());
  return promise;
}

async function open(t: TestContext): Promise<Bench> {
  const controller = new FakeController();
  await controller.listen();
  t.after(() => controller.stop());
  const updates: Bench['updates'] = [];
  const inbound: Bench['inbound'] = [];
  const ends: string[] = [];
  let heard = 0;
  const connection = await connect(t, controller);
  const session = new ControlSession(connection, identity, {
    heard: () => heard++,
    welcomed: () => undefined,
    update: (...update) => updates.push(update),
    inbound: (...told) => inbound.push(told),
    ended: (reason) => ends.push(reason),
  });
  t.after(() => session.close());
  const stream = await controller.stream(1);
  return { session, controller, stream, updates, inbound, ends, heard: () => heard };
}

test('a control session asks for the method of the proto', () => {
  assert.equal(CONTROL_CONNECT.path, ControlService.connect.path);
});

test('a control session begins with Hello, and is welcomed once it was told so', async (t) => {
  const { session, stream } = await open(t);
  await eventually('Hello', () => stream.messages.length > 0);
  assert.deepEqual(stream.messages[0], {
    $case: 'hello',
    value: {
      ...identity,
      protocolVersion: 1,
      capabilities: ['http1'],
      proxyVersion: PROXY_VERSION,
    },
  });
  assert.match(PROXY_VERSION, /^\d+\.\d+\.\d+/);
  assert.equal(session.welcomed, false);
  stream.welcome(5_000);
  await eventually('the welcome', () => session.welcomed);
});

test('a control session subscribes, acknowledges, refuses and unsubscribes', async (t) => {
  const { session, stream } = await open(t);
  session.subscribe('web:80', { originalDst: undefined, authority: 'web', port: 80 });
  session.subscribe('10.0.0.1:81', { originalDst: '10.0.0.1:81', authority: undefined, port: 81 });
  session.applied('web:80', version, undefined);
  session.applied('web:80', { epoch: 5, counter: 8 }, 'it is bad');
  session.unsubscribe('web:80');
  await eventually('all of it', () => stream.of('unsubscribe').length === 1);
  assert.deepEqual(stream.of('subscribe'), [
    { key: 'web:80', target: { originalDst: '', authority: 'web', port: 80 } },
    { key: '10.0.0.1:81', target: { originalDst: '10.0.0.1:81', authority: '', port: 81 } },
  ]);
  assert.deepEqual(stream.of('ack'), [{ key: 'web:80', version }]);
  assert.deepEqual(stream.of('nack'), [
    { key: 'web:80', version: { epoch: 5, counter: 8 }, error: 'it is bad' },
  ]);
  assert.deepEqual(stream.of('unsubscribe'), [{ key: 'web:80' }]);
});

test('a control session tells updates of each kind with their versions', async (t) => {
  const { stream, updates, inbound, heard } = await open(t);
  const update = (rest: Pick<Update, 'resource'>, key = 'web:80'): void =>
    stream.say({ $case: 'update', value: { key, version, ...rest } });
  const ports = [{ first: 25, last: 25, protocol: Protocol.PROTOCOL_OPAQUE }];
  const pod = { owner, ports, outboundPorts: [] };
  update({ resource: { $case: 'inbound', value: pod } }, '');
  const wrong = [{ first: 26, last: 25, protocol: Protocol.PROTOCOL_OPAQUE }];
  update({ resource: { $case: 'inbound', value: { ...pod, outboundPorts: wrong } } }, '');
  const none = { reason: 'There is no web.', declared: Protocol.PROTOCOL_OPAQUE };
  update({ resource: { $case: 'noSuchService', value: none } });
  const destination = { authority: 'web:80', service: 'web', namespace: 'demo', port: 80 };
  const empty = { endpoints: [], routes: [] };
  const http1Transport = Protocol.PROTOCOL_HTTP2;
  const declared = Protocol.PROTOCOL_OPAQUE;
  const value = { ...destination, ...empty, http1Transport, declared };
  update({ resource: { $case: 'destination', value } });
  // Of a later controller: nothing this proxy knows.
  update({ resource: undefined });
  stream.say({ $case: 'heartbeat', value: {} });
  await eventually('all of it', () => heard() === 6);
  const opaque = { first: 25, last: 25, protocol: 'opaque' };
  assert.deepEqual(inbound, [
    [{ owner, ports: { inbound: [opaque], outbound: [] } }, version],
    ['26-25 are no ports', version],
  ]);
  assert.deepEqual(updates, [
    ['web:80', version, { ...none, kind: 'no-such-service', declared: 'opaque' }],
    [
      'web:80',
      version,
      {
        kind: 'destination',
        destination: {
          ...destination,
          ...empty,
          http1Transport: 'http2',
          declared: 'opaque',
        },
      },
    ],
  ]);
});

test("a control session sends heartbeats at the controller's pace, and ends when it hears none", async (t) => {
  const { stream, ends } = await open(t);
  stream.welcome(300);
  await eventually('heartbeats', () => stream.of('heartbeat').length >= 2);
  await eventually('the end', () => ends.length > 0);
  assert.deepEqual(ends, ['nothing heard for 3 heartbeats']);
  await eventually('the controller to see the end', () => stream.ended);
});

test('a control session lives as long as heartbeats come', async (t) => {
  const { stream, ends } = await open(t);
  stream.welcome(200);
  // Five heartbeats last longer than silence is allowed to.
  for (let beats = 1; beats <= 5; beats++) {
    await eventually(`heartbeat ${beats}`, () => stream.of('heartbeat').length >= beats);
    stream.say({ $case: 'heartbeat', value: {} });
  }
  assert.deepEqual(ends, []);
});

test('a control session says once why it ended', async (t) => {
  const { controller, ends, stream } = await open(t);
  stream.fail();
  await eventually('the end', () => ends.length > 0);
  assert.match(ends[0] ?? '', /UNAVAILABLE/);
  controller.stop();
  await eventually('the controller to see the end', () => stream.ended);
  assert.equal(ends.length, 1);
});

test('a control session that the controller ends in order has ended', async (t) => {
  const { ends, stream } = await open(t);
  stream.end();
  await eventually('the end', () => ends.length > 0);
  assert.deepEqual(ends, ['the controller ended it']);
});

test('a control session that is closed tells nothing more', async (t) => {
  const { ends, session, stream } = await open(t);
  session.close();
  await eventually('the controller to see the end', () => stream.ended);
  assert.deepEqual(ends, []);
});
