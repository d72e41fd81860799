/** The stack where one of its sides stops, goes early or refuses: what was wrong once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answering,
  APPLICATION,
  GET,
  OK,
  serving,
  StackBench,
} from '../test/support/stack-bench.ts';
import { limits, timeouts } from './limits.ts';
import { MeshError } from './model/mesh-error.ts';
import { inboundStack, OutboundStack } from './stack.ts';
import { unlabelledDestination } from './route/unlabelled.ts';
import type { Transport } from './transport/link.ts';
import { MemoryLink } from './transport/memory-link.ts';

/** A request with so many bytes of body to come. */
const put = (bytes: number): string =>
  `PUT /a HTTP/1.1\r\nHost: web\r\nContent-Length: ${bytes}\r\n\r\n`;

const okHead = (length: number): string => `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;

/** An answer that ends with the last byte of the `reads`-th read. */
function answerOfReads(reads: number): string {
  const size = reads * limits.readBytes;
  const length = size - okHead(size).length;
  const answer = okHead(length) + 'x'.repeat(length);
  assert.equal(answer.length, size);
  return answer;
}

test('a connection that closes because of the drain leaves the next request alone', async () => {
  const bench = new StackBench();
  const applications = await bench.world.serve(APPLICATION);
  const downstreams = inboundStack(bench.parts, APPLICATION);
  await bench.open('inbound', downstreams);
  downstreams.drain(timeouts.downstreamIdleMs);
  const first = bench.client(GET);
  applications[0]?.send(OK);
  bench.world.run();
  assert.match(first.text, /Connection: close\r\n\r\nok$/);
  // The object of the first exchange serves this one.
  const second = bench.client(GET);
  first.close();
  bench.world.run();
  applications[0]?.send(OK);
  bench.world.run();
  assert.match(second.text, /Connection: close\r\n\r\nok$/);
  assert.deepEqual(
    bench.ended.map(({ status, cancelled }) => [status, cancelled]),
    [
      [200, false],
      [200, false],
    ],
  );
  bench.finish([first, second]);
});

for (const reads of [2, 4, 16]) {
  test(`a connection is pooled to be read again behind an answer of ${reads} whole reads`, async () => {
    const bench = new StackBench();
    const applications = await bench.inbound(
      answering((target) => (target === '/long' ? answerOfReads(reads) : OK)),
    );
    const slow = bench.client();
    slow.pause();
    slow.send(GET.replace('/a', '/long'));
    bench.world.run();
    slow.resume();
    bench.world.run();
    assert.equal(slow.take().length, reads * limits.readBytes);
    const other = bench.client();
    for (const client of [slow, other]) {
      client.send(GET);
      bench.world.run();
      assert.equal(client.take(), OK);
    }
    assert.equal(applications.length, 1, 'the pooled connection serves them all');
    bench.finish([slow, other]);
  });
}

test('a request is served behind one that failed while its body was stopped', async () => {
  const bench = new StackBench();
  const { transport } = bench.world;
  await bench.open('inbound', inboundStack(bench.parts, APPLICATION));
  transport.silence(APPLICATION);
  const size = 5 * limits.streamWindowBytes;
  const client = bench.client(put(size) + 'x'.repeat(size));
  const held = client.sentBytes;
  assert(held < size, 'the body waits for a connection');
  bench.world.advance(timeouts.connectTimeoutMs + 200);
  assert.match(client.take(), /^HTTP\/1.1 504 /);
  client.send(GET);
  bench.world.advance(timeouts.connectTimeoutMs + 200);
  assert.match(client.take(), /^HTTP\/1.1 504 /);
  assert.equal(client.ended, false);
  bench.finish([client]);
});

test('a body that goes on while its replay waits for a connection is held within bounds', async () => {
  const bench = new StackBench();
  const applications = await bench.inbound(serving);
  const client = bench.client(GET);
  assert.equal(client.take(), OK);
  const [first] = applications;
  assert(first !== undefined);
  first.react = () => undefined;
  const size = 6 * limits.streamWindowBytes;
  // Nearly as much as a replay may keep has its credit back when the connection is lost.
  const early = limits.replayBytesMax - 1000;
  client.send(put(size) + 'y'.repeat(early));
  bench.world.run();
  assert.equal(first.take().length, put(size).length + early);
  bench.world.transport.silence(APPLICATION);
  first.close();
  bench.world.run();
  // Not quite a window, so that one whole read comes on top of it.
  for (const piece of [limits.streamWindowBytes - 1000, limits.readBytes, limits.readBytes]) {
    client.send('z'.repeat(piece));
    bench.world.run();
  }
  bench.world.advance(timeouts.connectTimeoutMs + 200);
  assert.match(client.text, /^HTTP\/1.1 504 /);
  bench.finish([client]);
});

test('an upstream that answers early, closes and never reads is let go', async () => {
  const bench = new StackBench({ capacityBytes: 4096 });
  const applications = await bench.inbound();
  const size = 4 * limits.streamWindowBytes;
  const client = bench.client(put(size));
  const [application] = applications;
  assert(application !== undefined);
  application.pause();
  client.send('x'.repeat(size));
  bench.world.run();
  application.send('HTTP/1.1 413 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
  bench.world.run();
  assert.match(client.text, /^HTTP\/1.1 413 No\r\n/);
  assert.equal(bench.world.transport.slabs.out > 0, false, 'unsent bytes are kept for nobody');
  application.resume();
  bench.world.run();
  assert.equal(application.closed, true);
  bench.finish([client]);
});

test('a dial that is reset is tried at another endpoint', async () => {
  const bench = new StackBench();
  const { transport } = bench.world;
  const dialled: number[] = [];
  const resetting: Transport = {
    listen: (...args) => transport.listen(...args),
    dial: (options, events) => {
      const link = transport.dial(options, events);
      dialled.push(options.port);
      assert(link instanceof MemoryLink);
      if (options.port === 9000) link.fail('ECONNRESET');
      return link;
    },
  };
  const stack = new OutboundStack(
    { ...bench.parts, transport: resetting },
    { subscribe: undefined, unsubscribe: () => undefined, fallback: undefined },
  );
  const addresses = [9000, 9001].map((port) => ({ host: '10.0.0.1', port }));
  const target = { originalDst: undefined, authority: 'web', port: 80 };
  stack.destinations.install(target, unlabelledDestination('web:80', 'web', 80, addresses), false);
  await bench.open('outbound', stack.downstreams(undefined));
  await bench.world.serve({ host: '10.0.0.1', port: 9001 }, serving);
  const client = bench.client();
  for (let i = 0; i < 20; i++) {
    client.send(GET.replace('GET', 'POST'));
    bench.world.run();
    assert.equal(client.take(), OK);
  }
  assert(dialled.includes(9000), 'the resetting endpoint was tried first at least once');
  assert.deepEqual(bench.errors, []);
  bench.finish([client]);
});

/** What the memory kernel takes of a link at a time. */
const KERNEL_BYTES = 16_384;

for (const size of [1, 20, 1000]) {
  test(`chunks of ${size} bytes to a slow application keep the memory bounded`, async () => {
    const bench = new StackBench({ capacityBytes: 16_384 });
    const applications = await bench.inbound();
    const client = bench.client(
      'POST /a HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const application = applications[0]!;
    const chunk = `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`;
    const part = chunk.repeat(Math.ceil(limits.readBytes / chunk.length));
    // A window and one read of data as framed, in slabs that hold at least one read of the kernel's,
    // and the client's own.
    const framed = (limits.streamWindowBytes + limits.readBytes) * (chunk.length / size);
    const slabsMax = Math.ceil(framed / KERNEL_BYTES) + 4;
    for (let turn = 0; turn < 100; turn++) {
      while (client.link.unsentBytes < limits.readBytes) client.send(part);
      application.resume();
      for (let step = 0; step < 7; step++) bench.world.transport.step();
      application.pause();
      bench.world.run();
      application.take();
      const { out } = bench.world.transport.slabs;
      assert.ok(out <= slabsMax, `turn ${turn}: ${out} slabs are out, at most ${slabsMax}`);
    }
  });
}

test('a client that sends on and never reads its closing answer is let go', async () => {
  const bench = new StackBench({ capacityBytes: 4096 });
  const applications = await bench.inbound();
  const closing = 'Host: web\r\nConnection: close\r\nContent-Length: 9000000000';
  const client = bench.client(`POST /a HTTP/1.1\r\n${closing}\r\n\r\n`);
  client.pause();
  applications[0]?.send(`HTTP/1.1 413 No\r\nContent-Length: 20000\r\n\r\n${'x'.repeat(20_000)}`);
  bench.world.run();
  for (let sent = 0; sent <= limits.lingerBytesMax && !client.closed; sent += 50_000) {
    client.send('y'.repeat(50_000));
    bench.world.run();
  }
  bench.world.advance(timeouts.streamIdleMs * 2);
  assert.ok(client.closed);
});

test('a service that is gone is not used while the name service fails', () => {
  const failing = new MeshError('dns-failed', 'upstream', 'The name service failed.');
  const { destinations } = new OutboundStack(new StackBench().parts, {
    subscribe: () => undefined,
    unsubscribe: () => undefined,
    fallback: (_target, tell) => tell({ found: failing, keepMs: timeouts.dnsNegativeMs }),
  });
  const web = { originalDst: undefined, authority: 'web', port: 80 };
  destinations.find(web, true);
  destinations.apply('web:80', unlabelledDestination('web:80', 'web', 80, [APPLICATION]));
  destinations.applyNoSuchService('web:80', 'deleted');
  assert.equal(destinations.find(web, true), failing);
});
