/**
 * A closed loop by autocannon behind the shape of our own generator: a second opinion on how many
 * requests a server answers and on its errors, by code that is not ours. It costs several times the
 * CPU of our generator a request, so where both share a core with the backend its rate says more
 * about itself than about the server, and its latencies are a closed loop's, its own queueing
 * included: good for counts and rates between arms of one run, not for percentiles.
 */
import { runOn } from './generator.ts';
import { LineProcess } from './line-process.ts';
import type { LoadPlan, LoadResult } from './plan.ts';

/** What of a plan autocannon cannot do, one sentence; undefined when it can be run. */
export function autocannonProblem(plan: LoadPlan): string | undefined {
  if (plan.arrival.kind !== 'closed') return 'autocannon only drives closed loops here';
  if (plan.idleConnections > 0) return 'autocannon holds no idle connections';
  if (plan.connectionPerRequest) {
    return 'autocannon does not report the answers of connections that it ends';
  }
  if (plan.requests.some(({ answerBytes }) => answerBytes !== undefined)) {
    return 'autocannon checks no length of answers: leave answerBytes out';
  }
  return undefined;
}

/** A process that runs autocannon, from `start` to `stop`. */
export class Autocannon {
  readonly #process: LineProcess;

  private constructor(process: LineProcess) {
    this.#process = process;
  }

  /** Starts one on `core` (undefined: on all). */
  static async start(core: number | undefined): Promise<Autocannon> {
    return new Autocannon((await LineProcess.start('bench/load/autocannon-main.ts', core))[0]);
  }

  /** As Generator.run: rejects with a sentence. */
  async run(plan: LoadPlan): Promise<LoadResult> {
    const problem = autocannonProblem(plan);
    if (problem !== undefined) throw new Error(`bad plan: ${problem}`);
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
