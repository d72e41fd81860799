import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Rng } from '../base/rng.ts';
import { answering, LISTEN, StackBench } from '../test/support/stack-bench.ts';

const echo = (target: string, body: string): string =>
  `HTTP/1.1 200 OK\r\nTarget: ${target}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** One client's requests: sizes of their bodies, and whether they come all at once. */
const conversation = fc.record({
  sizes: fc.array(fc.oneof(fc.nat(50), fc.nat(30_000)), { minLength: 1, maxLength: 5 }),
  pipelined: fc.boolean(),
});

test('inbound carries every byte of every conversation, in any order of events', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(conversation, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 500, max: 40_000 }),
      fc.integer(),
      async (conversations, capacityBytes, seed) => {
        const rng = new Rng(seed);
        const readBytes = (): number => 1 + rng.integer(rng.integer(8) === 0 ? 9 : 20_000);
        const bench = new StackBench({
          capacityBytes,
          readBytes,
          choose: (count) => rng.integer(count),
        });
        await bench.inbound(answering(echo));
        const clients = conversations.map(({ sizes, pipelined }, i) => {
          const bodies = sizes.map((size, j) => String.fromCharCode(97 + i * 5 + j).repeat(size));
          const wire = bodies.map((body, j) => {
            return `POST /${i}/${j} HTTP/1.1\r\nHost: web\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
          });
          const peer = bench.world.connect(LISTEN);
          const sent = pipelined ? [wire.join('')] : wire;
          peer.send(sent.shift() ?? '');
          return { peer, sent, answers: bodies.map((body, j) => echo(`/${i}/${j}`, body)) };
        });
        bench.world.run();
        for (let left = true; left;) {
          left = false;
          for (const { peer, sent } of clients) {
            const next = sent.shift();
            if (next === undefined) continue;
            left = true;
            peer.send(next);
          }
          bench.world.run();
        }
        for (const { peer, answers } of clients) assert.equal(peer.text, answers.join(''));
        const count = conversations.reduce((sum, { sizes }) => sum + sizes.length, 0);
        assert.equal(bench.ended.filter(({ status }) => status === 200).length, count);
        bench.finish(clients.map(({ peer }) => peer));
      },
    ),
    { numRuns: 150 },
  );
});

/** What goes wrong at random: who does what, and after how many steps. */
const fault = fc.record({
  who: fc.constantFrom('client', 'application'),
  which: fc.nat(5),
  what: fc.constantFrom('reset', 'end', 'close', 'pause', 'garbage'),
  steps: fc.nat(60),
});

test('inbound leaves nothing behind and tells no lies, whoever goes away and when', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat(3000), { minLength: 1, maxLength: 4 }), {
        minLength: 1,
        maxLength: 4,
      }),
      fc.array(fault, { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 200, max: 5_000 }),
      fc.integer(),
      async (conversations, faults, capacityBytes, seed) => {
        const rng = new Rng(seed);
        const readBytes = (): number => 1 + rng.integer(3000);
        const bench = new StackBench({ capacityBytes, readBytes, choose: (n) => rng.integer(n) });
        const applications = await bench.inbound(answering(echo));
        const clients = conversations.map((sizes, i) => {
          const bodies = sizes.map((size, j) => `${i}.${j}:`.padEnd(size, 'x'));
          const peer = bench.world.connect(LISTEN);
          const wire = bodies.map((body) => {
            return `PUT /${i} HTTP/1.1\r\nHost: web\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
          });
          peer.send(wire.join(''));
          return { peer, answers: bodies.map((body) => echo(`/${i}`, body)).join('') };
        });
        for (const { who, which, what, steps } of faults) {
          for (let i = 0; i < steps; i++) bench.world.transport.step();
          const peers = who === 'client' ? clients.map(({ peer }) => peer) : applications;
          const peer = peers[which % Math.max(1, peers.length)];
          if (peer === undefined || !peer.opened || peer.closed) continue;
          if (what === 'garbage') peer.send('\0');
          else peer[what]();
        }
        bench.world.run();
        // What a client got of a good answer is what was sent to it and no one else.
        for (const [i, { peer }] of clients.entries()) {
          for (const [, target] of peer.text.matchAll(/Target: \/(\d+)/g))
            assert.equal(target, `${i}`);
        }
        for (const application of applications) if (!application.closed) application.reset();
        for (const { peer } of clients) if (!peer.closed) peer.resume();
        bench.world.run();
        // Whoever paused never saw an end: time ends what is left.
        bench.finish(clients.map(({ peer }) => peer));
        assert.equal(bench.begun, bench.ended.length);
      },
    ),
    { numRuns: 300 },
  );
});
