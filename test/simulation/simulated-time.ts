/**
 * Time that jumps from event to event: what is due happens, then everything that follows from it
 * without time passing; in between the wheels of all proxies tick as they do in theirs.
 */
import { TimerWheel } from '../../base/timer-wheel.ts';
import { Turn } from '../../proxy/transport/turn.ts';
import { DueEvents } from './events.ts';

/** As a data thread's wheels. */
const TICK_MS = 100;
const FINE_TICK_MS = 5;
/** Monotonic time does not begin at 0. */
const ORIGIN_MS = 1_000;

/** The clock, its events, and the wheels that go by it. */
export class SimulatedTime {
  #nowMs = 0;
  readonly turn = new Turn(() => (this.#nowMs + ORIGIN_MS) * 1000);
  readonly #due = new DueEvents();
  #coarse: TimerWheel[] = [];
  #fine: TimerWheel[] = [];
  readonly #settle: () => void;

  /** `settle` lets happen what can without time passing. */
  constructor(settle: () => void) {
    this.#settle = settle;
  }

  /** Milliseconds since the beginning. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** As proxies read it. */
  readonly nowUs = (): number => this.turn.nowUs();

  /** A wheel as coarse as a thread's, or as its fine one. */
  newWheel(fine: 'coarse' | 'fine'): TimerWheel {
    const tickMs = fine === 'fine' ? FINE_TICK_MS : TICK_MS;
    const wheel = new TimerWheel(tickMs, () => this.turn.nowUs() / 1000, this.turn.run);
    (fine === 'fine' ? this.#fine : this.#coarse).push(wheel);
    return wheel;
  }

  /** The wheel's thread is no more. */
  drop(wheel: TimerWheel): void {
    wheel.stop();
    this.#coarse = this.#coarse.filter((each) => each !== wheel);
    this.#fine = this.#fine.filter((each) => each !== wheel);
  }

  /** Lets `happen` after `ms`, a whole number. */
  after(ms: number, happen: () => void | Promise<void>): void {
    this.#due.add(this.#nowMs + Math.max(0, Math.round(ms)), happen);
  }

  /** Lets `ms` pass. */
  async run(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    for (;;) {
      const nextMs = Math.min(endMs, this.#due.nextMs);
      // A tick at a time: what it brings about may be due before what was next.
      if (this.#nowMs < nextMs) {
        this.#goOn(nextMs);
        continue;
      }
      if (this.#due.nextMs > endMs) return;
      const happening = this.#due.take()?.();
      if (happening !== undefined) await happening;
      this.#settle();
    }
  }

  /** To the next tick of a wheel, but no further than to `toMs`. */
  #goOn(toMs: number): void {
    const fine = isAnyArmed(this.#fine);
    if (!fine && !isAnyArmed(this.#coarse)) {
      this.#nowMs = toMs;
      return;
    }
    const tickMs = fine ? FINE_TICK_MS : TICK_MS;
    this.#nowMs = Math.min(toMs, (Math.floor(this.#nowMs / tickMs) + 1) * tickMs);
    if (this.#nowMs % tickMs === 0) this.#tick(fine);
  }

  #tick(fine: boolean): void {
    if (fine) for (const wheel of this.#fine) if (wheel.armed > 0) wheel.advance();
    if (this.#nowMs % TICK_MS === 0) {
      for (const wheel of this.#coarse) if (wheel.armed > 0) wheel.advance();
    }
    this.#settle();
  }
}

function isAnyArmed(wheels: readonly TimerWheel[]): boolean {
  for (const wheel of wheels) if (wheel.armed > 0) return true;
  return false;
}
