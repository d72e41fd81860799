/** Tickets that may carry a request: a ring, the longest free first, so that load spreads. */
export class FreeTickets {
  readonly #ring: Uint32Array;
  #head = 0;
  #length = 0;

  /** Room for `capacity` tickets; none is free yet. */
  constructor(capacity: number) {
    this.#ring = new Uint32Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  push(ticket: number): void {
    if (this.#length === this.#ring.length) throw new Error(`ticket ${ticket} is free twice`);
    this.#ring[(this.#head + this.#length) % this.#ring.length] = ticket;
    this.#length++;
  }

  /** The longest free one; -1 when none is. */
  shift(): number {
    if (this.#length === 0) return -1;
    const ticket = this.#ring[this.#head] ?? -1;
    this.#head = (this.#head + 1) % this.#ring.length;
    this.#length--;
    return ticket;
  }
}
