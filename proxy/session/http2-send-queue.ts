/**
 * Streams whose data waits and that could send, in turn: a list through the streams themselves, so
 * that one that ends leaves from anywhere, and what it held with it.
 *
 *   #first ⇄ … ⇄ #last        shift takes the first, push adds behind the last
 */
import type { Http2Stream } from './http2-stream.ts';

/** The queue of one connection; a stream is in it once or not at all. */
export class SendQueue {
  #first: Http2Stream | undefined = undefined;
  #last: Http2Stream | undefined = undefined;

  get empty(): boolean {
    return this.#first === undefined;
  }

  // HOT: per frame. Nothing happens to a stream that is in the queue already.
  push(stream: Http2Stream): void {
    if (stream.queued) return;
    const last = this.#last;
    stream.queued = true;
    stream.previous = last;
    if (last === undefined) this.#first = stream;
    else last.next = stream;
    this.#last = stream;
  }

  // HOT: per frame. The one whose turn it is.
  shift(): Http2Stream | undefined {
    const first = this.#first;
    if (first !== undefined) this.remove(first);
    return first;
  }

  // HOT: per exchange. Nothing happens to a stream that is not in the queue.
  remove(stream: Http2Stream): void {
    if (!stream.queued) return;
    const { next, previous } = stream;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    stream.next = undefined;
    stream.previous = undefined;
    stream.queued = false;
  }
}
