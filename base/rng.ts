/**
 * Seeded random numbers: whoever chooses at random is given one, so that a run can be replayed.
 * The generator is xorshift32 (Marsaglia 2003): small, fast, not for secrets.
 */
export class Rng {
  #state: number;

  /** `seed` may be any integer. */
  constructor(seed: number) {
    // Zero is the one state that xorshift never leaves.
    this.#state = seed | 0 || 0x9e3779b9;
  }

  /** Uniform integer from 0 to `below` - 1; `below` is 1 to 2^31. */
  integer(below: number): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) % below;
  }
}
