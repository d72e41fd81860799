/**
 * What lies under a `net.Server`: it hears of a connection before Node makes a socket of it. A server's
 * sockets cannot read as links do, so that socket would be thrown away: 12 us and 0.4 KiB a connection.
 *
 * Node's private side, so it is checked: where something is not as it is known, Node's own way is gone.
 * On Linux a connection begins with the options of the socket that listened for it; there they are set once.
 */
import type net from 'node:net';
import { setListenerOptions } from '../../base/libc.ts';
import type { TcpHandle } from './tcp-handle.ts';

/** What Node has under a socket; private, so checked before use. */
interface HandleOwner {
  _handle: TcpHandle | null | undefined;
}

/** What Node has under a server; private, so checked before use. */
interface Listening {
  onconnection?: unknown;
}

/**
 * TCP keep-alive of every connection: asked after this long, then once a second. A peer that is gone is
 * noticed after ten questions, but where there is a user timeout: that decides instead (tcp(7)).
 */
export const KEEP_ALIVE_AFTER_MS = 30_000;
const KEEP_ALIVE_EVERY_S = 1;
const KEEP_ALIVE_PROBES = 10;

/** Whether connections have the options of their listener, as those of Linux do. */
export const INHERITS_OPTIONS: boolean = process.platform === 'linux';

/**
 * Sets what the connections of the socket `descriptor`, which does not listen yet, will begin with:
 * nothing waits to be sent with more, and keep-alive. Throws when the kernel refuses. Where
 * INHERITS_OPTIONS.
 */
export function setInheritedOptions(descriptor: number): void {
  const afterS = KEEP_ALIVE_AFTER_MS / 1_000;
  if (setListenerOptions(descriptor, afterS, KEEP_ALIVE_EVERY_S, KEEP_ALIVE_PROBES)) return;
  throw new Error('the options of the listening socket cannot be set');
}

/**
 * `hear` is given what lies under each connection of `server`, which listens, instead of the server's
 * listener being given a socket; false when that cannot be, and sockets come as ever.
 */
export function hearHandles(server: net.Server, hear: (handle: TcpHandle) => void): boolean {
  const { _handle: handle } = server as unknown as { readonly _handle?: Listening | null };
  if (typeof handle?.onconnection !== 'function') return false;
  // Out of descriptors, or gone before it was accepted: that connection is lost, the listener is not.
  handle.onconnection = (failure: number, accepted: TcpHandle | undefined): void => {
    if (failure === 0 && accepted !== undefined) hear(accepted);
  };
  return true;
}

/** What lies under `socket`, which is nothing any more; undefined where that is gone. */
export function takeHandle(socket: net.Socket): TcpHandle | undefined {
  const owner = socket as unknown as HandleOwner;
  const handle = owner._handle;
  if (handle === null || handle === undefined) return undefined;
  owner._handle = null;
  socket.destroy();
  return handle;
}
