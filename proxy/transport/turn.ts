/**
 * One turn of a thread's event loop: bytes come in, sessions write, and at the end each link that
 * was written to makes one system call. The clock is read at most once a turn.
 */

/** What waits for the end of the turn. */
export interface EndOfTurn {
  /** Sends what the turn collected and applies pause or resume. */
  settle(): void;
}

/** The turns of one thread. */
export class Turn {
  readonly #clockUs: () => number;
  /** The first `#count` wait; the places behind them are kept, as cutting the array costs 50 ns. */
  readonly #waiting: (EndOfTurn | undefined)[] = [];
  #count = 0;
  #depth = 0;
  /** Not a number before somebody asks: so V8 keeps the object it made, and makes none for each reader. */
  #nowUs: number | undefined = undefined;
  #scheduled = false;

  /** `clockUs` gives monotonic microseconds. */
  constructor(clockUs: () => number) {
    this.#clockUs = clockUs;
  }

  /** Monotonic microseconds, the same throughout a turn. */
  nowUs(): number {
    if (this.#depth === 0) return this.#clockUs();
    return (this.#nowUs ??= this.#clockUs());
  }

  // HOT: per frame.
  enter(): void {
    this.#depth++;
  }

  // HOT: per frame.
  leave(): void {
    if (this.#depth === 1) {
      // Settling may let sessions write to further links: those are appended and settled too.
      for (let i = 0; i < this.#count; i++) {
        const waiting = this.#waiting[i];
        this.#waiting[i] = undefined;
        waiting?.settle();
      }
      this.#count = 0;
      this.#nowUs = undefined;
    }
    this.#depth--;
  }

  /** Runs `work` as one turn: for everything that does not begin with a socket. */
  readonly run = (work: () => void): void => {
    this.enter();
    try {
      work();
    } finally {
      this.leave();
    }
  };

  /** `waiting.settle` is called at the end of this turn; the caller asks once a turn. */
  settleLater(waiting: EndOfTurn): void {
    this.#waiting[this.#count++] = waiting;
    if (this.#depth > 0 || this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.run(() => undefined);
    });
  }
}
