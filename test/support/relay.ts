/** A relay in front of a server, which can die as a machine does: nobody can dial it, then all is lost. */
import { once } from 'node:events';
import net from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { splitAddress } from './scripted-peer.ts';

/** Passes bytes between whoever dials `address` and the server. */
export class Relay {
  readonly address: string;
  readonly #server: net.Server;
  readonly #sockets: Set<net.Socket>;

  private constructor(server: net.Server, sockets: Set<net.Socket>) {
    const { port } = server.address() as net.AddressInfo;
    this.address = `127.0.0.1:${port}`;
    this.#server = server;
    this.#sockets = sockets;
  }

  /** `to`: "127.0.0.1:4143". */
  static async listen(to: string): Promise<Relay> {
    const sockets = new Set<net.Socket>();
    const [host, port] = splitAddress(to);
    const server = net.createServer((near) => {
      const far = net.connect({ host, port, noDelay: true });
      near.setNoDelay();
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(socket);
        socket.once('close', () => {
          sockets.delete(socket);
          other.destroy();
        });
        socket.on('error', () => undefined);
        socket.pipe(other);
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Relay(server, sockets);
  }

  /**
   * Refuses dials from now on, and a turn later resets every connection. A process that is killed
   * may lose connections while it still seems to listen: what is dialled in between is lost too.
   */
  async die(): Promise<void> {
    this.#server.close();
    await turn();
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.die();
  }
}
