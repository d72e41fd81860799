import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Rng } from '../base/rng.ts';
import type { MemoryPeer } from '../test/support/memory-world.ts';
import { APPLICATION, StackBench } from '../test/support/stack-bench.ts';
import { inboundStack } from './stack.ts';

/** What one side of a tunnel says, in what pieces, and when it ends or pauses between them. */
const speech = fc.record({
  pieces: fc.array(fc.oneof(fc.nat(40), fc.nat(200_000)), { maxLength: 6 }),
  pauseAt: fc.nat(6),
});

/** Bytes that no HTTP opens with, and that tell their place. */
const bytesOf = (sizes: readonly number[], salt: number): Buffer[] => {
  let at = salt;
  return sizes.map((size) => {
    const bytes = Buffer.alloc(size);
    for (let i = 0; i < size; i++) bytes[i] = (at++ * 31) & 0xff;
    return bytes;
  });
};

test('a tunnel carries every byte both ways, with half-closes, in any order of events', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(speech, speech), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 500, max: 60_000 }),
      fc.integer(),
      async (conversations, capacityBytes, seed) => {
        const rng = new Rng(seed);
        const bench = new StackBench({
          capacityBytes,
          readBytes: () => 1 + rng.integer(rng.integer(8) === 0 ? 9 : 70_000),
          choose: (count) => rng.integer(count),
        });
        const applications = await bench.world.serve(APPLICATION);
        const ports = { ...bench.parts.ports, inbound: { declared: () => 'opaque' as const } };
        await bench.open('inbound', inboundStack({ ...bench.parts, ports }, APPLICATION));
        const clients: MemoryPeer[] = [];
        const sides: Side[] = [];
        for (const [i, [up, down]] of conversations.entries()) {
          const client = bench.client();
          clients.push(client);
          const application = applications[i]!;
          sides.push(
            new Side(client, application, up, i),
            new Side(application, client, down, 99 + i),
          );
        }
        for (let left = true; left;) {
          left = sides.map((side) => side.step()).includes(true);
          bench.world.run();
        }
        bench.world.run();
        for (const side of sides) side.check();
        for (const client of clients) assert.equal(client.closed, true, 'both ended: it is over');
        bench.finish(clients);
      },
    ),
    { numRuns: 150 },
  );
});

/** One direction of one tunnel. */
class Side {
  readonly #from: MemoryPeer;
  readonly #to: MemoryPeer;
  readonly #said: Buffer[];
  readonly #pauseAt: number;
  #at = 0;

  constructor(
    from: MemoryPeer,
    to: MemoryPeer,
    { pauseAt, pieces }: { pieces: readonly number[]; pauseAt: number },
    salt: number,
  ) {
    this.#from = from;
    this.#to = to;
    this.#said = bytesOf(pieces, salt);
    this.#pauseAt = pauseAt;
  }

  /** Says the next piece, or ends; false when it has ended. */
  step(): boolean {
    const at = this.#at++;
    if (at === this.#pauseAt) this.#to.pause();
    if (at === this.#pauseAt + 2) this.#to.resume();
    const piece = this.#said[at];
    if (piece !== undefined) this.#from.send(piece);
    if (at === this.#said.length) this.#from.end();
    return at < Math.max(this.#said.length, this.#pauseAt + 2);
  }

  check(): void {
    assert(this.#to.bytes.equals(Buffer.concat(this.#said)));
    assert.equal(this.#to.ended, true);
  }
}
