import { describeExit } from './child.ts';
import type { Child, Exit } from './child.ts';
import type { Clock } from './clock.ts';
import { RestartBackoff } from './restart-backoff.ts';

/** What the supervisor needs of a run of the program. */
export type Run = Pick<Child, 'pid' | 'exited' | 'signal'>;

/** What to keep running, and whom to tell. */
export interface SupervisedProgramOptions {
  /** For sentences: `orders-1: "node orders.ts"`. */
  readonly name: string;
  readonly start: () => Run;
  readonly clock: Clock;
  /** The program has just ended, unasked. */
  readonly onDown: () => void;
  /** A sentence for the user about an end that nobody asked for. */
  readonly onTrouble: (sentence: string) => void;
}

/** Keeps one program running until `stop`: what ends is started again after a growing delay. */
export class SupervisedProgram {
  readonly #options: SupervisedProgramOptions;
  readonly #backoff = new RestartBackoff();
  #run: Run | undefined;
  #cancelRestart: (() => void) | undefined;
  #stopped = false;

  constructor(options: SupervisedProgramOptions) {
    this.#options = options;
  }

  /** The process that runs now. */
  get pid(): number | undefined {
    return this.#run?.pid;
  }

  start(): void {
    if (!this.#stopped) void this.#runOnce();
  }

  /** Ends the program for good; the caller awaits `exited`. */
  stop(signal: NodeJS.Signals): void {
    this.#stopped = true;
    this.#cancelRestart?.();
    this.#run?.signal(signal);
  }

  /** Resolves when the run of now, if any, has ended. */
  async exited(): Promise<void> {
    await this.#run?.exited;
  }

  async #runOnce(): Promise<void> {
    const { clock, start } = this.#options;
    const startedMs = clock.nowMs();
    this.#run = start();
    const exit = await this.#run.exited;
    this.#run = undefined;
    if (!this.#stopped) this.#restart(exit, clock.nowMs() - startedMs);
  }

  #restart(exit: Exit, upMs: number): void {
    const { name, clock, onDown, onTrouble } = this.#options;
    const delayMs = this.#backoff.next(upMs);
    const up = (upMs / 1_000).toFixed(1);
    onTrouble(
      `${name} ${describeExit(exit)} after ${up} s; it starts again in ${delayMs / 1_000} s`,
    );
    onDown();
    this.#cancelRestart = clock.schedule(delayMs, () => this.start());
  }
}
