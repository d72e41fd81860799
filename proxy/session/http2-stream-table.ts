/**
 * The open streams of a connection by id: chains through the streams themselves, so that one that
 * comes and goes leaves nothing behind for the garbage collector, as an entry of a Map does.
 *
 *   #buckets:  | 1 -> 9 | 3 | - | 7 |        bucket = (id >> 1) modulo their number, a power of two
 *
 * Ids of a client are odd and count up (RFC 9113 section 5.1.1): chains are as short as they can be. Who
 * leaves ids out to make one long makes it no longer than the number of streams it may have open.
 */
import type { Http2Stream } from './http2-stream.ts';

const BUCKETS_MIN = 8;

/** A stream is in one table once, or in none. */
export class StreamTable {
  size = 0;
  #buckets: (Http2Stream | undefined)[] = empty(BUCKETS_MIN);
  #mask = BUCKETS_MIN - 1;

  // HOT: per frame.
  get(id: number): Http2Stream | undefined {
    let stream = this.#buckets[(id >>> 1) & this.#mask];
    while (stream !== undefined && stream.id !== id) stream = stream.chained;
    return stream;
  }

  has(id: number): boolean {
    return this.get(id) !== undefined;
  }

  // HOT: per exchange. There is none with its id.
  add(stream: Http2Stream): void {
    if (this.size > this.#mask) this.#grow();
    this.size++;
    this.#put(stream);
  }

  // HOT: per exchange. Nothing happens to a stream that is not in the table.
  delete(stream: Http2Stream): void {
    const at = (stream.id >>> 1) & this.#mask;
    let before: Http2Stream | undefined = undefined;
    let found = this.#buckets[at];
    while (found !== undefined && found !== stream) {
      before = found;
      found = found.chained;
    }
    if (found === undefined) return;
    if (before === undefined) this.#buckets[at] = stream.chained;
    else before.chained = stream.chained;
    stream.chained = undefined;
    this.size--;
  }

  clear(): void {
    for (const stream of this.#all()) stream.chained = undefined;
    this.#buckets = empty(BUCKETS_MIN);
    this.#mask = BUCKETS_MIN - 1;
    this.size = 0;
  }

  /**
   * Those that are open now, oldest first, as far as they still are when their turn comes: whoever
   * walks may end any, and begin others, which are not among these.
   */
  *values(): Generator<Http2Stream, void> {
    const ids = this.#all().map(({ id }) => id);
    for (const id of ids.toSorted((a, b) => a - b)) {
      const stream = this.get(id);
      if (stream !== undefined) yield stream;
    }
  }

  #all(): readonly Http2Stream[] {
    const all: Http2Stream[] = [];
    for (const first of this.#buckets) {
      for (let stream = first; stream !== undefined; stream = stream.chained) all.push(stream);
    }
    return all;
  }

  #put(stream: Http2Stream): void {
    const at = (stream.id >>> 1) & this.#mask;
    stream.chained = this.#buckets[at];
    this.#buckets[at] = stream;
  }

  #grow(): void {
    const all = this.#all();
    const buckets = 2 * this.#buckets.length;
    this.#buckets = empty(buckets);
    this.#mask = buckets - 1;
    for (const stream of all) this.#put(stream);
  }
}

const empty = (buckets: number): (Http2Stream | undefined)[] =>
  Array.from({ length: buckets }, () => undefined);
