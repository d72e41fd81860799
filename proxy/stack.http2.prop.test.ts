import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Rng } from '../base/rng.ts';
import type { MemoryPeer } from '../test/support/memory-world.ts';
import { APPLICATION, LISTEN, StackBench, answering } from '../test/support/stack-bench.ts';
import type { Downstreams } from './accept/downstreams.ts';
import { timeouts } from './limits.ts';
import { unlabelledDestination } from './route/unlabelled.ts';
import { OutboundStack, inboundStack } from './stack.ts';
import type { Link, LinkEvents } from './transport/link.ts';
import type { MemoryOptions } from './transport/memory.ts';

/** Where the inbound sidecar listens. */
const BETWEEN = { host: '127.0.0.1', port: 4144 };
const DRAIN_QUIET_MS = 5_000;
const TARGET = { originalDst: undefined, authority: 'web', port: 80 };

const echo = (target: string, body: string): string =>
  `HTTP/1.1 200 OK\r\nTarget: ${target}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
/** What is left of that behind HTTP/2: names in lower case, and no reason. */
const carried = (target: string, body: string): string =>
  echo(target, body)
    .replace('200 OK', '200 ')
    .replace('Target', 'target')
    .replace('Content-Length', 'content-length');

/**
 * HTTP/1.1 clients, an outbound and an inbound sidecar that speak HTTP/2 to each other, and an
 * HTTP/1.1 application: both roles of HTTP/2 with every cut and order of events.
 */
class Chain {
  readonly bench: StackBench;
  readonly inbound: Downstreams;
  applications: readonly MemoryPeer[] = [];
  /** The inbound sidecar's ends of the connections between the two. */
  readonly between: Link[] = [];

  constructor(options: MemoryOptions) {
    this.bench = new StackBench(options);
    this.inbound = inboundStack(this.bench.parts, { ...APPLICATION, protocol: 'http1' });
  }

  async open(): Promise<void> {
    const { bench } = this;
    const { transport } = bench.world;
    this.applications = await bench.world.serve(APPLICATION, answering(echo));
    const counts = bench.counts.links('inbound', 'src');
    const accept = (link: Link): LinkEvents => {
      this.between.push(link);
      return this.inbound.accept(link);
    };
    this.inbound.add(await transport.listen(BETWEEN, counts, accept));
    const outbound = new OutboundStack(bench.parts, {
      subscribe: undefined,
      unsubscribe: () => undefined,
      fallback: undefined,
    });
    const resource = unlabelledDestination('web', 'web', 80, [{ ...BETWEEN, protocol: 'http2' }]);
    outbound.destinations.install(TARGET, resource, false);
    await bench.open('outbound', outbound.downstreams(TARGET));
  }

  /** Nothing is left once the clients have gone and idle time has passed. */
  finish(clients: readonly MemoryPeer[]): void {
    const { bench } = this;
    for (const client of clients) if (!client.closed) client.reset();
    bench.world.run();
    bench.world.advance(timeouts.http2UpstreamIdleMs + 1_000);
    bench.finish(clients);
    assert.equal(this.inbound.size, 0);
    assert.equal(bench.begun, bench.ended.length);
  }
}

const request = (i: number, j: number, body: string): string =>
  `PUT /${i}/${j} HTTP/1.1\r\nHost: web\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const sizes = fc.array(fc.oneof(fc.nat(50), fc.nat(100_000)), { minLength: 1, maxLength: 4 });
const capacity = fc.integer({ min: 500, max: 60_000 });

test('two sidecars carry every byte over HTTP/2 between them, in any order of events', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(sizes, { minLength: 1, maxLength: 5 }),
      capacity,
      fc.integer(),
      async (conversations, capacityBytes, seed) => {
        const rng = new Rng(seed);
        const readBytes = (): number => 1 + rng.integer(rng.integer(8) === 0 ? 9 : 20_000);
        const choose = (count: number): number => rng.integer(count);
        const chain = new Chain({ capacityBytes, readBytes, choose });
        await chain.open();
        const clients = conversations.map((each, i) => {
          const bodies = each.map((size, j) => String.fromCharCode(97 + i * 4 + j).repeat(size));
          const peer = chain.bench.world.connect(LISTEN);
          peer.send(bodies.map((body, j) => request(i, j, body)).join(''));
          return { peer, answers: bodies.map((body, j) => carried(`/${i}/${j}`, body)).join('') };
        });
        chain.bench.world.run();
        for (const { peer, answers } of clients) assert.equal(peer.text, answers);
        assert.deepEqual(chain.bench.errors, []);
        chain.finish(clients.map(({ peer }) => peer));
      },
    ),
    { numRuns: 100 },
  );
});

