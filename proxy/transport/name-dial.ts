/**
 * Dials a host by its name, at each of its addresses until one accepts (RFC 8305): rare, and Node's
 * sockets do it well. What lies under the one that is connected becomes a link's.
 */
import net from 'node:net';
import type { DialOptions } from './link.ts';
import { takeHandle } from './listening-handle.ts';
import type { TcpHandle } from './tcp-handle.ts';

/** Hears what comes of it. */
export interface NameDialEvents {
  found(handle: TcpHandle): void;
  /** Why, by the system's name or in words. */
  failed(reason: string): void;
  /** Nothing is left of it: not said of one that was found. */
  onHandleClosed(): void;
}

/** One dial. */
export class NameDial {
  readonly #socket: net.Socket;

  constructor({ from, host, port }: DialOptions, events: NameDialEvents) {
    const over = (): void => events.onHandleClosed();
    const localAddress = from === undefined ? {} : { localAddress: from };
    const socket = net.connect({ host, port, allowHalfOpen: true, ...localAddress });
    this.#socket = socket;
    socket.once('error', (error: NodeJS.ErrnoException) =>
      events.failed(error.code ?? error.message),
    );
    socket.once('close', over);
    socket.once('connect', () => {
      socket.off('close', over);
      const handle = takeHandle(socket);
      if (handle !== undefined) events.found(handle);
    });
  }

  /** It is not wanted any more: `onHandleClosed` comes, later. */
  giveUp(): void {
    this.#socket.destroy();
  }
}
