/** A generator that is not ours, behind the shape of our own: a process that answers plans. */
import { runOn } from './generator.ts';
import { LineProcess } from './line-process.ts';
import type { LoadPlan, LoadResult } from './plan.ts';

/** What tells one such program from the next. */
export interface ForeignProgram {
  /** The file that answers its plans, from the repository's root. */
  readonly entry: string;
  /** What of a plan it cannot do, one sentence; undefined when it can be run. */
  readonly problem: (plan: LoadPlan) => string | undefined;
}

/** A process that runs one of them, from `start` to `stop`. */
export class ForeignLoader {
  readonly #program: ForeignProgram;
  readonly #process: LineProcess;

  private constructor(program: ForeignProgram, process: LineProcess) {
    this.#program = program;
    this.#process = process;
  }

  /** Starts one on `core` (undefined: on all). */
  static async start(program: ForeignProgram, core: number | undefined): Promise<ForeignLoader> {
    return new ForeignLoader(program, (await LineProcess.start(program.entry, core))[0]);
  }

  /** As Generator.run: rejects with a sentence. */
  async run(plan: LoadPlan): Promise<LoadResult> {
    const problem = this.#program.problem(plan);
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
