/** A thread of spread-server.ts: answers each connection's bytes with its number. */
import net from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { duplicateDescriptor } from '../../base/libc.ts';
import { Neighbours } from '../../proxy/accept/neighbours.ts';
import {
  type FromSpreadThread,
  OpenCounts,
  type ThreadTask,
  type ToSpreadThread,
} from './spread-model.ts';

const BACKLOG = 4096;
const { listen, neighbours: shared, open, thread, way } = workerData as ThreadTask;
const counts = new OpenCounts(open);
const neighbours = new Neighbours(shared, counts.of);

const tell = (message: FromSpreadThread, transfer: readonly net.Socket[] = []): void =>
  parentPort?.postMessage(message, transfer as never);

/** Not yet counted: who hands over has counted it already. */
function serve(socket: net.Socket): void {
  socket.on('data', () => socket.write(`${thread}\n`));
  socket.on('error', () => undefined);
  socket.on('close', () => counts.add(thread, -1));
  socket.resume();
}

function accept(socket: net.Socket): void {
  const to = way === 'shared-queue' ? neighbours.choose(thread) : thread;
  if (to !== thread) return tell({ type: 'pass', to, socket }, [socket]);
  counts.add(thread, 1);
  serve(socket);
}

function take(socket: net.Socket): void {
  if (way === 'shared-queue') {
    neighbours.taken(thread);
    counts.add(thread, 1);
  }
  serve(socket);
}

parentPort?.on('message', (message: ToSpreadThread) => {
  if (message.type === 'take') return take(message.socket);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message.ms);
  process.exit(1);
});

if (listen === undefined) tell({ type: 'listening', port: 0 });
else {
  const { descriptor, host, port } = listen;
  const server = net.createServer({ pauseOnConnect: true, noDelay: true }, accept);
  const listening = (): void =>
    tell({ type: 'listening', port: (server.address() as net.AddressInfo).port });
  if (descriptor === undefined) {
    const reusePort = way === 'reuse-port';
    server.listen({ host, port, reusePort, backlog: BACKLOG }, listening);
  } else server.listen({ fd: duplicateDescriptor(descriptor) }, BACKLOG, listening);
}
