/** What goes through both protocols arrives equal in everything that HTTP says must be equal. */
import { test } from 'node:test';
import { randomExchange } from '../test/support/random-exchanges.ts';
import { Random, seedOfRun } from '../test/support/random.ts';
import { TranslationChain } from '../test/support/translation-chain.ts';
import type { Protocol } from './model/exchange.ts';

const EXCHANGES = 1_000;
const CLIENTS = 4;
const EXCHANGES_PER_CLIENT = 5;
const WORLDS = EXCHANGES / CLIENTS / EXCHANGES_PER_CLIENT;

/** Clients that ask at the same time, with every cut and order of events. */
async function world(ends: Protocol, seed: number): Promise<void> {
  const random = new Random(seed);
  const exchanges = Array.from({ length: CLIENTS * EXCHANGES_PER_CLIENT }, (_, id) =>
    randomExchange(random, id, ends),
  );
  const chain = await TranslationChain.open(ends, exchanges, random, {
    capacityBytes: random.integer(500, 60_000),
    readBytes: () => random.integer(1, random.chance(0.1) ? 9 : 20_000),
    choose: (count) => random.integer(0, count - 1),
  });
  const clients = Array.from({ length: CLIENTS }, (_, i) =>
    chain.client(exchanges.slice(i * EXCHANGES_PER_CLIENT, (i + 1) * EXCHANGES_PER_CLIENT)),
  );
  chain.finish(clients);
}

for (const [way, ends] of [
  ['HTTP/1.1 over HTTP/2 over HTTP/1.1', 'http1'],
  ['HTTP/2 over HTTP/1.1 over HTTP/2', 'http2'],
] as const) {
  test(`${EXCHANGES} random exchanges arrive equal: ${way}`, async () => {
    const first = seedOfRun();
    for (let seed = first; seed < first + WORLDS; seed++) {
      try {
        await world(ends, seed);
      } catch (error) {
        throw new Error(`CULVERT_TEST_SEED=${seed}: ${String(error)}`, { cause: error });
      }
    }
  });
}
