/**
 * Records the sidecars of a bench scenario while it loads them. The scenario runs as it does in the
 * bench, with us alone; where it would measure the phase that is wanted, it is recorded instead, and
 * the scenario ends there.
 */
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { commitName } from '../../bench/figures/machine.ts';
import type { LoadPlan, LoadResult } from '../../bench/load/plan.ts';
import type { Arm } from '../../bench/peers/peer.ts';
import { culvert } from '../../bench/peers/culvert.ts';
import { whyVoid } from '../../bench/run/block.ts';
import { PROXY_CORE, whyNoBench, withBench } from '../../bench/run/bench.ts';
import { type PhaseTaker, Stage } from '../../bench/run/stage.ts';
import type { Scenario } from '../../bench/scenarios/scenario.ts';
import { DISTURBED, type Fact, type Recording, type ThreadRecording } from '../recording.ts';
import { machineFacts } from './facts.ts';
import { type Wish, recordSidecars } from './sidecar.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Load before the recording: every connection is there, the compilers and the first trim are done. */
const WARM_MS = 4_000;
/** The load outlasts the recording. */
const MARGIN_MS = 1_500;
/** Of arms of one scenario, the one that shows what it is about. */
const ARMS: Readonly<Record<string, string>> = { 'mesh-pair/http2': 'culvert-http2' };
const ARM_DEFAULT = 'culvert';

/** What is to be recorded, of a scenario. */
export interface ScenarioWish extends Wish {
  /** As the bench calls it: "saturation", "5000 rps"; undefined: the first. */
  readonly phase: string | undefined;
  /** Which of the sidecars that the scenario compares; undefined: the usual one. */
  readonly arm: string | undefined;
  /** At most so many recordings, until one is undisturbed. */
  readonly tries: number;
}

/** Rejects with a sentence when the scenario has no such phase or arm, or cannot run here. */
export async function recordScenario(
  scenario: Scenario,
  wish: ScenarioWish,
  say: (what: string) => void,
): Promise<Recording> {
  const cannot = whyNoBench(availableParallelism());
  if (cannot !== undefined) throw new Error(cannot);
  const pace = { rounds: 1, blockMs: 1_000, warmupMs: 0 };
  const options = { peers: [culvert()], pace, quick: false, gate: false, seed: 1, say };
  return withBench(options, async (parts) => {
    const phases: string[] = [];
    const run = (plan: LoadPlan): Promise<LoadResult> => parts.generator.run(plan);
    const take: PhaseTaker = async (phase, arms, planOf) => {
      phases.push(phase);
      if (wish.phase !== undefined && wish.phase !== phase) return;
      const arm = chosen(arms, scenario.name, wish);
      say(`records ${scenario.name}, ${phase}: ${arm.name}, ${wish.seconds} s of ${wish.kind}`);
      const recorded = await recordUnder(run, planOf(arm), arm, wish);
      if (recorded.disturbed !== undefined) say(`disturbed by ${recorded.disturbed}`);
      throw new Done(recordingOf(recorded, [scenario.name, phase, arm.name], wish));
    };
    try {
      await scenario.run(new Stage(scenario.name, { ...parts, take }));
    } catch (error) {
      if (error instanceof Done) return error.recording;
      throw error;
    }
    const skipped = parts.ledger.skipped.map(({ what, why }) => `${what}: ${why}`);
    throw new Error(whyNone(scenario.name, wish.phase, phases, skipped));
  });
}

/** What one try found. */
interface Recorded {
  readonly threads: readonly ThreadRecording[];
  readonly requestsPerSecond: number;
  readonly errors: readonly (readonly [what: string, count: number])[];
  /** What else worked on the proxy's core, or took the machine away. */
  readonly disturbed: string | undefined;
}

/** Ends a scenario from within: what it started it stops on its way out. */
class Done extends Error {
  readonly recording: Recording;

  constructor(recording: Recording) {
    super('recorded');
    this.recording = recording;
  }
}

function chosen(arms: readonly Arm[], scenario: string, { arm: wanted }: ScenarioWish): Arm {
  const name = wanted ?? ARMS[scenario] ?? ARM_DEFAULT;
  const ours = arms.filter(({ admins }) => admins.length > 0);
  const found = ours.find((one) => one.name === name);
  if (found !== undefined) return found;
  throw new Error(
    `${scenario} has no arm "${name}"; there are ${ours.map((one) => one.name).join(', ')}`,
  );
}

/** Repeats what the machine disturbed; the last try counts, and says so. */
async function recordUnder(
  run: (plan: LoadPlan) => Promise<LoadResult>,
  plan: LoadPlan,
  arm: Arm,
  wish: ScenarioWish,
): Promise<Recorded> {
  for (let tries = 1; ; tries++) {
    const recorded = await recordOnce(run, plan, arm, wish);
    if (recorded.disturbed === undefined || tries >= wish.tries) return recorded;
  }
}

async function recordOnce(
  run: (plan: LoadPlan) => Promise<LoadResult>,
  plan: LoadPlan,
  arm: Arm,
  wish: ScenarioWish,
): Promise<Recorded> {
  const durationMs = WARM_MS + wish.seconds * 1_000 + MARGIN_MS;
  const loaded = run({ ...plan, warmupMs: 0, durationMs });
  // Handled below; until then it must not be nobody's.
  loaded.catch(() => undefined);
  const recorded = pause(WARM_MS).then(() => recordSidecars(arm.admins, wish));
  const [result, threads] = await Promise.all([loaded, recorded]);
  return {
    threads,
    // Steady, so that as many fell into each second of the recording.
    requestsPerSecond: result.completed / (result.wallUs / 1e6),
    errors: Object.entries(result.errors).filter(([, count]) => count > 0),
    disturbed: whyVoid([{ ...result, late: undefined }], PROXY_CORE),
  };
}

/** What came of it, as facts and a title say it. */
function recordingOf(
  { disturbed, errors, requestsPerSecond, threads }: Recorded,
  [scenario, phase, arm]: readonly [string, string, string],
  { kind, seconds }: Wish,
): Recording {
  return {
    title: `${scenario}, ${phase}: ${kind}`,
    kind,
    facts: [
      ['scenario', scenario],
      ['phase', phase],
      ['arm', arm],
      ['recorded', `${seconds} s at ${Math.round(requestsPerSecond)} requests a second`],
      ...errors.map(([what, count]): Fact => [`errors: ${what}`, String(count)]),
      ...(disturbed === undefined ? [] : [[DISTURBED, disturbed] satisfies Fact]),
      ...machineFacts(commitName(ROOT)),
    ],
    requests: requestsPerSecond * seconds,
    per: 'recording',
    seconds,
    compared: false,
    threads,
  };
}

function whyNone(
  scenario: string,
  wanted: string | undefined,
  phases: readonly string[],
  skipped: readonly string[],
): string {
  if (wanted !== undefined && phases.length > 0) {
    return `${scenario} has no phase "${wanted}"; there are ${phases.join(', ')}`;
  }
  if (skipped.length > 0) return `${scenario} was left out: ${skipped.join('; ')}`;
  return `${scenario} sends no load of its own that could be recorded`;
}
