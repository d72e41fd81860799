import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answering,
  APPLICATION,
  GET,
  LISTEN,
  OK,
  serving,
  StackBench,
} from '../test/support/stack-bench.ts';
import { limits, timeouts } from './limits.ts';
import type { DestinationResource } from './model/destination.ts';
import { NO_OWNER } from './model/endpoint.ts';
import { MeshError } from './model/mesh-error.ts';
import { inboundStack, OutboundStack } from './stack.ts';
import { LINK_READ_BYTES, LINK_WRITTEN_BYTES } from './transport/link.ts';
import { socketError } from './transport/socket-error.ts';

test('inbound carries requests on one connection to the application and back', async () => {
  const bench = new StackBench();
  const applications = await bench.inbound(serving);
  const client = bench.client(GET);
  assert.equal(client.take(), OK);
  client.send(GET);
  bench.world.run();
  assert.equal(client.take(), OK);
  assert.equal(applications.length, 1);
  assert.deepEqual(
    bench.ended.map(({ status, failed }) => [status, failed]),
    [
      [200, false],
      [200, false],
    ],
  );
  const links = bench.counts.links('inbound', 'src');
  assert.equal(links[LINK_READ_BYTES], 2 * GET.length);
  assert.equal(links[LINK_WRITTEN_BYTES], 2 * OK.length);
  bench.finish([client]);
});

test('a connection that was answered and closes late leaves later requests alone', async () => {
  const bench = new StackBench();
  const applications = await bench.inbound();
  const first = bench.client('GET /a HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n');
  applications[0]?.send(OK);
  bench.world.run();
  assert.match(first.text, /Connection: close\r\n\r\nok$/);
  const second = bench.client(GET);
  first.close();
  bench.world.run();
  applications[0]?.send(OK);
  bench.world.run();
  assert.equal(second.text, OK);
  assert.deepEqual(
    bench.ended.map(({ cancelled }) => cancelled),
    [false, false],
  );
  bench.finish([first, second]);
});

test('inbound answers 502 for an application that refuses, and tells strangers no more', async () => {
  const bench = new StackBench();
  await bench.open('inbound', inboundStack(bench.parts, APPLICATION));
  const client = bench.client(GET);
  assert.match(client.text, /^HTTP\/1.1 502 Bad Gateway\r\n/);
  assert.doesNotMatch(client.text, /culvert|127/);
  assert.deepEqual(bench.errors, ['inbound upstream-refused']);
  assert.equal(client.ended, false);
  bench.finish([client]);
});

test('inbound closes early in a drain where nobody listens, and for no other failure of a dial', async () => {
  for (const [code, error] of [
    ['ECONNREFUSED', 'upstream-refused'],
    ['EADDRNOTAVAIL', 'upstream-unreachable'],
  ] as const) {
    const bench = new StackBench();
    const { transport } = bench.world;
    const dial = transport.dial.bind(transport);
    transport.dial = (options, events) => {
      const onClose = events.onClose.bind(events);
      events.onClose = () => onClose(socketError(code, 'it', false));
      return dial(options, events);
    };
    const side = inboundStack(bench.parts, APPLICATION);
    await bench.open('inbound', side);
    side.drain(5_000);
    const client = bench.client(GET);
    assert.match(client.text, /^HTTP\/1.1 502 /);
    assert.deepEqual([bench.errors, side.closed], [[`inbound ${error}`], code === 'ECONNREFUSED']);
    side.close();
    bench.finish([client]);
  }
});

test('inbound replays a GET whose pooled connection died unseen, not a POST', async () => {
  for (const [method, text] of [
    ['GET', OK],
    ['POST', '502'],
  ] as const) {
    const bench = new StackBench();
    const applications = await bench.inbound(serving);
    const client = bench.client(GET);
    assert.equal(client.take(), OK);
    // Dies as it takes the request, before it answers.
    const [first] = applications;
    assert(first !== undefined);
    first.react = (peer) => peer.reset();
    client.send(GET.replace('GET', method));
    bench.world.run();
    assert(client.text.includes(text), client.text);
    assert.equal(applications.length, method === 'GET' ? 2 : 1);
    bench.finish([client]);
  }
});

test('inbound cancels upstream what its client gave up', async () => {
  const bench = new StackBench();
  const applications = await bench.inbound();
  const client = bench.client(GET);
  client.reset();
  bench.world.run();
  assert.equal(applications[0]?.error?.code, 'upstream-reset');
  assert.deepEqual(
    bench.ended.map(({ cancelled }) => cancelled),
    [true],
  );
  bench.finish([client]);
});

