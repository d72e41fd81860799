/** Full slabs of a link behind one that is in flight: few links ever have any. */
import type { Slabs } from './slabs.ts';

interface Staged {
  readonly slab: Buffer;
  readonly length: number;
}

/** Slabs to be sent, in order, and how much of each is used. */
export class StagedSlabs {
  /** The oldest first. */
  readonly #staged: Staged[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  push(slab: Buffer, length: number): void {
    this.#staged.push({ slab, length });
    this.#bytes += length;
  }

  /** The next to be sent; undefined when there is none. */
  shift(): Staged | undefined {
    const next = this.#staged.shift();
    if (next !== undefined) this.#bytes -= next.length;
    return next;
  }

  /** Gives all of them back to `slabs`. */
  drop(slabs: Slabs): void {
    for (const { slab } of this.#staged.splice(0)) slabs.give(slab);
    this.#bytes = 0;
  }
}
