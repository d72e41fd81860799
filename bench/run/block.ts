/**
 * A block: one short stretch of load on one arm, the unit of all statistics. A block that the
 * machine spoiled says nothing about the arm: it is void and repeated, and counted.
 */
import type { Generator } from '../load/generator.ts';
import type { LoadPlan, LoadResult } from '../load/plan.ts';

/** More than this share of the machine's time taken by others: the block is void. */
const STEAL_MAX = 0.01;
/** The same where latency counts: what is stolen from a hundredth of the requests is their p99. */
const STEAL_MAX_OPEN = 0.001;
/**
 * Share of the proxy's core that something else may take: what the kernel does for it is not
 * counted as its own, and ticks are coarse. Above it somebody works there.
 */
const OTHERS_MAX = 0.1;
/** Why blocks are void that the host took the machine from. */
export const STEAL = 'steal';
/** Tries of one block; then its round is lost for the arm. */
const TRIES = 4;

/** A block that counts, or undefined when every try was void; why tries were void. */
export interface Block {
  readonly result: LoadResult | undefined;
  readonly voided: readonly string[];
}

/** Runs `plan` until a try is valid. */
export async function runBlock(
  generator: Pick<Generator, 'run'>,
  plan: LoadPlan,
  proxyCore: number,
): Promise<Block> {
  const [block] = await runBlocks([generator], [plan], proxyCore);
  return block ?? { result: undefined, voided: [] };
}

/** Runs the plans at the same time, each on its generator, until all are valid in one try. */
export async function runBlocks(
  generators: readonly Pick<Generator, 'run'>[],
  plans: readonly LoadPlan[],
  proxyCore: number,
): Promise<readonly Block[]> {
  const voided: string[] = [];
  const open = plans.some(({ arrival }) => arrival.kind !== 'closed');
  const stealMax = open ? STEAL_MAX_OPEN : STEAL_MAX;
  for (let i = 0; i < TRIES; i++) {
    const results = await Promise.all(
      // Another seed each try: a schedule that was late once is not played again.
      generators.map((one, at) => one.run({ ...plans[at]!, seed: plans[at]!.seed + i * 7919 })),
    );
    const why = whyVoid(results, proxyCore, stealMax);
    if (why === undefined) return results.map((result) => ({ result, voided }));
    voided.push(why);
  }
  return plans.map(() => ({ result: undefined, voided }));
}

/** What spoiled a block, or blocks that shared their time; undefined when it is valid. */
export function whyVoid(
  results: readonly Pick<LoadResult, 'busy' | 'cpu' | 'late' | 'steal' | 'wallUs'>[],
  proxyCore: number,
  stealMax = STEAL_MAX,
): string | undefined {
  if (results.some(({ steal }) => steal > stealMax)) return STEAL;
  if (results.some(({ late }) => late !== undefined)) return 'late generator';
  const busy = Math.min(...results.map((one) => one.busy[proxyCore] ?? 0));
  const own = results.reduce((sum, { cpu, wallUs }) => sum + cpuUs(cpu) / wallUs, 0);
  return busy - own > OTHERS_MAX ? 'other programs' : undefined;
}

const cpuUs = (cpu: LoadResult['cpu']): number => cpu.reduce((sum, one) => sum + one.totalUs, 0);
