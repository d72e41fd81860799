/**
 * Those who wait for a stream, first come first served. Leaving costs the same from any place.
 *
 *   first <─> place <─> place <─> last
 */
import type { MeshError } from '../model/mesh-error.ts';
import type { UpstreamStream } from '../model/exchange.ts';

/** Waits for a stream: hears exactly one of the two, unless it left before. */
export interface DialEvents {
  /** The stream is to become a tunnel. */
  readonly tunnels?: boolean;
  dialled(stream: UpstreamStream): void;
  dialFailed(error: MeshError): void;
}

/** One place in a queue. */
export class Place {
  readonly waiter: DialEvents;
  /** Connections of which it wants no stream. */
  readonly avoids: readonly unknown[] | undefined;
  next: Place | undefined = undefined;
  previous: Place | undefined = undefined;
  /** Undefined once it was left or served. */
  queue: WaitingQueue | undefined;

  constructor(waiter: DialEvents, queue: WaitingQueue, avoids: readonly unknown[] | undefined) {
    this.waiter = waiter;
    this.queue = queue;
    this.avoids = avoids;
  }

  /** The waiter hears nothing any more. */
  leave(): void {
    const { queue } = this;
    if (queue === undefined) return;
    queue.remove(this);
    queue.left();
  }

  /** A client of HTTP/2 has no half-closed connection: one that may be gone leaves. */
  hurry(): void {}
}

/** The queue of one endpoint; whoever adds to it bounds it. */
export class WaitingQueue {
  length = 0;
  #first: Place | undefined = undefined;
  #last: Place | undefined = undefined;
  readonly #deserted: () => void;

  /** `deserted`: all who waited have been served or have left, the last has left. */
  constructor(deserted: () => void = () => undefined) {
    this.#deserted = deserted;
  }

  /** The one that waits for longest. */
  get first(): Place | undefined {
    return this.#first;
  }

  add(waiter: DialEvents, avoids?: readonly unknown[]): Place {
    const place = new Place(waiter, this, avoids);
    place.previous = this.#last;
    if (this.#last === undefined) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
    this.length++;
    return place;
  }

  /** One of its places was left. */
  left(): void {
    if (this.length === 0) this.#deserted();
  }

  /** Takes out the one that waits for longest. */
  shift(): DialEvents | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first?.waiter;
  }

  /** Of a place in this queue. */
  remove(place: Place): void {
    const { next, previous } = place;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    place.next = undefined;
    place.previous = undefined;
    place.queue = undefined;
    this.length--;
  }
}
