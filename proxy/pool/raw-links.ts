/**
 * Upstream links that are nobody's but who asked for one: a tunnel's. Not pooled; counted in the
 * thread's quota from dial to close.
 *
 *   connect ─> dialling ─open─> connected ─ whoever has it says `over` when it is gone
 *                 └─ refused, or no answer within connect-time.ts ─> failed
 */
import { formatSocketAddress } from '../../base/settings.ts';
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { timeouts } from '../limits.ts';
import type { Endpoint } from '../model/endpoint.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { LinkQuota } from '../transport/link-quota.ts';
import {
  type Link,
  type LinkCounts,
  type LinkDial,
  type LinkEvents,
  type LinkWaiter,
  NOBODY,
  type OpenLink,
  type Transport,
} from '../transport/link.ts';
import { connectTimeMs } from './connect-time.ts';

/** What raw links are dialled with; `stack.ts` puts it together. */
export interface RawLinksParts {
  readonly transport: Transport;
  readonly wheel: TimerWheel;
  readonly counts: LinkCounts;
  readonly quota: LinkQuota;
  /** Source address of dials; undefined lets the system choose. */
  readonly dialFrom: string | undefined;
}

/** Dials for one side of one thread. */
export class RawLinks {
  readonly #parts: RawLinksParts;

  constructor(parts: RawLinksParts) {
    this.#parts = parts;
  }

  /** The waiter may be told at once: then there is no dial under way. */
  connect(endpoint: Endpoint, waiter: LinkWaiter): LinkDial | undefined {
    const { quota } = this.#parts;
    if (!quota.take()) {
      waiter.failed(quota.refusal);
      return undefined;
    }
    return new RawDial(this.#parts, endpoint, waiter);
  }
}

/** One dial, until it is decided. */
class RawDial implements LinkEvents, LinkDial {
  readonly #parts: RawLinksParts;
  readonly #endpoint: Endpoint;
  readonly #waiter: LinkWaiter;
  readonly #link: Link;
  readonly #timer = new Timer(() => this.#timeout());
  #overdueTicks = 0;
  #decided = false;

  constructor(parts: RawLinksParts, endpoint: Endpoint, waiter: LinkWaiter) {
    this.#parts = parts;
    this.#endpoint = endpoint;
    this.#waiter = waiter;
    const { counts, dialFrom, transport, wheel } = parts;
    const { host, port } = endpoint;
    this.#link = transport.dial({ host, port, from: dialFrom, counts }, this);
    const connectMs = connectTimeMs(endpoint);
    if (connectMs > 0) wheel.set(this.#timer, connectMs);
  }

  leave(): void {
    if (this.#decide()) this.#giveUp();
  }

  hurry(): void {
    if (this.#decided || this.#timer.armed) return;
    this.#parts.wheel.set(this.#timer, timeouts.connectTimeoutMs);
  }

  onOpen(): void {
    if (!this.#decide()) return;
    this.#endpoint.dialled();
    const link = this.#link;
    link.events = NOBODY;
    // A tunnel lives for days: what it was dialled by must not live as long.
    this.#waiter.connected(new CountedLink(link, this.#parts.quota));
  }

  onBytes(): void {}

  onEnd(): void {}

  onSent(): void {}

  onClose(error: MeshError | undefined): void {
    if (!this.#decide()) return;
    const sentence = `Cannot connect to ${formatSocketAddress(this.#endpoint)}.`;
    this.#fail(error ?? new MeshError('upstream-unreachable', 'upstream', sentence, 'unsent'));
  }

  #timeout(): void {
    // A thread behind its work runs timers before it hears what its sockets have to say.
    if (this.#overdueTicks++ === 0) return this.#parts.wheel.set(this.#timer, 1);
    if (!this.#decide()) return;
    const address = formatSocketAddress(this.#endpoint);
    const sentence = `${address} accepted no connection within ${timeouts.connectTimeoutMs} ms.`;
    this.#link.reset();
    this.#fail(new MeshError('deadline-passed', 'upstream', sentence, 'unsent'));
  }

  #fail(error: MeshError): void {
    this.#endpoint.dialFailed(error.sentence, this.#parts.wheel.nowMs);
    this.#parts.quota.give();
    this.#waiter.failed(error);
  }

  #giveUp(): void {
    this.#link.reset();
    this.#parts.quota.give();
  }

  /** False when it was decided before. */
  #decide(): boolean {
    if (this.#decided) return false;
    this.#decided = true;
    this.#parts.wheel.cancel(this.#timer);
    return true;
  }
}

/** Counts in a quota. */
class CountedLink implements OpenLink {
  readonly link: Link;
  readonly #quota: LinkQuota;

  constructor(link: Link, quota: LinkQuota) {
    this.link = link;
    this.#quota = quota;
  }

  over(): void {
    this.#quota.give();
  }
}
