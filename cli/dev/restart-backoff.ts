const DELAY_MS_MIN = 100;
const DELAY_MS_MAX = 10_000;
/** A program that was up for this long has proved itself. */
const RESET_UP_MS = 60_000;

/** How long to wait before a program that ended is started again: 0.1 s, doubling, to 10 s. */
export class RestartBackoff {
  #nextMs = DELAY_MS_MIN;

  /** Milliseconds to wait, for a program that was up for `upMs`. */
  next(upMs: number): number {
    const delayMs = upMs >= RESET_UP_MS ? DELAY_MS_MIN : this.#nextMs;
    this.#nextMs = Math.min(delayMs * 2, DELAY_MS_MAX);
    return delayMs;
  }
}
