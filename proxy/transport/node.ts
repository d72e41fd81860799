/** The transport over TCP: listeners of Node's, and links on what lies under its sockets. */
import { lookup } from 'node:dns/promises';
import net from 'node:net';
import { duplicateDescriptor } from '../../base/libc.ts';
import { formatSocketAddress } from '../../base/settings.ts';
import { limits } from '../limits.ts';
import type { ListenAddress } from '../model/thread.ts';
import {
  INHERITS_OPTIONS,
  KEEP_ALIVE_AFTER_MS,
  hearHandles,
  setInheritedOptions,
  takeHandle,
} from './listening-handle.ts';
import {
  type DialOptions,
  type Link,
  type LinkCounts,
  type LinkEvents,
  type Listener,
  NOBODY,
  type Transport,
} from './link.ts';
import type { LinkThread } from './link-thread.ts';
import { NodeLink } from './node-link.ts';
import { Slabs } from './slabs.ts';
import type { TcpHandle } from './tcp-handle.ts';
import type { Turn } from './turn.ts';

const BACKLOG = 4096;

/** Of sockets that servers make; elsewhere the listener has the options. */
const OPTIONS_OF_EACH = INHERITS_OPTIONS
  ? {}
  : { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS };

/** What becomes of a connection once it is accepted. */
interface Accepting {
  readonly counts: LinkCounts;
  readonly accept: (link: Link) => LinkEvents;
}

/** Gives an accepted connection of the listener "host:port" away; false: it stays here. */
export type PassOn = (listener: string, accepted: net.Socket) => boolean;

/** The sockets of one thread. */
export class NodeTransport implements Transport {
  readonly #thread: LinkThread;
  readonly #passOn: PassOn | undefined;
  /** By "host:port" of the listener, also after it was closed. */
  readonly #accepting = new Map<string, Accepting>();

  constructor(turn: Turn, passOn?: PassOn) {
    const readBuffer = Buffer.allocUnsafeSlow(limits.readBytes);
    this.#thread = { turn, slabs: new Slabs(), readBuffer };
    this.#passOn = passOn;
  }

  /**
   * Some link has bytes that the kernel has not taken. What waits for an HTTP/2 peer's window is on
   * no link yet.
   */
  get hasUnsent(): boolean {
    return this.#thread.slabs.out > 0;
  }

  async listen(
    address: ListenAddress,
    counts: LinkCounts,
    accept: (link: Link) => LinkEvents,
  ): Promise<Listener> {
    const accepting = { counts, accept };
    let listener = '';
    const server = net.createServer(
      { pauseOnConnect: true, allowHalfOpen: true, ...OPTIONS_OF_EACH },
      (accepted) => {
        if (this.#passOn?.(listener, accepted) !== true) this.#adopt(accepted, accepting);
      },
    );
    await open(server, address);
    // What may be passed on has to be a socket, and so has what needs options of its own.
    if (INHERITS_OPTIONS && this.#passOn === undefined) {
      hearHandles(server, (handle) => this.#accept(handle, accepting));
    }
    // The connection is lost, the listener is not. Out of descriptors, libuv accepts and closes
    // what comes, unheard: links are bounded so that it does not come to that (limits.ts).
    server.on('error', () => undefined);
    const bound = server.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : address.port;
    const listening = { host: address.host, port };
    listener = formatSocketAddress(listening);
    this.#accepting.set(listener, accepting);
    return { address: listening, close: () => void server.close() };
  }

  /** A connection that another thread accepted at the listener "host:port". */
  take(listener: string, accepted: net.Socket): void {
    const accepting = this.#accepting.get(listener);
    if (accepting === undefined) accepted.destroy();
    else this.#adopt(accepted, accepting);
  }

  dial(options: DialOptions, events: LinkEvents): Link {
    const link = new NodeLink(this.#thread, options.counts, events, options);
    link.dial(options);
    return link;
  }

  /** A server's sockets cannot read as links do. */
  #adopt(accepted: net.Socket, accepting: Accepting): void {
    const handle = takeHandle(accepted);
    if (handle !== undefined) this.#accept(handle, accepting);
  }

  /** The server does not count it: links are counted in `counts`. */
  #accept(handle: TcpHandle, { counts, accept }: Accepting): void {
    const { turn } = this.#thread;
    turn.enter();
    const link = new NodeLink(this.#thread, counts, NOBODY);
    link.accepted(handle);
    link.events = accept(link);
    turn.leave();
  }
}

/** Makes `server` listen; rejects with the system's error when the address cannot be had. */
async function open(server: net.Server, address: ListenAddress): Promise<void> {
  const { descriptor, host, ipv6Only = false, port } = address;
  const bound =
    descriptor === undefined
      ? new net.BoundSocket({ host: (await lookup(host)).address, port, ipv6Only })
      : undefined;
  try {
    const listening = Promise.withResolvers<void>();
    server.once('error', listening.reject);
    // Before it listens: what comes then has them.
    if (INHERITS_OPTIONS) setInheritedOptions(descriptor ?? bound!.fd());
    if (bound !== undefined) server.listen(bound, BACKLOG, listening.resolve);
    // The server closes what it listens on, so it gets a copy of its own.
    else server.listen({ fd: duplicateDescriptor(descriptor!) }, BACKLOG, listening.resolve);
    await listening.promise;
    server.off('error', listening.reject);
  } catch (error) {
    bound?.[Symbol.dispose]();
    throw error;
  }
}
