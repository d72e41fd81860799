/**
 * A server of two threads whose connections reach them in the way that its argument names; no more
 * than the proof "spread" needs to compare the ways. A thread that dies is replaced.
 */
import { once } from 'node:events';
import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { Neighbours, shareNeighbours } from '../../proxy/accept/neighbours.ts';
import type { ListenAddress } from '../../proxy/model/thread.ts';
import { reserveAddress } from '../../proxy/transport/reserved-address.ts';
import {
  type FromSpreadServer,
  type FromSpreadThread,
  OpenCounts,
  type ThreadTask,
  type ToSpreadServer,
  type ToSpreadThread,
  WAYS,
} from './spread-model.ts';

const HOST = '127.0.0.1';
const BACKLOG = 4096;
const way = WAYS.find((one) => one === process.argv[2]) ?? 'one-thread';
const threads = way === 'one-thread' ? 1 : 2;
const counts = OpenCounts.for(threads);
const shared = shareNeighbours(threads);
const neighbours = new Neighbours(shared, counts.of);
const workers: (Worker | undefined)[] = [];
let listen: ListenAddress | undefined = { host: HOST, port: 0 };

const say = (message: FromSpreadServer): void => void process.send?.(message);

function post(thread: number, message: ToSpreadThread, transfer: readonly net.Socket[] = []): void {
  workers[thread]?.postMessage(message, transfer as never);
}

/** Starts the thread; resolves with the port it listens on once it serves. */
async function start(thread: number): Promise<number> {
  const task: ThreadTask = { way, thread, listen, open: counts.shared, neighbours: shared };
  const worker = new Worker(new URL('spread-thread.ts', import.meta.url), { workerData: task });
  const [{ port }] = (await once(worker, 'message')) as [{ port: number }];
  worker.on('message', (message: FromSpreadThread) => {
    if (message.type === 'pass') pass(message.to, message.socket);
  });
  worker.once('exit', () => void replace(thread));
  neighbours.began(thread);
  workers[thread] = worker;
  return port;
}

/** As the sidecar does (proxy/control/data-threads.ts): to another when that one is not there. */
function pass(to: number, socket: net.Socket): void {
  let taker: number | undefined = to;
  if (workers[to] === undefined) {
    taker = neighbours.least((thread) => workers[thread] !== undefined);
    if (taker !== undefined) neighbours.passed(taker);
  }
  if (taker === undefined) socket.destroy();
  else post(taker, { type: 'take', socket }, [socket]);
}

async function replace(thread: number): Promise<void> {
  workers[thread] = undefined;
  counts.reset(thread);
  await start(thread);
  say({ type: 'replaced' });
}

/** To the thread with the fewest connections, those on their way to it included. */
function handOver(socket: net.Socket): void {
  const living = workers.flatMap((worker, thread) => (worker === undefined ? [] : [thread]));
  const [least] = living.toSorted((a, b) => counts.of(a) - counts.of(b));
  if (least === undefined) return void socket.destroy();
  counts.add(least, 1);
  post(least, { type: 'take', socket }, [socket]);
}

async function listenHere(): Promise<number> {
  const server = net.createServer({ pauseOnConnect: true, noDelay: true }, handOver);
  await new Promise<void>((resolve) => void server.listen(0, HOST, BACKLOG, resolve));
  return (server.address() as net.AddressInfo).port;
}

async function serve(): Promise<number> {
  if (way === 'shared-queue') listen = (await reserveAddress({ host: HOST, port: 0 })).address;
  else if (way === 'hand-over') listen = undefined;
  for (let thread = 0; thread < threads; thread++) {
    const port = await start(thread);
    // The next ones listen on the port that the system chose for the first.
    if (listen?.port === 0) listen = { ...listen, port };
  }
  return listen?.port ?? listenHere();
}

process.on('message', (message: ToSpreadServer) => {
  if (message.type === 'stall') return post(message.thread, { type: 'stall', ms: message.ms });
  const { system, user } = process.cpuUsage();
  const open = Array.from({ length: threads }, (_, thread) => counts.of(thread));
  say({ type: 'figures', cpuUs: user + system, open });
});
process.on('disconnect', () => process.exit(0));

say({ type: 'ready', port: await serve() });
