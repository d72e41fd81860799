/**
 * The connections to the admin port. They are bounded, as they would take the descriptors of the
 * traffic; the bound keeps no probe out, as one that only waits gives way to a newcomer.
 *
 *   newcomer ─> waiting ─a whole request─> answering ─its answer─> waiting, last in the row
 */
import type { Link } from '../transport/link.ts';

/** At most so many connections. */
export class AdminLinks {
  readonly #max: number;
  /** No whole request of theirs is being answered; the longest first. */
  readonly #waiting = new Set<Link>();
  readonly #answering = new Set<Link>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Takes a connection in, for another one's place if need be; false when all are being answered. */
  admit(link: Link): boolean {
    if (this.#waiting.size + this.#answering.size >= this.#max && !this.#endOne()) return false;
    this.#waiting.add(link);
    return true;
  }

  /** The link has sent a whole request. */
  answering(link: Link): void {
    if (this.#waiting.delete(link)) this.#answering.add(link);
  }

  /** The link is owed nothing any more but what is written already. */
  answered(link: Link): void {
    if (this.#answering.delete(link)) this.#waiting.add(link);
  }

  /** The link is gone, whoever ended it. */
  closed(link: Link): void {
    this.#waiting.delete(link);
    this.#answering.delete(link);
  }

  /** Its descriptor is free at the end of the turn; that it is gone is heard later. */
  #endOne(): boolean {
    const [longest] = this.#waiting;
    if (longest === undefined) return false;
    this.#waiting.delete(longest);
    if (longest.unsentBytes > 0) longest.reset();
    else longest.close();
    return true;
  }
}
