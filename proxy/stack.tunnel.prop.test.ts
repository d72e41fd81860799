/** Tunnels arrive exactly, both ways, whatever either side of the sidecar speaks. */
import { test } from 'node:test';
import { Random, seedOfRun } from '../test/support/random.ts';
import { TunnelChain, randomTunnel } from '../test/support/tunnel-chain.ts';
import type { Protocol } from './model/exchange.ts';

const WORLDS = 60;
const TUNNELS_MAX = 4;

/** Tunnels at the same time, with every cut and order of events. */
async function world(from: Protocol, to: Protocol, cuts: boolean, seed: number): Promise<void> {
  const random = new Random(seed);
  const plans = Array.from({ length: random.integer(1, TUNNELS_MAX) }, (_, id) =>
    randomTunnel(random, id, cuts),
  );
  const chain = await TunnelChain.open(from, to, plans, {
    capacityBytes: random.integer(500, 60_000),
    readBytes: () => random.integer(1, random.chance(0.02) ? 9 : 20_000),
    choose: (count) => random.integer(0, count - 1),
  });
  chain.finish();
}

async function worlds(from: Protocol, to: Protocol, cuts: boolean): Promise<void> {
  const first = seedOfRun();
  for (let seed = first; seed < first + WORLDS; seed++) {
    try {
      await world(from, to, cuts, seed);
    } catch (error) {
      throw new Error(`CULVERT_TEST_SEED=${seed}: ${String(error)}`, { cause: error });
    }
  }
}

for (const from of ['http1', 'http2'] as const) {
  for (const to of ['http1', 'http2'] as const) {
    test(`Tunnels with early bytes and half-closes arrive exactly: ${from} to ${to}`, () =>
      worlds(from, to, false));
    test(`Tunnels that are reset never look whole, and leave nothing behind: ${from} to ${to}`, () =>
      worlds(from, to, true));
  }
}
