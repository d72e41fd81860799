/** Companions of CPU time that hardly vary: system calls and garbage per request, pauses, lag. */
import { carriedBetween, readSidecar } from '../figures/sidecar.ts';
import { SystemCallTrace, callsOf, missingTrace } from '../figures/system-calls.ts';
import type { Generator } from '../load/generator.ts';
import type { LoadPlan } from '../load/plan.ts';
import type { Skip } from '../model.ts';
import type { Arm } from '../peers/peer.ts';

const TRACED_MS = 300;
const WATCHED_MS = 400;

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
  // Its own figures first: a trace stops the process, and its timers with it.
  const own = await ownFigures(generator, plan, arm);
  const traced = await systemCalls(generator, plan, arm);
  if (typeof traced === 'number') {
    return { figures: { syscallsPerRequest: traced, ...own }, skipped: [] };
  }
  return { figures: own, skipped: [{ what: 'system calls', why: traced }] };
}

/** Per request, or why not. The trace holds the connections' first requests too: they count. */
async function systemCalls(
  generator: Pick<Generator, 'run'>,
  plan: LoadPlan,
  { pids }: Arm,
): Promise<number | string> {
  const why = missingTrace();
  if (why !== undefined) return why;
  let trace: SystemCallTrace;
  try {
    trace = await SystemCallTrace.attach(pids);
  } catch (error) {
    // A container may forbid it to root too.
    return error instanceof Error ? error.message : String(error);
  }
  const whole = { ...plan, warmupMs: 0, durationMs: TRACED_MS };
  const { answered } = await generator.run(whole).catch(async (error: unknown) => {
    await trace.detach();
    throw error;
  });
  const calls = callsOf(await trace.detach());
  // Answers that share a connection may leave together, no others: so many writes there were.
  const least = answered / (plan.streamsPerConnection ?? 1);
  return calls >= least ? calls / (answered + plan.connections) : 'strace wrote no whole table';
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
    gcPauseMsMax: spent.gcPauseMsMax,
    loopLagMsMax: spent.loopLagMsMax,
  };
}
