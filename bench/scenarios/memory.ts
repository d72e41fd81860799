/** What a proxy occupies: idle, loaded, and after it. */
import { setTimeout as pause } from 'node:timers/promises';
import { startControlPlane } from '../peers/controlled.ts';
import { culvert } from '../peers/culvert.ts';
import type { Arm } from '../peers/peer.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
import { KEEP_ALIVE } from './http1.ts';
import type { Scenario } from './scenario.ts';

/** By then what a sidecar does after its start is done. */
const SETTLE_MS = 15_000;
/** Sidecars of each kind that are idle at the same time: processes differ by a megabyte or two. */
const SAMPLES = 5;
const LOADED: Load = {
  ...KEEP_ALIVE,
  connections: 256,
  arrival: { kind: 'poisson', perSecond: 10_000 },
};
const LOADED_BLOCK_MS = 2_500;
const LOADED_ROUNDS = 5;

/** Name of our arm that has a controller; "culvert" stands alone. */
export const CONTROLLED = 'culvert-controlled';

/** Outbound, stand-alone and with a controller. */
export const MEMORY: Scenario = {
  name: 'memory',
  about: 'Resident memory idle, with 256 connections at 10,000 requests a second, and after.',
  quick: false,
  gated: true,
  seconds: 90,
  run,
};

async function run(stage: Stage): Promise<void> {
  const backends = stage.parts.backends.slice(0, 2);
  const topology = {
    direction: 'outbound',
    hops: 1,
    backends,
    authority: AUTHORITY,
    threads: 1,
  } as const;
  const control = await startControlPlane(AUTHORITY, backends, stage.parts.loadCore);
  const more = Array.from({ length: SAMPLES - 1 }, () => [culvert(), control.peer(CONTROLLED)]);
  const peers = [...stage.parts.peers, control.peer(CONTROLLED), ...more.flat()];
  try {
    await stage.withPeers(peers).withArms(topology, async (arms) => {
      const carriers = arms.filter(({ pids }) => pids.length > 0);
      stage.parts.say(`${stage.scenario}: waits until every arm is idle`);
      await pause(SETTLE_MS);
      stage.sampleMemory('idle', carriers);
      const each = firstOfEachName(carriers);
      const loaded = stage.paced({ rounds: LOADED_ROUNDS, blockMs: LOADED_BLOCK_MS });
      await loaded.measure('loaded', each, LOADED, { memory: 'during' });
      stage.parts.say(`${stage.scenario}: waits until every arm is idle again`);
      await pause(SETTLE_MS);
      stage.sampleMemory('15 s after', each);
    });
  } finally {
    await control.stop();
  }
}

const firstOfEachName = (arms: readonly Arm[]): readonly Arm[] => [
  ...new Map(arms.toReversed().map((arm) => [arm.name, arm])).values(),
];
