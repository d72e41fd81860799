/**
 * Which data thread should have an accepted connection (docs/decisions/007). All threads accept
 * from one queue, so an idle one may get most of a burst: it passes on what is not its share.
 *
 *   shared memory, a cache line a thread:   passed to it | taken by it          (Int32, atomic)
 */
import { limits } from '../limits.ts';

const LINE_NUMBERS = 16;
const PASSED = 0;
const TAKEN = 1;
/** A thread that has this many more than the least busy one, and half as many again, passes on. */
const AHEAD_MIN = 1;
const AHEAD_SHARE = 0.5;

/** Memory for the neighbours of so many threads. */
export const shareNeighbours = (threads: number): SharedArrayBuffer =>
  // A line at each end: the memory itself need not begin with one.
  new SharedArrayBuffer((threads + 1) * LINE_NUMBERS * Int32Array.BYTES_PER_ELEMENT);

/** The data threads of a process, as one of them (or the main thread, between them) sees them. */
export class Neighbours {
  readonly #numbers: Int32Array;
  readonly #threads: number;
  readonly #linksOf: (thread: number) => number;

  /** `linksOf`: downstream connections that a thread has open now and does not refuse. */
  constructor(shared: SharedArrayBuffer, linksOf: (thread: number) => number) {
    this.#numbers = new Int32Array(shared);
    this.#threads = this.#numbers.length / LINE_NUMBERS - 1;
    this.#linksOf = linksOf;
  }

  /** Downstream connections of the process, without those being refused. */
  get links(): number {
    let links = 0;
    for (let thread = 0; thread < this.#threads; thread++) links += this.#linksOf(thread);
    return links;
  }

  /** The thread that a connection accepted by `own` goes to and is counted for; `own` to keep it. */
  choose(own: number): number {
    const best = this.least((thread) => thread !== own);
    if (best === undefined) return own;
    const least = this.#load(best);
    if (this.#linksOf(own) < least + AHEAD_MIN + least * AHEAD_SHARE) return own;
    this.passed(best);
    return best;
  }

  /** The least busy of these threads that takes what it is passed; undefined when none does. */
  least(among: (thread: number) => boolean): number | undefined {
    let best: number | undefined;
    for (let thread = 0; thread < this.#threads; thread++) {
      if (!among(thread) || this.#onTheWay(thread) >= limits.passedLinksMax) continue;
      if (best === undefined || this.#load(thread) < this.#load(best)) best = thread;
    }
    return best;
  }

  /** A connection is on its way to the thread. */
  passed(thread: number): void {
    Atomics.add(this.#numbers, this.#at(thread, PASSED), 1);
  }

  /** It has arrived. */
  taken(thread: number): void {
    Atomics.add(this.#numbers, this.#at(thread, TAKEN), 1);
  }

  /** A thread begins: what was on its way to its last life is gone. */
  began(thread: number): void {
    Atomics.store(this.#numbers, this.#at(thread, TAKEN), this.#numbers[this.#at(thread, PASSED)]!);
  }

  #load(thread: number): number {
    return this.#linksOf(thread) + this.#onTheWay(thread);
  }

  #onTheWay(thread: number): number {
    const numbers = this.#numbers;
    // What was passed to one life of the thread may reach the next, which has begun at none.
    return Math.max(0, numbers[this.#at(thread, PASSED)]! - numbers[this.#at(thread, TAKEN)]!);
  }

  #at(thread: number, index: number): number {
    return (thread + 1) * LINE_NUMBERS - LINE_NUMBERS / 2 + index;
  }
}
