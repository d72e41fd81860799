/**
 * The transport without sockets: listeners and links in one process, with capacity and time under
 * control. Whole proxies are tested on it, byte by byte and event by event.
 */
import type { SocketAddress } from '../../base/settings.ts';
import { limits } from '../limits.ts';
import {
  type DialOptions,
  type Link,
  type LinkCounts,
  type LinkEvents,
  type Listener,
  type Transport,
} from './link.ts';
import { type MemoryKernel, MemoryLink } from './memory-link.ts';
import { Slabs } from './slabs.ts';
import type { Turn } from './turn.ts';

/** What a test or a simulation decides; each has a plain default. */
export interface MemoryOptions {
  /** Bytes that each end keeps for its reader; 64 KiB unless told. */
  readonly capacityBytes?: number;
  /** Bytes of the next read, at most; limits.readBytes unless told. */
  readonly readBytes?: () => number;
  /** Which of `count` (1 or more) links that have something to hear is next; the first unless told. */
  readonly choose?: (count: number) => number;
}

/** Where a dial comes out in place of what it names; undefined: there. As iptables do it. */
export type Redirection = (dial: DialOptions) => SocketAddress | undefined;

interface Listening {
  readonly counts: LinkCounts;
  readonly accept: (link: Link) => LinkEvents;
}

/** Steps after which `run` says that something goes round in circles. */
const STEPS_MAX = 1_000_000;
const FIRST_FREE_PORT = 40_000;

/** Listeners and links that move by `step` and `run` only. */
export class MemoryTransport implements Transport {
  /** Out-buffers of all links: none is out when all links are closed. */
  readonly slabs = new Slabs();
  readonly #kernel: MemoryKernel;
  readonly #choose: (count: number) => number;
  readonly #listening = new Map<string, Listening>();
  readonly #silent = new Set<string>();
  /** Links with something to hear, in the order in which it came to be. */
  readonly #due: MemoryLink[] = [];
  readonly #dialling = new Map<MemoryLink, DialOptions>();
  #redirection: Redirection = () => undefined;
  #nextPort = FIRST_FREE_PORT;

  constructor(turn: Turn, options: MemoryOptions = {}) {
    this.#choose = options.choose ?? (() => 0);
    this.#kernel = {
      turn,
      slabs: this.slabs,
      capacityBytes: options.capacityBytes ?? 64 * 1024,
      readBuffer: Buffer.alloc(limits.readBytes),
      readBytes: options.readBytes ?? (() => limits.readBytes),
      wake: (link) => this.#wake(link),
    };
  }

  listen(
    address: SocketAddress,
    counts: LinkCounts,
    accept: (link: Link) => LinkEvents,
  ): Promise<Listener> {
    const bound = {
      host: address.host,
      port: address.port === 0 ? this.#nextPort++ : address.port,
    };
    const key = `${bound.host}:${bound.port}`;
    if (this.#listening.has(key)) return Promise.reject(new Error(`EADDRINUSE: ${key}`));
    this.#listening.set(key, { counts, accept });
    return Promise.resolve({ address: bound, close: () => void this.#listening.delete(key) });
  }

  dial(options: DialOptions, events: LinkEvents): Link {
    const peer = {
      remote: `${options.host}:${options.port}`,
      local: `${options.from ?? '127.0.0.1'}:${this.#nextPort++}`,
    };
    const link = new MemoryLink(this.#kernel, options.counts, peer, events);
    this.#dialling.set(link, options);
    this.#wake(link);
    return link;
  }

  /** Dials from here on are redirected; who accepts one is told where it was going. */
  redirect(redirection: Redirection): void {
    this.#redirection = redirection;
  }

  /** Dials to the address are not answered, as behind a firewall. */
  silence(address: SocketAddress): void {
    this.#silent.add(`${address.host}:${address.port}`);
  }

  /** Those to come are answered again, and those that still wait. */
  unsilence(address: SocketAddress): void {
    const remote = `${address.host}:${address.port}`;
    if (!this.#silent.delete(remote)) return;
    for (const link of this.#dialling.keys()) if (link.peer.remote === remote) this.#wake(link);
  }

  /** Lets one thing happen: false when there is nothing left. */
  step(): boolean {
    const link = this.#due.splice(this.#choose(this.#due.length), 1)[0];
    if (link === undefined) return false;
    this.#kernel.turn.run(() => {
      if (link.connecting) this.#connect(link);
      else {
        this.#dialling.delete(link);
        link.deliver();
      }
    });
    return true;
  }

  /** Lets happen what can without time passing. Throws when that has no end. */
  run(): void {
    for (let steps = 0; this.step(); steps++) {
      if (steps === STEPS_MAX) throw new Error(`still not quiet after ${STEPS_MAX} steps`);
    }
  }

  #wake(link: MemoryLink): void {
    if (!this.#due.includes(link)) this.#due.push(link);
  }

  #connect(link: MemoryLink): void {
    const options = this.#dialling.get(link);
    const { remote, local } = link.peer;
    if (options === undefined) return;
    const redirected = this.#redirection(options);
    const reached = redirected === undefined ? remote : `${redirected.host}:${redirected.port}`;
    if (this.#silent.has(reached)) return;
    this.#dialling.delete(link);
    const listening = this.#listening.get(reached);
    if (listening === undefined) return link.fail('ECONNREFUSED');
    const { counts, accept } = listening;
    const { host, port } = options;
    const originalDst = redirected === undefined ? undefined : { host, port };
    const peer = { remote: local, local: reached, originalDst };
    const far = new MemoryLink(this.#kernel, counts, peer, NOBODY);
    far.connect(link);
    link.connect(far);
    far.events = accept(far);
    link.events.onOpen();
  }
}

const NOBODY: LinkEvents = {
  onOpen() {},
  onBytes() {},
  onEnd() {},
  onSent() {},
  onClose() {},
};
