/** Requests that fell due and wait for a connection: first in, first out, growing as needed. */

const CAPACITY_START = 1 << 12;

/** Pairs of times: when a request was due, and when the generator noticed it. */
export class DueQueue {
  #due = new Float64Array(CAPACITY_START);
  #noticed = new Float64Array(CAPACITY_START);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(dueUs: number, noticedUs: number): void {
    if (this.#length === this.#due.length) this.#grow();
    const at = (this.#head + this.#length) % this.#due.length;
    this.#due[at] = dueUs;
    this.#noticed[at] = noticedUs;
    this.#length++;
  }

  /** When the first one was due; NaN when the queue is empty. */
  get dueUs(): number {
    return this.#length === 0 ? Number.NaN : (this.#due[this.#head] ?? Number.NaN);
  }

  /** When the first one was noticed; NaN when the queue is empty. */
  get noticedUs(): number {
    return this.#length === 0 ? Number.NaN : (this.#noticed[this.#head] ?? Number.NaN);
  }

  /** Drops the first one. */
  shift(): void {
    if (this.#length === 0) return;
    this.#head = (this.#head + 1) % this.#due.length;
    this.#length--;
  }

  #grow(): void {
    this.#due = unrolled(this.#due, this.#head);
    this.#noticed = unrolled(this.#noticed, this.#head);
    this.#head = 0;
  }
}

/** A full ring of twice the size, its first entry first. */
function unrolled(ring: Float64Array, head: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(ring.length * 2);
  larger.set(ring.subarray(head));
  larger.set(ring.subarray(0, head), ring.length - head);
  return larger;
}
