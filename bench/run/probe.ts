/** Companions of CPU time that hardly vary: system calls and garbage per request, pauses, lag. */
import { carriedBetween, readSidecar } from '../figures/sidecar.ts';
import { SystemCallTrace, callsOf, missingTrace } from '../figures/system-calls.ts';
import type { Generator } from '../load/generator.ts';
import type { LoadPlan } from '../load/plan.ts';
import type { Skip } from '../model.ts';
import type { Arm } from '../peers/peer.ts';

const TRACED_MS = 1_000;
const WATCHED_MS = 3_000;

/** What a probe found of one arm; names as in Figure. */
export interface Probe {
  readonly figures: Readonly<Record<string, number>>;
  readonly skipped: readonly Skip[];
}

/** Loads `arm` as `plan` says, once while it is traced and once while its own metrics are read. */
export async function probe(
  generator: Pick<Generator, 'run'>,
  plan: LoadPlan,
  arm: Arm,
): Promise<Probe> {
  const why = missingTrace();
  const traced =
    why === undefined ? { syscallsPerRequest: await systemCalls(generator, plan, arm) } : {};
  const skipped = why === undefined ? [] : [{ what: 'system calls', why }];
  return { figures: { ...traced, ...(await ownFigures(generator, plan, arm)) }, skipped };
}

/** The trace holds the connections' first requests too; they are counted as well. */
async function systemCalls(
  generator: Pick<Generator, 'run'>,
  plan: LoadPlan,
  { pids }: Arm,
): Promise<number> {
  const trace = await SystemCallTrace.attach(pids);
  const whole = { ...plan, warmupMs: 0, durationMs: TRACED_MS };
  const { answered } = await generator.run(whole).catch(async (error: unknown) => {
    await trace.detach();
    throw error;
  });
  return callsOf(await trace.detach()) / (answered + plan.connections);
}

async function ownFigures(
  generator: Pick<Generator, 'run'>,
  plan: LoadPlan,
  { admins }: Arm,
): Promise<Readonly<Record<string, number>>> {
  if (admins.length === 0) return {};
  const before = await Promise.all(admins.map(readSidecar));
  const whole = { ...plan, warmupMs: 0, durationMs: WATCHED_MS };
  const { answered } = await generator.run(whole);
  const after = await Promise.all(admins.map(readSidecar));
  const spent = carriedBetween(before, after);
  const perRequest = 1 / (answered + plan.connections);
  return {
    garbageBytesPerRequest: spent.allocatedBytes * perRequest,
    gcPausesPerSecond: spent.gcPauses / (WATCHED_MS / 1_000),
    gcPauseMsMean: spent.gcPauseMs / spent.gcPauses,
    loopLagMsMax: spent.loopLagMsMax,
  };
}
