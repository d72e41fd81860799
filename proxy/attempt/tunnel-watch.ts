/**
 * Ends a tunnel in which nothing moves: when that may not last, or one side has ended its half.
 *
 *   OPEN ─ nothing for tunnelIdleMs (0: never) ──────────────────────> stalled
 *     └─ a half ends ─> HALF-CLOSED ─ nothing for halfCloseMs ───────> stalled
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { timeouts } from '../limits.ts';

/** Of one tunnel. */
export class TunnelWatch {
  /** Bytes came or left since it was last looked. */
  moved = false;
  readonly #wheel: TimerWheel;
  readonly #timer: Timer;
  #halfClosed = false;

  /** `stalled` is called once, with how long nothing has moved, in milliseconds. */
  constructor(wheel: TimerWheel, stalled: (ms: number) => void) {
    this.#wheel = wheel;
    this.#timer = new Timer(() => {
      if (!this.moved) return stalled(this.#limitMs);
      this.moved = false;
      this.#arm();
    });
    this.#arm();
  }

  /** One side sends no more. */
  halfClosed(): void {
    this.#halfClosed = true;
    this.#arm();
  }

  /** The tunnel is over. */
  end(): void {
    this.#wheel.cancel(this.#timer);
  }

  get #limitMs(): number {
    return this.#halfClosed ? timeouts.halfCloseMs : timeouts.tunnelIdleMs;
  }

  #arm(): void {
    if (this.#limitMs > 0) this.#wheel.set(this.#timer, this.#limitMs);
  }
}
