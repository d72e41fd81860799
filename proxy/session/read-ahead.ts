/** How far a link is read ahead of whoever takes its bytes: above a window it is not read. */
import { limits, streamResumeBytes } from '../limits.ts';
import type { Link } from '../transport/link.ts';

/** Of one link, message after message. */
export class ReadAhead {
  paused = false;
  readonly #link: Link;
  /** Bytes that were passed on and have not left. */
  #uncredited = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  // HOT: per frame. `bytes` were passed on.
  passed(bytes: number): void {
    this.#uncredited += bytes;
  }

  // HOT: per frame. Stops reading when that is too much.
  pauseIfFull(): void {
    if (this.paused || this.#uncredited < limits.streamWindowBytes) return;
    this.paused = true;
    this.#link.pause();
  }

  // HOT: per frame. `bytes` of it have left.
  returned(bytes: number): void {
    this.#uncredited -= bytes;
    if (this.paused && this.#uncredited <= streamResumeBytes()) this.#resume();
  }

  /** Nothing more of the message comes back: the link is read for the next one. */
  clear(): void {
    this.#uncredited = 0;
    if (this.paused) this.#resume();
  }

  #resume(): void {
    this.paused = false;
    this.#link.resume();
  }
}
