/** The child's side of bench/load/line-process.ts: plans in, replies out. */
import { createInterface } from 'node:readline';
import { planProblem, type LoadPlan, type LoadReply, type LoadResult } from './plan.ts';

/** Answers each plan on stdin until it ends; `run` throws with a sentence what it cannot do. */
export async function answerPlans(
  run: (plan: LoadPlan) => LoadResult | Promise<LoadResult>,
): Promise<void> {
  say({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    say(await reply(line, run));
  }
}

async function reply(
  line: string,
  run: (plan: LoadPlan) => LoadResult | Promise<LoadResult>,
): Promise<LoadReply> {
  try {
    const plan = JSON.parse(line) as LoadPlan;
    const problem = planProblem(plan);
    return problem === undefined ? { result: await run(plan) } : { error: `bad plan: ${problem}` };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

const say = (message: LoadReply | { readonly ready: true }): void =>
  void process.stdout.write(`${JSON.stringify(message)}\n`);
