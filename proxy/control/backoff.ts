/** Delays between attempts to reach the controller: 100 ms to 10 s, doubling, with jitter. */

const MIN_MS = 100;
const MAX_MS = 10_000;

export class Backoff {
  readonly #random: () => number;
  #ceilingMs = MIN_MS;

  /** `random` gives numbers from 0 to below 1. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** Milliseconds to wait now: half to all of the current step, so that proxies spread out. */
  next(): number {
    const ceiling = this.#ceilingMs;
    this.#ceilingMs = Math.min(MAX_MS, ceiling * 2);
    return Math.round(ceiling / 2 + (this.#random() * ceiling) / 2);
  }

  /** The peer was reached. */
  reset(): void {
    this.#ceilingMs = MIN_MS;
  }
}
