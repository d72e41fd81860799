/**
 * The load generator as the bench sees it: a process of its own, pinned to a core, that runs plans
 * one after the other and stays warm between them. Linux only (bench/load/libc.ts).
 */
import { LineProcess } from './line-process.ts';
import {
  DRAIN_MS,
  PRIME_MS,
  planProblem,
  type LoadPlan,
  type LoadReply,
  type LoadResult,
} from './plan.ts';

/** A run takes its own phases and no more than this. */
const SLACK_MS = 10_000;

/** A generator's process, from `start` to `stop`. */
export class Generator {
  readonly #process: LineProcess;

  private constructor(process: LineProcess) {
    this.#process = process;
  }

  /**
   * Starts one on `core` (undefined: on all). Rejects with what the process said when it cannot.
   * `prefix`: what becomes its process, as `ip netns exec NAME`.
   */
  static async start(core: number | undefined, prefix: readonly string[] = []): Promise<Generator> {
    if (process.platform !== 'linux') {
      throw new Error(`the load generator needs Linux (epoll), this is ${process.platform}`);
    }
    return new Generator((await LineProcess.start('bench/load/main.ts', core, prefix))[0]);
  }

  get pid(): number {
    return this.#process.pid;
  }

  /**
   * Runs `plan`. Rejects with a sentence when the plan is bad, the server does not answer, a
   * watched process is gone, or the generator died or hung (then start another one).
   */
  async run(plan: LoadPlan): Promise<LoadResult> {
    return runOn(this.#process, plan);
  }

  /** Ends the process, in the middle of a run too. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

/** Gives `plan` to a process that answers plans with LoadReply lines. */
export async function runOn(process: LineProcess, plan: LoadPlan): Promise<LoadResult> {
  const problem = planProblem(plan);
  if (problem !== undefined) throw new Error(`bad plan: ${problem}`);
  const deadlineMs = PRIME_MS + plan.warmupMs + plan.durationMs + DRAIN_MS + SLACK_MS;
  const reply = JSON.parse(await process.ask(JSON.stringify(plan), deadlineMs)) as LoadReply;
  if ('error' in reply) throw new Error(reply.error);
  return reply.result;
}
