/**
 * Recognises a connection of the proxy's own that the kernel redirected back to it: what was dialled here
 * lately, by its two ends. It comes to be where the sidecar does not run as the user that is exempt, and
 * would go round until there is no descriptor left.
 *
 *   dial X from A ─> kernel ─> our listener: from A, and was going to X ─> ours
 *
 * Kept for a while only: such a connection is accepted as soon as it is dialled, and its ends may be
 * another's later. Each data thread knows its own; of two, every other round trip meets the same one.
 */
import { formatSocketAddress } from '../../base/settings.ts';
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import type { ListenAddress } from '../model/thread.ts';
import type {
  DialOptions,
  Link,
  LinkCounts,
  LinkEvents,
  Listener,
  Peer,
  Transport,
} from './link.ts';

const KEPT_MS = 5_000;
/** More than these in the time are not all needed: one that is recognised ends the circle. */
const KEPT_MAX = 512;

/** IPv4 on a socket of both families. */
const MAPPED = '::ffff:';

interface Dial {
  readonly link: Link;
  /** "address:port" that was dialled. */
  readonly to: string;
  readonly atMs: number;
}

/** A transport that remembers what it dialled. */
export class RecentDials implements Transport {
  readonly #transport: Transport;
  readonly #wheel: TimerWheel;
  /** The oldest first. */
  readonly #dials: Dial[] = [];
  readonly #sweep = new Timer(() => this.#forget());

  constructor(transport: Transport, wheel: TimerWheel) {
    this.#transport = transport;
    this.#wheel = wheel;
  }

  listen(
    address: ListenAddress,
    counts: LinkCounts,
    accept: (link: Link) => LinkEvents,
  ): Promise<Listener> {
    return this.#transport.listen(address, counts, accept);
  }

  dial(options: DialOptions, events: LinkEvents): Link {
    const link = this.#transport.dial(options, events);
    if (this.#dials.length === KEPT_MAX) this.#dials.shift();
    this.#dials.push({ link, to: formatSocketAddress(options), atMs: this.#wheel.nowMs });
    if (!this.#sweep.armed) this.#wheel.set(this.#sweep, KEPT_MS);
    return link;
  }

  /** Whether an accepted link is the other end of one that was dialled here. */
  isOwn({ originalDst, remote }: Peer): boolean {
    if (originalDst === undefined || this.#dials.length === 0) return false;
    const to = formatSocketAddress(originalDst);
    const from = unmapped(remote);
    return this.#dials.some((dial) => dial.to === to && unmapped(dial.link.peer.local) === from);
  }

  #forget(): void {
    const beforeMs = this.#wheel.nowMs - KEPT_MS;
    const kept = this.#dials.findIndex(({ atMs }) => atMs > beforeMs);
    this.#dials.splice(0, kept === -1 ? this.#dials.length : kept);
    if (this.#dials.length > 0) this.#wheel.set(this.#sweep, KEPT_MS);
  }
}

const unmapped = (end: string): string => (end.startsWith(MAPPED) ? end.slice(MAPPED.length) : end);
