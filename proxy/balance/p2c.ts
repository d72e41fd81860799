/**
 * Power of two choices (Mitzenmacher 2001): of two endpoints drawn at random, the one with fewer
 * attempts under way.
 */
import type { Rng } from '../../base/rng.ts';
import type { Picker } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';

/** A picker over `ready`, the endpoints that may be used; the list does not change. */
export function p2cPicker(ready: readonly Endpoint[], rng: Rng): Picker {
  return new P2cPicker(ready, rng);
}

class P2cPicker implements Picker {
  readonly #ready: readonly Endpoint[];
  readonly #rng: Rng;

  constructor(ready: readonly Endpoint[], rng: Rng) {
    this.#ready = ready;
    this.#rng = rng;
  }

  // HOT: per exchange.
  pick(tried: readonly Endpoint[]): Endpoint | undefined {
    const ready =
      tried.length === 0
        ? this.#ready
        : this.#ready.filter((endpoint) => !tried.includes(endpoint));
    const count = ready.length;
    if (count < 2) return ready[0];
    const first = this.#rng.integer(count);
    // A different one, without drawing again.
    const second = (first + 1 + this.#rng.integer(count - 1)) % count;
    const a = ready[first];
    const b = ready[second];
    return a !== undefined && b !== undefined && b.pending < a.pending ? b : a;
  }
}
