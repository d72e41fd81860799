/** What happens in the office, told to whoever watches `/live`, as it happens (WebSocket). */
import type { Server } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';

const NOT_FOUND = 'HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
const OPEN: Happening = { what: 'the office is open' };
/** Those who watch have nothing to say. */
const MESSAGE_BYTES_MAX = 1_000;
/** Who does not read loses the connection, and what was to be said on it. */
const UNREAD_BYTES_MAX = 64 * 1_024;
const GOODBYE_MS = 1_000;
/** RFC 6455 section 7.4.1. */
const GOING_AWAY = 1001;

/** What happened, and to which parcel. */
export interface Happening {
  readonly parcel?: number;
  readonly what: string;
}

/** Tells all who watch. */
export class LiveBoard {
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES_MAX,
  });

  /** Serves `/live` on `server` until SIGTERM. */
  open(server: Server): void {
    server.on('upgrade', (request, socket, head) => {
      // Who breaks off has closed, and that is all there is to say about it.
      socket.on('error', () => {});
      if (request.url !== '/live') {
        socket.end(NOT_FOUND);
        return;
      }
      this.#sockets.handleUpgrade(request, socket, head, (watcher) => {
        watcher.on('error', () => {});
        watcher.send(JSON.stringify(OPEN));
        if (!server.listening) watcher.close(GOING_AWAY);
      });
    });
    process.once('SIGTERM', () => this.#close());
  }

  tell(happening: Happening): void {
    const message = JSON.stringify(happening);
    for (const watcher of this.#sockets.clients) {
      if (watcher.readyState !== WebSocket.OPEN) continue;
      if (watcher.bufferedAmount > UNREAD_BYTES_MAX) watcher.terminate();
      else watcher.send(message);
    }
  }

  #close(): void {
    const { clients } = this.#sockets;
    for (const watcher of clients) watcher.close(GOING_AWAY);
    const breakOff = (): void => clients.forEach((watcher) => watcher.terminate());
    setTimeout(breakOff, GOODBYE_MS).unref();
  }
}
