/**
 * The process of bench/load/h2load.ts: plans in, replies out, as bench/load/main.ts. Each plan is two
 * runs of h2load: the warm-up, and one that is counted whole, its connections' start included.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { formatSocketAddress } from '../../base/settings.ts';
import { answerPlans } from './answer-plans.ts';
import { readH2load } from './h2load-output.ts';
import { dieWithParent } from './libc.ts';
import type { LoadPlan, LoadResult, RequestShape } from './plan.ts';
import { readClocks, spentBetween } from './readings.ts';
import { Tally } from './tally.ts';

const run = promisify(execFile);

/** h2load asks for its list in turn: each shape as often as its weight. */
const inTurn = (authority: string, { path, weight }: RequestShape): readonly string[] =>
  Array.from({ length: weight }, () => `http://${authority}${path}`);

/** Runs h2load for `ms`; resolves to what it wrote. */
async function h2load(plan: LoadPlan, ms: number): Promise<string> {
  const { authority, connections, requests, streamsPerConnection = 1, to } = plan;
  const args = [
    '--clients',
    String(connections),
    '--max-concurrent-streams',
    String(streamsPerConnection),
    '--duration',
    `${ms}ms`,
    // The address that is dialled; the authority stays what the requests say.
    `--connect-to=${formatSocketAddress(to)}`,
    ...requests.flatMap((shape) => inTurn(authority, shape)),
  ];
  // Ends with us, in the middle of a run too.
  const { stdout } = await run('setpriv', ['--pdeathsig', 'KILL', 'h2load', ...args]);
  return stdout;
}

async function measure(plan: LoadPlan): Promise<LoadResult> {
  const { arrival, durationMs, to, warmupMs, watch } = plan;
  readClocks(watch);
  if (warmupMs > 0) await h2load(plan, warmupMs);
  const before = readClocks(watch);
  const startMs = performance.now();
  const output = await h2load(plan, durationMs);
  const wallUs = (performance.now() - startMs) * 1e3;
  const after = readClocks(watch);
  const { bytesReceived, byClass, lost } = readH2load(output);
  const answered = byClass['2xx'] + byClass['3xx'];
  if (answered + byClass['4xx'] + byClass['5xx'] === 0) {
    throw new Error(`${formatSocketAddress(to)} does not answer: ${output.trim().slice(-500)}`);
  }
  const tally = new Tally();
  tally.answered = answered;
  tally.completed = answered;
  tally.count('status 4xx', byClass['4xx']);
  tally.count('status 5xx', byClass['5xx']);
  for (const [reason, count] of Object.entries(lost)) tally.count(reason, count);
  const counted = tally.summarize(arrival);
  const sent = Object.values(counted.errors).reduce((sum, count) => sum + count, answered);
  const spent = spentBetween(before, after);
  return { ...counted, due: sent, sent, realTime: false, wallUs, bytesReceived, ...spent };
}

dieWithParent();
await answerPlans(measure);
