/** What is to happen in a simulation, in order of time; of one time, in the order of asking. */

/** One thing that happens at `atMs`. */
interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly happen: () => void | Promise<void>;
}

const before = (a: Due, b: Due): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** A binary heap of what is due. */
export class DueEvents {
  readonly #heap: Due[] = [];
  #order = 0;

  /** When the next one is due, infinite when there is none. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  add(atMs: number, happen: Due['happen']): void {
    const heap = this.#heap;
    const due = { atMs, order: this.#order++, happen };
    let at = heap.length;
    heap.push(due);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(due, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = due;
  }

  /** Takes out the next one. */
  take(): Due['happen'] | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first?.happen;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first.happen;
  }
}
