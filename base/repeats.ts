/** What happens again and again, and is to be said now and then, with how often it happened. */

const KEYS_MAX = 256;

/** Happenings by key. */
export class Repeats {
  readonly #everyMs: number;
  readonly #held = new Map<string, { nextMs: number; times: number }>();

  /** `everyMs`: each key is said at most once in so long. */
  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** It has happened `times` times: how often it has since it was said, to say so now, or 0: not now. */
  next(key: string, nowMs: number, times = 1): number {
    const held = this.#held.get(key);
    const all = (held?.times ?? 0) + times;
    if (held !== undefined && nowMs < held.nextMs) {
      held.times = all;
      return 0;
    }
    if (held === undefined && this.#held.size >= KEYS_MAX) this.#held.clear();
    this.#held.set(key, { nextMs: nowMs + this.#everyMs, times: 0 });
    return all;
  }
}
