/**
 * Two links as one connection: what one reads the other writes, as it came.
 *
 *   open ─one side's FIN─> half-closed ─the other's─> closed
 *     │                        └─ nothing moves for halfCloseMs ─> both reset
 *     ├─ a side is reset ─> so is the other
 *     └─ nothing moves for tunnelIdleMs (0: never) ─> both reset
 *
 * A side that does not read holds the other up: above `tunnelBufferBytes` unsent the other is not
 * read. A link that is not read hears of no reset: its own TCP keep-alive and user timeout end it,
 * or what is next written to it.
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { limits, timeouts } from '../limits.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { Link, LinkEvents, OpenLink } from '../transport/link.ts';
import type { ServerSession } from './server-session.ts';

/** Whose connection it is. */
export interface TunnelOwner {
  readonly wheel: TimerWheel;
  /** Both links are gone. */
  readonly closed: (tunnel: Tunnel) => void;
}

/**
 * After this long the system is to ask after silent peers, which it does after 30 s. It counts from the
 * last byte, so nothing is missed; and most tunnels are over before, without six system calls each.
 */
const LASTS_MS = 10_000;

/** A downstream link and its upstream one, while both are open and until both are gone. */
export class Tunnel implements ServerSession {
  readonly idle = false;
  readonly #owner: TunnelOwner;
  readonly #opened: OpenLink;
  readonly #down: Half;
  readonly #up: Half;
  readonly #timer = new Timer(() => this.#timeout());
  #linksOpen = 2;
  /** It has lasted: the system asks after both peers. */
  #lasts = false;

  /** `opened`, the upstream link, is said to be over when it is gone. */
  constructor(owner: TunnelOwner, downstream: Link, opened: OpenLink) {
    const upstream = opened.link;
    this.#owner = owner;
    this.#opened = opened;
    this.#down = new Half(this, downstream, upstream);
    this.#up = new Half(this, upstream, downstream);
    this.#down.opposite = this.#up;
    this.#up.opposite = this.#down;
    this.#watch();
  }

  /** Hears of the upstream link. */
  get upstream(): LinkEvents {
    return this.#up;
  }

  /** A tunnel ends when its sides end it, or with the drain. */
  closeIfIdle(): void {}

  goodbye(): void {}

  abort(): void {
    this.#reset();
  }

  requestFault(): void {
    this.#reset();
  }

  // ---- the downstream link ----

  onOpen(): void {}

  // HOT: per frame.
  onBytes(bytes: Buffer, start: number, end: number): void {
    this.#down.onBytes(bytes, start, end);
  }

  // HOT: per frame.
  onSent(): void {
    this.#down.onSent();
  }

  onEnd(): void {
    this.#down.onEnd();
  }

  onClose(error: MeshError | undefined): void {
    this.#down.onClose(error);
  }

  // ---- what the halves tell ----

  /** A side has sent its FIN. */
  halfEnded(): void {
    this.#watch();
  }

  /** The link of `half` is gone. */
  halfClosed(half: Half, error: MeshError | undefined): void {
    const { opposite } = half;
    // Without both FINs it was cut: the other side must not take it for an orderly end.
    if (error !== undefined || !half.ended || !opposite.ended) opposite.link.reset();
    if (half === this.#up) this.#opened.over();
    if (--this.#linksOpen > 0) return;
    this.#owner.wheel.cancel(this.#timer);
    this.#owner.closed(this);
  }

  /** How long nothing may move; 0: for ever. */
  get #stillMs(): number {
    return this.#down.ended || this.#up.ended ? timeouts.halfCloseMs : timeouts.tunnelIdleMs;
  }

  #watch(): void {
    const ms = this.#lasts ? this.#stillMs : lastsMs();
    if (ms > 0) this.#owner.wheel.set(this.#timer, ms);
  }

  #timeout(): void {
    if (this.#lasts) return this.#still();
    this.#lasts = true;
    this.#down.link.keepAlive();
    this.#up.link.keepAlive();
    const leftMs = this.#stillMs - lastsMs();
    if (leftMs > 0) this.#owner.wheel.set(this.#timer, leftMs);
    else if (this.#stillMs > 0) this.#still();
  }

  #still(): void {
    if (!this.#down.moved && !this.#up.moved) return this.#reset();
    this.#down.moved = false;
    this.#up.moved = false;
    this.#watch();
  }

  #reset(): void {
    this.#down.link.reset();
    this.#up.link.reset();
  }
}

/** Neither bound is put off by more than itself. */
function lastsMs(): number {
  let ms = LASTS_MS;
  for (const bound of [timeouts.tcpUserTimeoutMs, timeouts.halfCloseMs, timeouts.tunnelIdleMs]) {
    if (bound > 0) ms = Math.min(ms, bound);
  }
  return ms;
}

/** What one link reads, on its way to the other. */
class Half implements LinkEvents {
  readonly link: Link;
  opposite!: Half;
  /** The link's peer sends no more. */
  ended = false;
  /** Bytes came or left since the tunnel last asked. */
  moved = false;
  readonly #tunnel: Tunnel;
  readonly #other: Link;
  #paused = false;

  constructor(tunnel: Tunnel, link: Link, other: Link) {
    this.#tunnel = tunnel;
    this.link = link;
    this.#other = other;
  }

  onOpen(): void {}

  // HOT: per frame.
  onBytes(bytes: Buffer, start: number, end: number): void {
    this.moved = true;
    const other = this.#other;
    other.write(bytes, start, end);
    if (this.#paused || other.unsentBytes < limits.tunnelBufferBytes) return;
    this.#paused = true;
    this.link.pause();
  }

  // HOT: per frame.
  onSent(): void {
    this.moved = true;
    this.opposite.readOn();
  }

  /** The other link has taken bytes. */
  readOn(): void {
    if (!this.#paused || this.#other.unsentBytes > limits.tunnelBufferBytes / 2) return;
    this.#paused = false;
    this.link.resume();
  }

  onEnd(): void {
    this.ended = true;
    this.#other.end();
    this.#tunnel.halfEnded();
  }

  onClose(error: MeshError | undefined): void {
    this.#tunnel.halfClosed(this, error);
  }
}
