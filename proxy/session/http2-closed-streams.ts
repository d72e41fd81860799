/**
 * Streams that are closed, by what a late frame on one of them means (RFC 9113 section 5.1):
 *
 *   reset by us       the peer may not know yet: ignored
 *   skipped           never used, closed when a higher one opened (5.1.1): PROTOCOL_ERROR
 *   everything else   both sides had ended, or the peer reset it: STREAM_CLOSED
 */

/** What a closed stream was. */
export type ClosedAs = 'reset' | 'skipped' | 'ended';

/** Peers that go on sending on more streams than these, reset by us, are told STREAM_CLOSED. */
const RESETS_REMEMBERED = 2_048;
/** Real peers skip none. */
const GAPS_REMEMBERED = 64;

/** Remembers the exceptions, bounded. */
export class ClosedStreams {
  /** Oldest first; made for the first. */
  #reset: Set<number> | undefined = undefined;
  /** Pairs: first and last id of a gap. */
  readonly #gaps: number[] = [];

  /** We sent RST_STREAM. */
  reset(id: number): void {
    const all = (this.#reset ??= new Set());
    all.add(id);
    if (all.size <= RESETS_REMEMBERED) return;
    for (const oldest of all) {
      all.delete(oldest);
      return;
    }
  }

  /** The peer opened a stream above `last` without using [first, last]. */
  skipped(first: number, last: number): void {
    if (this.#gaps.length >= 2 * GAPS_REMEMBERED) this.#gaps.splice(0, 2);
    this.#gaps.push(first, last);
  }

  /** Of an id below the highest used one that is not open. */
  whatWas(id: number): ClosedAs {
    if (this.#reset?.has(id) === true) return 'reset';
    for (let i = 0; i < this.#gaps.length; i += 2) {
      if (id >= this.#gaps[i]! && id <= this.#gaps[i + 1]!) return 'skipped';
    }
    return 'ended';
  }
}
