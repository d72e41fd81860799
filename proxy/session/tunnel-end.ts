/**
 * One end of a tunnel through an exchange, on a link that speaks HTTP no more (docs/upgrades.md). What
 * it reads goes to the far side as far as that takes it; what comes from there it writes.
 *
 *   OPEN ─ its peer's FIN ─> far.end() ─┐
 *     │                                 ├─ both ─> OVER: what is unsent leaves, unless nothing of it
 *     ├─ end() ─> our FIN ──────────────┘          is taken for streamIdleMs
 *     ├─ the link is lost ─> far.lost() ─> OVER
 *     └─ reset() ─> OVER
 *
 * The exchange watches how long nothing moves, for both ends (attempt/tunnel-watch.ts).
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { timeouts } from '../limits.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { Link, LinkEvents } from '../transport/link.ts';
import { BodyWriter } from './body-writer.ts';
import { ReadAhead } from './read-ahead.ts';

/** What a tunnel's end is for the exchange; nothing but `closed` is told once the end is over. */
export interface FarSide {
  /** HOT: per frame. Bytes that were read; the view is lent for the call. */
  data(bytes: Buffer, start: number, end: number): void;
  /** The peer sends no more. */
  end(): void;
  /** `bytes` of what was written have left. */
  credit(bytes: number): void;
  /** The link is gone before both sides have ended. */
  lost(error: MeshError | undefined): void;
  /** The link is gone. */
  closed(): void;
}

/** A link as an end of a tunnel; what is to leave before the tunnel's bytes has been written to it. */
export class TunnelEnd implements LinkEvents {
  readonly #wheel: TimerWheel;
  readonly #link: Link;
  readonly #far: FarSide;
  readonly #out: BodyWriter;
  readonly #ahead: ReadAhead;
  #timer: Timer | undefined = undefined;
  #over = false;
  /** Their FIN has come; ours is asked for. */
  #received = false;
  #ended = false;
  #moved = false;

  constructor(wheel: TimerWheel, link: Link, far: FarSide) {
    this.#wheel = wheel;
    this.#link = link;
    this.#far = far;
    this.#out = new BodyWriter(link);
    this.#out.begin(false);
    this.#ahead = new ReadAhead(link);
    // It may be silent for as long as it likes: only the system can tell that its peer is gone.
    link.keepAlive();
  }

  /** Both sides have ended, or one was reset: the far side belongs to others. */
  get over(): boolean {
    return this.#over;
  }

  // ---- from the far side ----

  // HOT: per frame.
  write(bytes: Buffer, start: number, end: number): void {
    if (!this.#over) this.#out.data(bytes, start, end);
  }

  /** `bytes` of what was read have left there. */
  credit(bytes: number): void {
    this.#ahead.returned(bytes);
  }

  /** Nothing more is written: FIN, once all has left. */
  end(): void {
    if (this.#over || this.#ended) return;
    this.#ended = true;
    this.#link.end();
    if (this.#received) this.#finish();
  }

  /** RST, at once. */
  reset(): void {
    this.#over = true;
    this.#link.reset();
  }

  /** Nobody takes what is read any more: what is unsent still leaves. */
  close(): void {
    if (!this.#over) this.#finish();
    this.#link.close();
  }

  // ---- the link ----

  onOpen(): void {}

  // HOT: per frame.
  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.#over) return;
    this.#ahead.passed(end - start);
    this.#far.data(bytes, start, end);
    this.#ahead.pauseIfFull();
  }

  // HOT: per frame.
  onSent(bytes: number): void {
    this.#moved = true;
    const left = this.#out.sent(bytes);
    if (left > 0 && !this.#over) this.#far.credit(left);
  }

  onEnd(): void {
    if (this.#received || this.#over) return;
    this.#received = true;
    if (this.#ended) this.#finish();
    this.#far.end();
  }

  onClose(error: MeshError | undefined): void {
    if (this.#timer !== undefined) this.#wheel.cancel(this.#timer);
    const lost = !this.#over;
    this.#over = true;
    if (lost) this.#far.lost(error);
    this.#far.closed();
  }

  /** The exchange is over; a peer that does not read keeps the link no longer than it may. */
  #finish(): void {
    this.#over = true;
    this.#timer = new Timer(() => this.#timeout());
    this.#wheel.set(this.#timer, timeouts.streamIdleMs);
  }

  #timeout(): void {
    if (!this.#moved || this.#timer === undefined) return this.#link.reset();
    this.#moved = false;
    this.#wheel.set(this.#timer, timeouts.streamIdleMs);
  }
}
