/**
 * Remembers what came lately, by its hash, to tell what recurs from what varies: sets of four
 * hashes, in each of which the oldest makes place for a new one.
 */
const WAYS = 4;

/** Over `sets`, a power of two. A hash may be taken for another one that is equal. */
export class SeenWindow {
  readonly #hashes: Int32Array;
  readonly #mask: number;

  constructor(sets: number) {
    this.#hashes = new Int32Array(sets * WAYS);
    this.#mask = sets - 1;
  }

  get heldBytes(): number {
    return this.#hashes.byteLength;
  }

  /** Whether `hash` came lately; from now on it did. */
  // HOT: per frame.
  see(hash: number): boolean {
    const hashes = this.#hashes;
    const at = (hash & this.#mask) * WAYS;
    const first = hashes[at] ?? 0;
    const second = hashes[at + 1] ?? 0;
    const third = hashes[at + 2] ?? 0;
    if (first === hash || second === hash || third === hash || hashes[at + 3] === hash) {
      return true;
    }
    hashes[at + 3] = third;
    hashes[at + 2] = second;
    hashes[at + 1] = first;
    hashes[at] = hash;
    return false;
  }
}
