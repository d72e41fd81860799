/**
 * How many streams of an upstream connection may still be reset. Servers end a connection on which
 * too many are (rapid reset, CVE-2023-44487), with the streams of everybody who shares it: those on
 * nghttp2, Node.js among them, above 1,000 at once or 33 a second.
 *
 *   resetsSentMax ─ spend: one a reset ─> half: low, the connection takes no new streams ─> 0
 *         └──────── resetsSentPerSecond, once a second <───────────────┘
 *
 * No more streams are open than resets are left, so that those open may all be reset too.
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { limits } from '../limits.ts';

const PERIOD_MS = 1_000;

/** Of one connection; its timer is armed while something is spent. */
export class Http2ResetBudget {
  /** Resets that may be sent now. */
  left: number = limits.resetsSentMax;
  readonly #wheel: TimerWheel;
  readonly #timer = new Timer(() => this.#refill());

  constructor(wheel: TimerWheel) {
    this.#wheel = wheel;
  }

  /** Another connection should take what comes next. */
  get low(): boolean {
    return this.left <= limits.resetsSentMax / 2;
  }

  /** RST_STREAM was sent. */
  spend(): void {
    if (this.left > 0) this.left--;
    if (!this.#timer.armed) this.#wheel.set(this.#timer, PERIOD_MS);
  }

  stop(): void {
    this.#wheel.cancel(this.#timer);
  }

  #refill(): void {
    this.left = Math.min(limits.resetsSentMax, this.left + limits.resetsSentPerSecond);
    if (this.left < limits.resetsSentMax) this.#wheel.set(this.#timer, PERIOD_MS);
  }
}
