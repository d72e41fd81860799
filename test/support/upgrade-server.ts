/** Node's own HTTP/1.1 server that grants upgrades and CONNECT, and sends back what comes through. */
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { withDeadline } from './deadline.ts';

/** What its upgrades are for. */
export const ECHO = 'echo/1';

export class UpgradeServer implements AsyncDisposable {
  /** Requests that came, "METHOD target upgrade"; and the bytes right behind their heads. */
  readonly asked: string[] = [];
  readonly heads: Buffer[] = [];
  readonly #server: http.Server;
  readonly #sockets = new Set<Socket>();

  private constructor() {
    this.#server = http.createServer((request, response) => {
      request.resume();
      this.#ask(request);
      response.end('plain');
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
    this.#server.on('connect', (request, socket, head) => {
      this.#ask(request);
      echo(socket, 'HTTP/1.1 200 Connection established\r\n\r\n', head);
    });
  }

  static async listen(): Promise<UpgradeServer> {
    const server = new UpgradeServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open. */
  get open(): number {
    return this.#sockets.size;
  }

  /** Resets every connection. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  #ask({ headers, method, url }: http.IncomingMessage): void {
    this.asked.push(`${method} ${url} ${headers.upgrade ?? '-'}`);
  }

  #upgrade(request: http.IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#ask(request);
    this.heads.push(head);
    if (request.headers.upgrade !== ECHO) {
      socket.end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    const answer = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${ECHO}\r\n\r\n`;
    echo(socket, `${answer}hello `, head);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await withDeadline('an upgrade server to close', closed);
  }
}

function echo(socket: Duplex, answer: string, head: Buffer): void {
  socket.write(answer);
  socket.write(head);
  socket.on('error', () => undefined);
  socket.pipe(socket);
}
