/**
 * Finds the slots of a dynamic table by a hash: a chain for each of the hash's low bits, newest
 * slot first. The oldest entry is the last of its chain, and only it is ever removed.
 */
const NONE = -1;

/** For at most `slots` entries, a power of two. */
export class SlotIndex {
  /** Of each chain its first slot; of each slot the next one of its chain, and its hash. */
  readonly #ints: Int32Array;
  readonly #nexts: number;
  readonly #hashes: number;
  readonly #mask: number;

  constructor(slots: number) {
    this.#ints = new Int32Array(3 * slots).fill(NONE, 0, slots);
    this.#nexts = slots;
    this.#hashes = 2 * slots;
    this.#mask = slots - 1;
  }

  get heldBytes(): number {
    return this.#ints.byteLength;
  }

  /** What `slot` was added with. */
  hashOf(slot: number): number {
    return this.#ints[this.#hashes + slot] ?? 0;
  }

  /** The newest slot with `hash`, or -1. */
  // HOT: per frame.
  first(hash: number): number {
    return this.#from(this.#ints[hash & this.#mask] ?? NONE, hash);
  }

  /** The next older slot with the hash of `slot`, or -1. */
  next(slot: number): number {
    return this.#from(this.#ints[this.#nexts + slot] ?? NONE, this.hashOf(slot));
  }

  add(slot: number, hash: number): void {
    const chain = hash & this.#mask;
    this.#ints[this.#hashes + slot] = hash;
    this.#ints[this.#nexts + slot] = this.#ints[chain] ?? NONE;
    this.#ints[chain] = slot;
  }

  /** Removes the oldest slot there is. */
  removeOldest(slot: number): void {
    const ints = this.#ints;
    const nexts = this.#nexts;
    const chain = this.hashOf(slot) & this.#mask;
    let at = ints[chain] ?? NONE;
    if (at === slot) {
      ints[chain] = NONE;
      return;
    }
    while (ints[nexts + at] !== slot) at = ints[nexts + at] ?? NONE;
    ints[nexts + at] = NONE;
  }

  #from(start: number, hash: number): number {
    const ints = this.#ints;
    let slot = start;
    while (slot !== NONE && ints[this.#hashes + slot] !== hash) {
      slot = ints[this.#nexts + slot] ?? NONE;
    }
    return slot;
  }
}
