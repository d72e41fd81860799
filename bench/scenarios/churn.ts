/** Endpoints come and go each second: what that costs the requests in between. */
import { startControlPlane } from '../peers/controlled.ts';
import { AUTHORITY, type Stage } from '../run/stage.ts';
import { KEEP_ALIVE } from './http1.ts';
import type { Scenario } from './scenario.ts';

const CHANGE_EVERY_MS = 1_000;
const RATE = 2_000;
/** Long against a change. */
const BLOCK_MS = 3_000;

/** The peers have no control plane here: Culvert is compared with itself left alone. */
export const CHURN: Scenario = {
  name: 'churn',
  about: 'Three replicas, one of which leaves or returns each second; against the same left alone.',
  quick: false,
  seconds: 75,
  run,
};

async function run(stage: Stage): Promise<void> {
  const { backends: all, loadCore } = stage.parts;
  const backends = all.slice(0, 3);
  const still = await startControlPlane(AUTHORITY, backends, loadCore);
  const moving = await startControlPlane(AUTHORITY, backends, loadCore);
  let changes = 0;
  const timer = setInterval(() => {
    const away = changes++ % (2 * backends.length);
    moving.publish(away % 2 === 1 ? backends : backends.filter((_, i) => i !== away / 2));
  }, CHANGE_EVERY_MS);
  try {
    const topology = {
      direction: 'outbound',
      hops: 1,
      backends,
      authority: AUTHORITY,
      threads: 1,
    } as const;
    const paced = stage
      .paced({ blockMs: BLOCK_MS })
      .withPeers([still.peer('culvert-still'), moving.peer('culvert')]);
    await paced.withArms(topology, async (arms) => {
      await paced.warm(arms, KEEP_ALIVE);
      await paced.measure(`${RATE} rps`, arms, {
        ...KEEP_ALIVE,
        arrival: { kind: 'poisson', perSecond: RATE },
      });
    });
    const taken = await moving.updatesTaken();
    // Else two sidecars were compared that were left alone both.
    if (taken < changes / 2) throw new Error(`the sidecar took ${taken} of ${changes} changes`);
    const note = `${stage.scenario}: the endpoints changed ${changes} times; updates taken: ${taken}.`;
    stage.parts.ledger.notes.push(note);
  } finally {
    clearInterval(timer);
    await Promise.all([still.stop(), moving.stop()]);
  }
}
