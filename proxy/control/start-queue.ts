/** Lets so many data threads start at a time: each has the processors for its start's deadline. */

/** Who may start now, and who waits, in order. */
export class StartQueue {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Resolves when it is the caller's turn, to what ends the turn; a second call of that is none. */
  async enter(): Promise<() => void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let over = false;
    return () => {
      if (!over) this.#leave();
      over = true;
    };
  }

  #leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
