/** When requests fall due, and which one: seeded, so that a run can be repeated. */
import { Rng } from '../../base/rng.ts';
import type { Arrival, RequestShape } from './plan.ts';

/** Moments of an open loop, microseconds from its start, ascending; the first is the first gap. */
export interface Schedule {
  /** The next moment. */
  next(): number;
}

/** 2^31: what base/rng.ts draws from at most. */
const DRAWS = 2 ** 31;

class FixedSchedule implements Schedule {
  readonly #gapUs: number;
  #drawn = 0;

  constructor(perSecond: number) {
    this.#gapUs = 1e6 / perSecond;
  }

  next(): number {
    // A product, not a sum: no error adds up. The half puts as many into each second.
    return (this.#drawn++ + 0.5) * this.#gapUs;
  }
}

/** Gaps of an exponential distribution: arrivals that know nothing of each other. */
class PoissonSchedule implements Schedule {
  readonly #gapUs: number;
  readonly #rng: Rng;
  #atUs = 0;

  constructor(perSecond: number, rng: Rng) {
    this.#gapUs = 1e6 / perSecond;
    this.#rng = rng;
  }

  next(): number {
    // The half keeps the logarithm finite.
    this.#atUs -= Math.log((this.#rng.integer(DRAWS) + 0.5) / DRAWS) * this.#gapUs;
    return this.#atUs;
  }
}

/** The schedule of an open loop; undefined for a closed one, which has none. */
export function createSchedule(arrival: Arrival, seed: number): Schedule | undefined {
  if (arrival.kind === 'closed') return undefined;
  if (arrival.kind === 'fixed') return new FixedSchedule(arrival.perSecond);
  return new PoissonSchedule(arrival.perSecond, new Rng(seed));
}

/** Chooses among shapes by their weights. */
export class ShapePicker {
  readonly #rng: Rng;
  readonly #bounds: readonly number[];
  readonly #total: number;

  constructor(requests: readonly Pick<RequestShape, 'weight'>[], seed: number) {
    this.#rng = new Rng(seed);
    let total = 0;
    this.#bounds = requests.map(({ weight }) => (total += weight));
    this.#total = total;
  }

  /** Index of the next request's shape. */
  next(): number {
    if (this.#bounds.length === 1) return 0;
    const drawn = this.#rng.integer(this.#total);
    let shape = 0;
    while (drawn >= (this.#bounds[shape] ?? Infinity)) shape++;
    return shape;
  }
}
