/** What a proxy occupies: started, idle, loaded, and after it. */
import { setTimeout as pause } from 'node:timers/promises';
import { startControlPlane } from '../peers/controlled.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
import { KEEP_ALIVE } from './http1.ts';
import type { Scenario } from './scenario.ts';

/** By then what a sidecar does after its start is done. */
const SETTLE_MS = 12_000;
const LOADED: Load = {
  ...KEEP_ALIVE,
  connections: 256,
  arrival: { kind: 'poisson', perSecond: 10_000 },
};
const LOADED_BLOCK_MS = 8_000;

/** Name of our arm that has a controller; "culvert" stands alone. */
export const CONTROLLED = 'culvert-controlled';

/** Outbound, stand-alone and with a controller. */
export const MEMORY: Scenario = {
  name: 'memory',
  about: 'Resident memory idle, with 256 connections at 10,000 requests a second, and after.',
  quick: false,
  gated: true,
  seconds: 60,
  run,
};

async function run(stage: Stage): Promise<void> {
  const backends = stage.parts.backends.slice(0, 2);
  const control = await startControlPlane(AUTHORITY, backends, stage.parts.loadCore);
  try {
    const topology = {
      direction: 'outbound',
      hops: 1,
      backends,
      authority: AUTHORITY,
      threads: 1,
    } as const;
    const all = stage.withPeers([...stage.parts.peers, control.peer(CONTROLLED)]);
    await all.withArms(topology, async (arms) => {
      const carriers = arms.filter(({ pids }) => pids.length > 0);
      all.sampleMemory('started', carriers);
      stage.parts.say(`${stage.scenario}: waits until every arm is idle`);
      await pause(SETTLE_MS);
      all.sampleMemory('idle', carriers);
      const loaded = all.paced({ rounds: 1, blockMs: LOADED_BLOCK_MS });
      await loaded.measure('loaded', carriers, LOADED, { memory: 'during' });
      await pause(SETTLE_MS);
      all.sampleMemory('after', carriers);
    });
  } finally {
    await control.stop();
  }
}
