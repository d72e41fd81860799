/** Thousands of connections that do nothing, and a few that work. */
import type { Topology } from '../peers/peer.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
import { KEEP_ALIVE } from './http1.ts';
import type { Scenario } from './scenario.ts';

const IDLE = 5_000;
const RATE = 1_000;
const LOAD: Load = {
  ...KEEP_ALIVE,
  idleConnections: IDLE,
  arrival: { kind: 'poisson', perSecond: RATE },
};

/** What tells one scenario of idle connections from the next. */
interface Idle {
  readonly name: string;
  readonly about: string;
  readonly topologyOf: (stage: Stage) => Topology;
}

/** Each idle connection asked once; their cost is memory, and what they do to the others. */
export const idleScenario = ({ about, name, topologyOf }: Idle): Scenario => ({
  name,
  about,
  quick: false,
  seconds: 80,
  run: (stage) => run(stage, topologyOf(stage)),
});

/** Of HTTP/1.1. */
export const MANY_IDLE_CONNECTIONS: Scenario = idleScenario({
  name: 'many-idle-connections',
  about: '5,000 connections that asked once and stay, while others send 1,000 requests a second.',
  topologyOf: (stage) => ({
    direction: 'inbound',
    hops: 1,
    backends: stage.parts.backends.slice(0, 1),
    authority: AUTHORITY,
    threads: 1,
  }),
});

async function run(stage: Stage, topology: Topology): Promise<void> {
  await stage.withArms(topology, async (arms) => {
    const paced = stage.paced({ rounds: 6, blockMs: 1_500 });
    const carriers = arms.filter(({ pids }) => pids.length > 0);
    await paced.warm(arms, KEEP_ALIVE);
    paced.sampleMemory('none idle', carriers);
    await paced.measure(`${IDLE} idle`, arms, LOAD, { memory: 'during' });
    for (const { name } of carriers) noteEach(stage, name);
  });
}

/** Kilobytes that each idle connection holds, by anonymous memory. */
function noteEach(stage: Stage, arm: string): void {
  const { ledger } = stage.parts;
  const [before = Number.NaN] = ledger.rounds(stage.place('none idle', arm), 'rssAnonKb');
  const during = ledger.rounds(stage.place(`${IDLE} idle`, arm), 'rssAnonKb');
  const each = during.filter(Number.isFinite).map((kb) => (kb - before) / IDLE);
  ledger.add(stage.place(`${IDLE} idle`, arm), 'kbPerIdleConnection', each);
}
