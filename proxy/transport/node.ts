/** The transport over Node's TCP sockets. The only file of the data path that knows `node:net`. */
import net from 'node:net';
import { limits } from '../limits.ts';
import type { ListenAddress } from '../model/thread.ts';
import { duplicateDescriptor } from './descriptor.ts';
import {
  type DialOptions,
  LINK_OPENED,
  type Link,
  type LinkCounts,
  type LinkEvents,
  type Listener,
  type Transport,
} from './link.ts';
import { NodeLink } from './node-link.ts';
import { Slabs } from './slabs.ts';
import type { Turn } from './turn.ts';

const BACKLOG = 4096;

/** What Node calls the descriptor of a socket; private, so checked before use. */
interface HandleOwner {
  _handle: net.SocketConstructorOpts['handle'] | null;
}

/** The sockets of one thread. */
export class NodeTransport implements Transport {
  readonly #turn: Turn;
  readonly #slabs = new Slabs();
  /** Every read of the thread lands here: links are lent it for the call. */
  readonly #readBuffer: Buffer = Buffer.allocUnsafeSlow(limits.readBytes);

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  async listen(
    address: ListenAddress,
    counts: LinkCounts,
    accept: (link: Link) => LinkEvents,
  ): Promise<Listener> {
    const server = net.createServer(
      { pauseOnConnect: true, allowHalfOpen: true, noDelay: true, keepAlive: true },
      (accepted) => this.#accept(accepted, counts, accept),
    );
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      const listening = (): void => {
        server.off('error', reject);
        resolve();
      };
      const { descriptor, host, port } = address;
      if (descriptor === undefined) server.listen({ host, port, backlog: BACKLOG }, listening);
      // The server closes what it listens on, so it gets a copy of its own.
      else server.listen({ fd: duplicateDescriptor(descriptor) }, BACKLOG, listening);
    });
    // Out of descriptors, for one: the connection is lost, the listener is not.
    server.on('error', () => undefined);
    const bound = server.address();
    const port = bound !== null && typeof bound === 'object' ? bound.port : address.port;
    return { address: { host: address.host, port }, close: () => void server.close() };
  }

  dial(options: DialOptions, events: LinkEvents): Link {
    const link = new NodeLink(
      this.#turn,
      this.#slabs,
      options.counts,
      events,
      `${options.host}:${options.port}`,
    );
    link.attach(
      net.connect({
        host: options.host,
        port: options.port,
        ...(options.from === undefined ? {} : { localAddress: options.from }),
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        onread: { buffer: this.#readBuffer, callback: link.onRead },
      }),
    );
    return link;
  }

  /**
   * A server's sockets know no `onread`; their handle moves to a socket that does. The server
   * counts neither kind from then on: links are counted in `counts`.
   */
  #accept(accepted: net.Socket, counts: LinkCounts, accept: (link: Link) => LinkEvents): void {
    const owner = accepted as unknown as HandleOwner;
    const handle = owner._handle;
    if (handle === null || handle === undefined) return;
    owner._handle = null;
    accepted.destroy();
    this.#turn.enter();
    const link = new NodeLink(this.#turn, this.#slabs, counts, NOBODY, undefined);
    const socket = new net.Socket({
      handle,
      allowHalfOpen: true,
      onread: { buffer: this.#readBuffer, callback: link.onRead },
    });
    link.attach(socket);
    counts[LINK_OPENED]! += 1;
    link.events = accept(link);
    this.#turn.leave();
  }
}

const NOBODY: LinkEvents = {
  onOpen() {},
  onBytes() {},
  onEnd() {},
  onSent() {},
  onClose() {},
};
