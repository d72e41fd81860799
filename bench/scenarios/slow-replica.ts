/** One replica of three is slow now and then: what the balancer makes of it for its callers. */
import { DelayServer } from '../load/server.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
import { KEEP_ALIVE } from './http1.ts';
import type { Scenario } from './scenario.ts';

const FAST_MS = 1;
/** One request in ten of the slow replica takes a hundred times as long. */
const SLOW_SHARE = 0.1;
const SLOW_FACTOR = 100;
const RATE = 1_000;
/** Long against the slow answers. */
const BLOCK_MS = 1_200;
const LOAD: Load = {
  ...KEEP_ALIVE,
  connections: 128,
  arrival: { kind: 'poisson', perSecond: RATE },
};

/** Without a proxy requests would go to the first replica only, a fast one: the floor. */
export const SLOW_REPLICA: Scenario = {
  name: 'slow-replica',
  about: 'Three replicas of 1 ms; one of them answers one request in ten after 100 ms.',
  quick: false,
  seconds: 100,
  run,
};

async function run(stage: Stage): Promise<void> {
  const fast = { delayMs: FAST_MS };
  const slow = { ...fast, slowShare: SLOW_SHARE, slowFactor: SLOW_FACTOR, seed: 1 };
  await using servers = await DelayServer.start(stage.parts.loadCore, [fast, fast, slow]);
  const backends = servers.addresses;
  const topology = {
    direction: 'outbound',
    hops: 1,
    backends,
    authority: AUTHORITY,
    threads: 1,
  } as const;
  const paced = stage.paced({ blockMs: BLOCK_MS });
  await paced.withArms(topology, async (arms) => {
    await paced.warm(arms, LOAD);
    await paced.measure(`${RATE} rps`, arms, LOAD);
  });
}
