/**
 * Finds the slots of a dynamic table by a hash: a chain for each of the hash's low bits, newest
 * slot first. The oldest entry is the last of its chain, and only it is ever removed.
 */
const NONE = -1;

/** For at most `slots` entries, a power of two. */
export class SlotIndex {
  readonly #first: Int16Array;
  readonly #next: Int16Array;
  readonly #hashes: Int32Array;
  readonly #mask: number;

  constructor(slots: number) {
    this.#first = new Int16Array(slots).fill(NONE);
    this.#next = new Int16Array(slots);
    this.#hashes = new Int32Array(slots);
    this.#mask = slots - 1;
  }

  /** The newest slot with `hash`, or -1. */
  // HOT: per frame.
  first(hash: number): number {
    return this.#from(this.#first[hash & this.#mask] ?? NONE, hash);
  }

  /** The next older slot with the hash of `slot`, or -1. */
  next(slot: number): number {
    return this.#from(this.#next[slot] ?? NONE, this.#hashes[slot] ?? 0);
  }

  add(slot: number, hash: number): void {
    const chain = hash & this.#mask;
    this.#hashes[slot] = hash;
    this.#next[slot] = this.#first[chain] ?? NONE;
    this.#first[chain] = slot;
  }

  /** Removes the oldest slot there is. */
  removeOldest(slot: number): void {
    const chain = (this.#hashes[slot] ?? 0) & this.#mask;
    let at = this.#first[chain] ?? NONE;
    if (at === slot) {
      this.#first[chain] = NONE;
      return;
    }
    while (this.#next[at] !== slot) at = this.#next[at] ?? NONE;
    this.#next[at] = NONE;
  }

  #from(start: number, hash: number): number {
    let slot = start;
    while (slot !== NONE && this.#hashes[slot] !== hash) slot = this.#next[slot] ?? NONE;
    return slot;
  }
}
