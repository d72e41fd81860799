/** How far a run of known length has come, on stderr: people wait for minutes. */
import { span } from './format.ts';

/** Between two lines where no line can be rewritten, as in a CI log. */
const LINE_EVERY_MS = 15_000;
const COLUMNS_DEFAULT = 80;
const CLEAR_LINE = '\r\u001B[2K';
/** Before so much of the whole is done, the rest cannot be told from it. */
const SHARE_MIN = 0.02;

/** Where progress is written: process.stderr, or what stands for it. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/**
 * On a terminal one line that is rewritten; elsewhere a line each 15 s. It has no timer: it speaks
 * when it is told something.
 */
export class Progress {
  readonly #output: ProgressOutput;
  readonly #nowMs: () => number;
  readonly #all: number;
  readonly #startedMs: number;
  #done = 0;
  #what = '';
  #saidMs = Number.NEGATIVE_INFINITY;

  /** `all` is the length of the run in any unit: blocks, or milliseconds. */
  constructor(output: ProgressOutput, all: number, nowMs: () => number) {
    this.#output = output;
    this.#nowMs = nowMs;
    this.#all = all;
    this.#startedMs = nowMs();
  }

  /** What runs from now on. */
  say(what: string): void {
    this.#what = what;
    this.#tell();
  }

  /** So much more of the run is done; more than all counts as all. */
  advance(by = 1): void {
    this.#done = Math.min(this.#all, this.#done + by);
    this.#tell();
  }

  /** Takes the line away, so that what follows begins at the margin. */
  end(): void {
    if (this.#output.isTTY === true) this.#output.write(CLEAR_LINE);
  }

  #tell(): void {
    const nowMs = this.#nowMs();
    if (this.#output.isTTY === true) {
      // The last column stays free: a full line would wrap.
      const width = (this.#output.columns ?? COLUMNS_DEFAULT) - 1;
      this.#output.write(`${CLEAR_LINE}${this.#line(nowMs).slice(0, width)}`);
    } else if (nowMs - this.#saidMs >= LINE_EVERY_MS) {
      this.#saidMs = nowMs;
      this.#output.write(`${this.#line(nowMs)}\n`);
    }
  }

  #line(nowMs: number): string {
    const share = this.#all > 0 ? this.#done / this.#all : 1;
    const elapsedMs = nowMs - this.#startedMs;
    const left = share < SHARE_MIN ? '' : `, ${span((elapsedMs * (1 - share)) / share)} left`;
    return `${Math.floor(share * 100)} % (${span(elapsedMs)}${left})  ${this.#what}`;
  }
}
