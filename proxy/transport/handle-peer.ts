/** The two ends of a connection, as its handle knows them. */
import { originalDestination } from '../../base/libc.ts';
import type { SocketAddress } from '../../base/settings.ts';
import type { Peer } from './link.ts';
import type { EndName, TcpHandle } from './tcp-handle.ts';

/** IPv4 on a socket of both families. */
const MAPPED = '::ffff:';

/** What is asked of a link once or never: each answer costs a system call, and is kept. */
export class HandlePeer implements Peer {
  readonly #handle: TcpHandle | undefined;
  #near: EndName | undefined = undefined;
  #far: EndName | undefined = undefined;

  /** Of a connection that is open, or only just dialled: it knows its own end then, not the other. */
  constructor(handle: TcpHandle | undefined) {
    this.#handle = handle;
  }

  get local(): string {
    return textOf(this.#own());
  }

  get remote(): string {
    if (this.#far === undefined) this.#handle?.getpeername((this.#far = {}));
    return textOf(this.#far);
  }

  get originalDst(): SocketAddress | undefined {
    const descriptor = this.#handle?.fd ?? -1;
    const { address, port = 0 } = this.#own();
    if (process.platform !== 'linux' || address === undefined || descriptor < 0) return undefined;
    const host = address.startsWith(MAPPED) ? address.slice(MAPPED.length) : address;
    const found = originalDestination(descriptor, host.includes(':') ? 6 : 4);
    if (found === undefined) return undefined;
    // What is tracked and was not redirected was going where it is.
    return found.port === port && found.host === host ? undefined : found;
  }

  #own(): EndName {
    if (this.#near === undefined) this.#handle?.getsockname((this.#near = {}));
    return this.#near ?? NOWHERE;
  }
}

const NOWHERE: EndName = {};

const textOf = ({ address = '', port = 0 }: EndName = NOWHERE): string => `${address}:${port}`;
