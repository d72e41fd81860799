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
import { type SocketAddress, formatSocketAddress } from '../../base/settings.ts';
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
  /** Its key, once this end is known. */
  ends: string | undefined;
}

/** A transport that remembers what it dialled. */
export class RecentDials implements Transport {
  readonly #transport: Transport;
  readonly #wheel: TimerWheel;
  /** The oldest first. */
  readonly #dials: Dial[] = [];
  /** Those of the last of them whose own end may not be known yet: the system chooses it. */
  #unbound: Dial[] = [];
  /** By "own end > dialled end", of those before. */
  readonly #byEnds = new Map<string, Dial>();
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
    if (this.#dials.length === KEPT_MAX) this.#drop(this.#dials.splice(0, 1));
    const to = formatSocketAddress(options);
    const dial = { link, to, atMs: this.#wheel.nowMs, ends: undefined };
    this.#dials.push(dial);
    this.#unbound.push(dial);
    if (!this.#sweep.armed) this.#wheel.set(this.#sweep, KEPT_MS);
    return link;
  }

  /** HOT: per exchange, where connections are not kept. Whether an accepted link, which was going to `to`, is the other end of one that was dialled here. */
  isOwn({ remote }: Peer, to: SocketAddress | undefined): boolean {
    if (to === undefined || this.#dials.length === 0) return false;
    if (this.#unbound.length > 0) this.#bind();
    const dial = this.#byEnds.get(endsOf(unmapped(remote), formatSocketAddress(to)));
    // The ends of one that is gone may be another's by now.
    return dial !== undefined && !dial.link.closed;
  }

  #bind(): void {
    this.#unbound = this.#unbound.filter((dial) => {
      const { local } = dial.link.peer;
      if (local.endsWith(':0')) return !dial.link.closed;
      dial.ends = endsOf(unmapped(local), dial.to);
      this.#byEnds.set(dial.ends, dial);
      return false;
    });
  }

  #forget(): void {
    const beforeMs = this.#wheel.nowMs - KEPT_MS;
    const kept = this.#dials.findIndex(({ atMs }) => atMs > beforeMs);
    this.#drop(this.#dials.splice(0, kept === -1 ? this.#dials.length : kept));
    if (this.#dials.length > 0) this.#wheel.set(this.#sweep, KEPT_MS);
  }

  #drop(dials: readonly Dial[]): void {
    for (const dial of dials) {
      if (this.#unbound[0] === dial) this.#unbound.shift();
      const { ends } = dial;
      // Another may have had the same ends since.
      if (ends !== undefined && this.#byEnds.get(ends) === dial) this.#byEnds.delete(ends);
    }
  }
}

const endsOf = (from: string, to: string): string => `${from} > ${to}`;

const unmapped = (end: string): string => (end.startsWith(MAPPED) ? end.slice(MAPPED.length) : end);