test('a sidecar that drains loses no request that comes over HTTP/2, whenever it begins', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(sizes, { minLength: 1, maxLength: 5 }),
      fc.nat(200),
      capacity,
      fc.integer(),
      async (conversations, steps, capacityBytes, seed) => {
        const rng = new Rng(seed);
        const readBytes = (): number => 1 + rng.integer(6000);
        const choose = (count: number): number => rng.integer(count);
        const chain = new Chain({ capacityBytes, readBytes, choose });
        await chain.open();
        const { world } = chain.bench;
        const clients = conversations.map((each, i) => {
          const bodies = each.map((size, j) => `${i}.${j}`.padEnd(size, 'x'));
          const peer = world.connect(LISTEN);
          peer.send(bodies.map((body, j) => request(i, j, body)).join(''));
          return { peer, answers: bodies.map((body, j) => carried(`/${i}/${j}`, body)).join('') };
        });
        for (let i = 0; i < steps; i++) world.transport.step();
        world.clock.turn.run(() => chain.inbound.drain(DRAIN_QUIET_MS));
        world.run();
        world.advance(DRAIN_QUIET_MS + 1_000);
        for (const { peer, answers } of clients) assert.equal(peer.text, answers);
        assert.deepEqual([chain.bench.errors, chain.inbound.closed], [[], true]);
        assert.equal(chain.inbound.size, 0, 'nobody is left');
        chain.finish(clients.map(({ peer }) => peer));
      },
    ),
    { numRuns: 100 },
  );
});

/** What goes wrong at random: who does what, and after how many steps. */
const fault = fc.record({
  who: fc.constantFrom('client', 'application', 'between'),
  which: fc.nat(5),
  what: fc.constantFrom('reset', 'end', 'close', 'pause', 'garbage'),
  steps: fc.nat(80),
});

test('two sidecars leave nothing behind and tell no lies, whoever goes away and when', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(sizes, { minLength: 1, maxLength: 4 }),
      fc.array(fault, { minLength: 1, maxLength: 8 }),
      capacity,
      fc.integer(),
      async (conversations, faults, capacityBytes, seed) => {
        const rng = new Rng(seed);
        const readBytes = (): number => 1 + rng.integer(6000);
        const choose = (count: number): number => rng.integer(count);
        const chain = new Chain({ capacityBytes, readBytes, choose });
        await chain.open();
        const { world } = chain.bench;
        const clients = conversations.map((each, i) => {
          const peer = world.connect(LISTEN);
          peer.send(each.map((size, j) => request(i, j, `${i}.${j}`.padEnd(size, 'x'))).join(''));
          return peer;
        });
        for (const { who, which, what, steps } of faults) {
          for (let i = 0; i < steps; i++) world.transport.step();
          if (who === 'between') {
            world.clock.turn.run(() => chain.between[which % 2]?.reset());
            continue;
          }
          const peers = who === 'client' ? clients : chain.applications;
          const peer = peers[which % Math.max(1, peers.length)];
          if (peer === undefined || !peer.opened || peer.closed) continue;
          if (what === 'garbage') peer.send('\0');
          else peer[what]();
        }
        world.run();
        for (const [i, peer] of clients.entries()) {
          for (const [, target] of peer.text.matchAll(/target: \/(\d+)/g)) {
            assert.equal(target, `${i}`);
          }
        }
        for (const application of chain.applications) {
          if (!application.closed) application.reset();
        }
        for (const peer of clients) if (!peer.closed) peer.resume();
        world.run();
        chain.finish(clients);
      },
    ),
    { numRuns: 200 },
  );
});