test('inbound holds no more than its windows of an answer that nobody reads', async () => {
  const bench = new StackBench({ capacityBytes: 4096 });
  const applications = await bench.inbound();
  const client = bench.client(GET);
  client.pause();
  const size = 10 * limits.streamWindowBytes;
  applications[0]?.send(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`);
  bench.world.run();
  const taken = applications[0]?.sentBytes ?? 0;
  assert(taken < limits.streamWindowBytes + limits.readBytes + 3 * 4096, `${taken}`);
  client.resume();
  bench.world.run();
  assert.equal(client.text.length, size + client.text.indexOf('\r\n\r\n') + 4);
  bench.finish([client]);
});

test('inbound observes one end of an exchange whose request stalls after its answer', async () => {
  const bench = new StackBench();
  const applications = await bench.inbound();
  const client = bench.client('POST /a HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\n\r\nab');
  applications[0]?.send(OK);
  bench.world.advance(3 * timeouts.streamIdleMs);
  assert.equal(client.text, OK);
  assert.equal(bench.ended.length, 1);
  assert.equal(client.ended || client.closed, true);
  bench.finish([client]);
});

test('inbound says goodbye while it drains, and closes when it has been quiet', async () => {
  const bench = new StackBench();
  await bench.inbound(serving);
  const downstreams = inboundStack(bench.parts, APPLICATION);
  const counts = bench.counts.links('inbound', 'src');
  const address = { host: '127.0.0.1', port: 4144 };
  downstreams.add(await bench.world.transport.listen(address, counts, downstreams.accept));
  const [idle, busy] = [bench.world.connect(address), bench.world.connect(address)];
  bench.world.run();
  downstreams.drain(5000);
  busy.send(GET);
  bench.world.advance(4000);
  assert.match(busy.text, /Connection: close\r\n/);
  const late = bench.world.connect(address);
  bench.world.advance(4000);
  assert.deepEqual([late.opened, downstreams.closed, idle.ended], [true, false, false]);
  bench.world.advance(1200);
  assert.deepEqual([downstreams.closed, idle.ended, late.ended], [true, true, true]);
  bench.finish([idle, busy, late]);
});

const endpoint = (port: number) => ({
  id: `pod-${port}`,
  host: '10.0.0.1',
  port,
  weight: 1,
  zone: '',
  ready: true,
  terminating: false,
  meshed: true,
  protocol: undefined,
  owner: NO_OWNER,
});

const service = (...ports: readonly number[]): DestinationResource => ({
  authority: 'web:80',
  service: 'web',
  namespace: 'demo',
  port: 80,
  endpoints: ports.map(endpoint),
  routes: [],
});

interface Outbound {
  readonly bench: StackBench;
  readonly stack: OutboundStack;
  /** Keys that were asked about. */
  readonly asked: string[];
}

async function outbound(controlled: boolean): Promise<Outbound> {
  const bench = new StackBench();
  const asked: string[] = [];
  const stack = new OutboundStack(bench.parts, {
    subscribe: controlled ? (key) => void asked.push(key) : undefined,
    unsubscribe: () => undefined,
    fallback: undefined,
  });
  await bench.open('outbound', stack.downstreams(undefined));
  return { bench, stack, asked };
}

test('outbound spreads requests over the endpoints that discovery names, once it has answered', async () => {
  const { bench, stack, asked } = await outbound(true);
  const served = [0, 0];
  for (const i of [0, 1]) {
    await bench.world.serve(
      { host: '10.0.0.1', port: 9000 + i },
      answering(() => {
        served[i]! += 1;
        return OK;
      }),
    );
  }
  const client = bench.client(GET);
  assert.deepEqual([client.text, asked], ['', ['web:80']]);
  bench.world.clock.turn.run(() => stack.destinations.apply('web:80', service(9000, 9001)));
  bench.world.run();
  assert.equal(client.take(), OK);
  for (let i = 0; i < 50; i++) {
    client.send(GET);
    bench.world.run();
    assert.equal(client.take(), OK);
  }
  assert(
    served.every((count) => count > 5),
    served.join(),
  );
  assert.equal(
    bench.ended.every(({ route }) => route === 'GET /a'),
    true,
  );
  bench.finish([client]);
});

test('outbound tries another endpoint when one refuses, and says what failed when all do', async () => {
  const { bench, stack } = await outbound(true);
  await bench.world.serve({ host: '10.0.0.1', port: 9001 }, serving);
  const client = bench.client(GET);
  bench.world.clock.turn.run(() => stack.destinations.apply('web:80', service(9000, 9001)));
  bench.world.run();
  assert.equal(client.take(), OK);
  for (let i = 0; i < 10; i++) {
    client.send(GET.replace('GET', 'POST'));
    bench.world.run();
    assert.equal(client.take(), OK);
  }
  bench.world.clock.turn.run(() => stack.destinations.apply('web:80', service(9000)));
  client.send(GET);
  bench.world.run();
  assert.match(
    client.text,
    /^HTTP\/1.1 502 [^]*culvert-proxy-error: .* cannot be reached, with 1 of 1 endpoints ready. Last dial error: Cannot connect to 10.0.0.1:9000/,
  );
  bench.finish([client]);
});

test('outbound answers 404 where there is no such service, and keeps alive', async () => {
  const { bench } = await outbound(false);
  const client = bench.client(GET + GET);
  assert.equal(client.text.match(/^HTTP\/1.1 404 /gm)?.length, 2);
  assert.match(client.text, /culvert-proxy-error: No service is named web:80/);
  bench.finish([client]);
});

test('outbound answers 503 when the controller does not, and 508 to its own listener', async () => {
  const { bench, stack } = await outbound(true);
  const client = bench.client(GET);
  bench.world.advance(timeouts.discoveryTimeoutMs - 100);
  assert.equal(client.text, '');
  bench.world.advance(300);
  assert.match(client.take(), /^HTTP\/1.1 503 /);
  bench.world.clock.turn.run(() => stack.destinations.apply('web:80', service(LISTEN.port)));
  client.send(GET);
  bench.world.run();
  assert.match(client.text, /^HTTP\/1.1 508 [^]*Connection: close/);
  bench.finish([client]);
});

test('inbound aborts what is under way when the drain is over', async () => {
  const bench = new StackBench();
  const applications = await bench.world.serve(APPLICATION);
  const downstreams = inboundStack(bench.parts, APPLICATION);
  await bench.open('inbound', downstreams);
  const client = bench.client(GET);
  const error = new MeshError('past-drain', 'proxy', 'over');
  bench.world.clock.turn.run(() => downstreams.abort(error));
  bench.world.run();
  assert.match(client.text, /^HTTP\/1.1 503 /);
  assert.equal(applications[0]?.error?.code, 'upstream-reset');
  bench.finish([client]);
});
