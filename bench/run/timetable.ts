/** How far a run has come: its parts take about the seconds they say. */
import { Progress, type ProgressOutput } from '../report/progress.ts';

/** Tells people who wait what runs, and how long it will. */
export class Timetable {
  readonly #progress: Progress;
  #partMs = 0;
  #partStartedMs = 0;
  #toldMs = 0;

  /** `seconds`: how long the parts will take together. */
  constructor(output: ProgressOutput, seconds: number) {
    this.#progress = new Progress(output, seconds * 1_000, () => performance.now());
  }

  /** Runs one part; what it says meanwhile is shown. */
  async part(seconds: number, run: () => Promise<void>): Promise<void> {
    this.#partMs = seconds * 1_000;
    this.#partStartedMs = performance.now();
    this.#toldMs = 0;
    await run();
    this.#advanceTo(this.#partMs);
  }

  /** What runs now. */
  readonly say = (what: string): void => {
    this.#progress.say(what);
    this.#advanceTo(Math.min(this.#partMs, performance.now() - this.#partStartedMs));
  };

  end(): void {
    this.#progress.end();
  }

  #advanceTo(ms: number): void {
    if (ms <= this.#toldMs) return;
    this.#progress.advance(ms - this.#toldMs);
    this.#toldMs = ms;
  }
}
