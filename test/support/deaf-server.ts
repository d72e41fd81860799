/**
 * A server that accepts nothing and whose queue of connections is full, so that the kernel leaves
 * further dials to it without an answer, as a firewall would.
 */
import { once } from 'node:events';
import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { withDeadline } from './deadline.ts';

/** Listens, says its port, and then never turns its loop again. */
const DEAF = `
const { parentPort, workerData } = require('node:worker_threads');
const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(new Int32Array(workerData), 0, 0);
});
`;
/** Linux queues one more than the backlog says; one dial that waits shows that it is full. */
const DIALS = 3;

export class DeafServer {
  readonly port: number;
  readonly #worker: Worker;
  readonly #sockets: readonly net.Socket[];

  private constructor(worker: Worker, port: number) {
    this.#worker = worker;
    this.port = port;
    this.#sockets = Array.from({ length: DIALS }, () =>
      net.connect({ port, host: '127.0.0.1' }).on('error', () => undefined),
    );
  }

  static async listen(): Promise<DeafServer> {
    const worker = new Worker(DEAF, { eval: true, workerData: new SharedArrayBuffer(4) });
    const [port] = (await withDeadline('a deaf server', once(worker, 'message'))) as [number];
    const server = new DeafServer(worker, port);
    const connects = server.#sockets.slice(0, -1).map((socket) => once(socket, 'connect'));
    await withDeadline('its queue to fill', Promise.all(connects));
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await this.#worker.terminate();
  }
}
