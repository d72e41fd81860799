/**
 * The load generator shows the known delays of a server within 1 % and 1.5 ms, a stall in the p99 of
 * an open loop and not of a closed one, and says what it could not send, for 10 s a case (or the first
 * argument). On a machine that does nothing else.
 */
import { Generator } from '../../bench/load/generator.ts';
import { DelayServer } from '../../bench/load/server.ts';
import { knownDelays, quantilesMs, unexplained } from '../support/known-delays.ts';
import { loadPlan } from '../support/load-plan.ts';
import { argument, conclude, say } from '../support/proof.ts';

const SLACK_MS = 1.5;
/**
 * Runs of a case, of which one must hold: late or robbed ones are void, and what else runs here
 * delays the server's own timers, which only ever adds.
 */
const TRIES = 5;
const STEAL_MAX = 0.01;
const LOAD_CORE = 1;
const SERVER_CORE = 0;

const seconds = argument('seconds', 10);
const cases = knownDelays({ durationMs: seconds * 1e3, stallEveryMs: 5_000, perSecond: 500 });
const problems: string[] = [];
const rows: Record<string, string> = {};

await using generator = await Generator.start(LOAD_CORE);
await using server = await DelayServer.start(
  SERVER_CORE,
  cases.map(({ delay }) => delay),
);

for (const [i, known] of cases.entries()) {
  const to = server.addresses[i] ?? { host: '127.0.0.1', port: 0 };
  let why = '';
  for (let seed = 1; seed <= TRIES; seed++) {
    const result = await generator.run(loadPlan(to, { ...known.load, warmupMs: 1_000, seed }));
    const percentiles = quantilesMs(result.latencyUs, [0.5, 0.9, 0.99, 0.999]);
    const lateness = quantilesMs(result.latenessUs, [0.5, 0.99, 1]);
    rows[known.name] = `p50 p90 p99 p99.9 ${percentiles.join(' ')} ms`;
    say(`${known.name}: ${percentiles.join(' ')} ms, lateness p50 p99 max ${lateness.join(' ')}`);
    const isVoid = result.late !== undefined || result.steal > STEAL_MAX;
    why = isVoid
      ? (result.late ?? `steal ${result.steal}`)
      : unexplained(result, known, SLACK_MS).join('; ');
    if (why === '') break;
    say(`  ${isVoid ? 'void' : 'not as expected'}: ${why}`);
  }
  if (why !== '') problems.push(`${known.name}: ${why}`);
}

const [to = { host: '127.0.0.1', port: 0 }] = server.addresses;
const arrival = { kind: 'poisson', perSecond: 5_000 } as const;
const { errors } = await generator.run(loadPlan(to, { arrival, durationMs: 1_000 }));
const never = errors['never sent'] ?? 0;
rows['a rate that one connection cannot carry'] = `${never} requests never sent`;
if (never === 0) problems.push('a rate that cannot be reached was not noticed');

conclude(`generator, ${seconds} s a case`, rows, problems);
