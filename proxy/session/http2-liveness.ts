/**
 * Notices a peer that is gone without a word: it owes something and nothing comes. A client owes
 * the rest of its requests, a server its answers.
 *
 *   silent for pingAfterMs ─> PING ─ silent for pingTimeoutMs more ─> dead
 *                               └─ heard ─> silence may last four times longer, at most 310 s
 *
 * gRPC servers end connections that ping more than twice in 5 minutes while they have nothing to
 * send: so pings become rare until a message comes. A stream that is opened meanwhile brings none
 * forward: those of many watches would be too many.
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { timeouts } from '../limits.ts';

const SLOWER = 4;
const PING_AFTER_MS_MAX = 310_000;

/** The connection, as liveness sees it. */
export interface LivenessEvents {
  /** The peer owes something, and we do read. */
  readonly waiting: boolean;
  ping(): void;
  /** Silent for so many milliseconds. */
  dead(silentMs: number): void;
}

/** Of one connection. */
export class Http2Liveness {
  readonly #wheel: TimerWheel;
  readonly #events: LivenessEvents;
  readonly #timer = new Timer(() => this.#due());
  #pingAfterMs: number = timeouts.pingAfterMs;
  #pinged = false;
  #heard = false;
  /** It should be dead, and has one more turn of the loop. */
  #overdue = false;

  constructor(wheel: TimerWheel, events: LivenessEvents) {
    this.#wheel = wheel;
    this.#events = events;
  }

  // HOT: per exchange. A stream was opened.
  watch(): void {
    if (this.#timer.armed) return;
    this.#heard = false;
    this.#pinged = false;
    this.#overdue = false;
    this.#wheel.set(this.#timer, this.#pingAfterMs);
  }

  // HOT: per frame. Anything came.
  heard(): void {
    this.#heard = true;
  }

  // HOT: per frame. A message came: silence is taken for as short as at first.
  message(): void {
    this.#pingAfterMs = timeouts.pingAfterMs;
  }

  stop(): void {
    this.#wheel.cancel(this.#timer);
  }

  #due(): void {
    if (!this.#events.waiting) return;
    if (!this.#heard && this.#pinged) {
      if (this.#overdue) return this.#events.dead(timeouts.pingTimeoutMs);
      // A thread behind its work runs timers before it hears what its sockets have to say.
      this.#overdue = true;
      return this.#wheel.set(this.#timer, 1);
    }
    this.#overdue = false;
    this.#pinged = !this.#heard;
    this.#heard = false;
    this.#wheel.set(this.#timer, this.#pinged ? timeouts.pingTimeoutMs : this.#pingAfterMs);
    if (!this.#pinged) return;
    this.#pingAfterMs = Math.min(this.#pingAfterMs * SLOWER, PING_AFTER_MS_MAX);
    this.#events.ping();
  }
}
