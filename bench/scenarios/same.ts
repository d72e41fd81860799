/** The sidecar against itself: how far chance alone carries a comparison of this run. */
import { culvert } from '../peers/culvert.ts';
import { AUTHORITY, type Stage } from '../run/stage.ts';
import { smallestVisible } from '../stats/visible.ts';
import { REPORT_LEVEL } from '../run/ledger.ts';
import { KEEP_ALIVE } from './http1.ts';
import type { Scenario } from './scenario.ts';

const ONE = 'culvert';
const OTHER = 'culvert-again';

/** Runs first: what it cannot tell apart, no other comparison of the run can. */
export const SAME: Scenario = {
  name: 'same',
  about: 'Two sidecars of the same tree: the smallest difference this run can see.',
  always: true,
  quick: false,
  seconds: 30,
  quickSeconds: 20,
  run,
};

async function run(stage: Stage): Promise<void> {
  const { backends, ledger } = stage.parts;
  const pair = stage.withPeers([culvert(), culvert({ name: OTHER })]);
  const topology = {
    direction: 'inbound',
    hops: 1,
    backends: backends.slice(0, 1),
    authority: AUTHORITY,
    threads: 1,
  } as const;
  await pair.withArms(topology, async (arms) => {
    await pair.warm(arms, KEEP_ALIVE);
    await pair.measure('saturation', arms, KEEP_ALIVE);
  });
  const rounds = (arm: string): readonly number[] =>
    ledger.rounds(stage.place('saturation', arm), 'cpuUsPerRequest');
  const visible = smallestVisible(rounds(ONE), rounds(OTHER), REPORT_LEVEL);
  if (visible === undefined) return;
  const { high, low } = visible.same;
  if (low > 1 || high < 1) {
    ledger.notes.push(
      'A/A: the interval does not hold 1: do not trust the comparisons of this run.',
    );
  }
  const percent = ((visible.ratio - 1) * 100).toFixed(1);
  ledger.notes.push(
    `A/A: with its ${visible.same.pairs} rounds this run can see differences in CPU per request from ${percent} % (95 % interval).`,
  );
}
