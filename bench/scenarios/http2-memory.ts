/** What a proxy occupies under HTTP/2: idle, loaded, and with connections that do nothing. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Load, Stage } from '../run/stage.ts';
import { MULTIPLEX, withHttp2 } from './http2.ts';
import type { Scenario } from './scenario.ts';

/** By then what a sidecar does after its start is done. */
const SETTLE_MS = 10_000;
const LOADED: Load = { ...MULTIPLEX, arrival: { kind: 'poisson', perSecond: 10_000 } };
const LOADED_BLOCK_MS = 2_500;
const LOADED_ROUNDS = 5;
const IDLE = 2_000;
const HELD: Load = {
  ...MULTIPLEX,
  idleConnections: IDLE,
  arrival: { kind: 'poisson', perSecond: 1_000 },
};

/** Streams that wait for an answer are held by `npm run prove -- http2-memory`. */
export const HTTP2_MEMORY: Scenario = {
  name: 'http2-memory',
  about: 'Resident memory under HTTP/2: idle, at 10,000 requests a second, per idle connection.',
  quick: false,
  seconds: 95,
  run: (stage) =>
    withHttp2(stage, { direction: 'inbound', backends: 1 }, (more, topology) =>
      more.withArms(topology, async (arms) => {
        const carriers = arms.filter(({ pids }) => pids.length > 0);
        more.parts.say(`${more.scenario}: waits until every arm is idle`);
        await pause(SETTLE_MS);
        more.sampleMemory('idle', carriers);
        const loaded = more.paced({ rounds: LOADED_ROUNDS, blockMs: LOADED_BLOCK_MS });
        await loaded.measure('loaded', carriers, LOADED, { memory: 'during' });
        more.sampleMemory('after', carriers);
        const held = more.paced({ rounds: 3, blockMs: 2_000 });
        await held.measure(`${IDLE} idle`, carriers, HELD, { memory: 'during' });
        for (const { name } of carriers) noteEach(more, name);
      }),
    ),
};

/** Kilobytes that each idle connection holds, by anonymous memory. */
function noteEach(stage: Stage, arm: string): void {
  const { ledger } = stage.parts;
  const [before = Number.NaN] = ledger.rounds(stage.place('after', arm), 'rssAnonKb');
  const during = ledger.rounds(stage.place(`${IDLE} idle`, arm), 'rssAnonKb');
  const most = Math.max(...during.filter(Number.isFinite));
  ledger.add(stage.place(`${IDLE} idle`, arm), 'kbPerIdleConnection', [(most - before) / IDLE]);
}
