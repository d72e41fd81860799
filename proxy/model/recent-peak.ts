/** The highest of the values noted in the last one to two periods. */
export class RecentPeak {
  readonly #period: number;
  #since = 0;
  #current = 0;
  #previous = 0;

  /** `period`: in the unit of the times that are given. */
  constructor(period: number) {
    this.#period = period;
  }

  // HOT: per exchange. Notes `value` at `now`, which never goes back, and returns the peak.
  note(value: number, now: number): number {
    const passed = now - this.#since;
    if (passed >= this.#period) {
      this.#previous = passed < 2 * this.#period ? this.#current : 0;
      this.#current = 0;
      this.#since = now;
    }
    if (value > this.#current) this.#current = value;
    return this.#current > this.#previous ? this.#current : this.#previous;
  }
}
