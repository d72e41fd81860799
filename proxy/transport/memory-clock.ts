/** Time that passes only when told, and the turn and the timers that go by it. */
import { TimerWheel } from '../../base/timer-wheel.ts';
import { Turn } from './turn.ts';

/** As a data thread's coarse wheel. */
const TICK_MS = 100;
/** As its fine one. */
const FINE_TICK_MS = 5;

export class MemoryClock {
  #nowUs = 1_000_000;
  readonly turn = new Turn(() => this.#nowUs);
  readonly wheel = new TimerWheel(TICK_MS, () => this.turn.nowUs() / 1000, this.turn.run);

  readonly fineWheel = new TimerWheel(FINE_TICK_MS, () => this.turn.nowUs() / 1000, this.turn.run);

  /** Monotonic microseconds. */
  readonly nowUs = (): number => this.turn.nowUs();

  /** Lets `ms` pass tick by tick; what is due fires, and `settle` runs after each tick. */
  advance(ms: number, settle: () => void): void {
    let left = ms;
    while (left > 0) {
      const stepMs = Math.min(left, TICK_MS);
      this.#nowUs += stepMs * 1000;
      this.wheel.advance();
      this.fineWheel.advance();
      settle();
      left -= stepMs;
    }
  }
}
