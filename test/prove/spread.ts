/**
 * Compares the ways in which connections reach two data threads: by the kernel (SO_REUSEPORT), by
 * hand-over from the main thread, and by one shared queue with passing on, which is what the sidecar
 * does (docs/decisions/007). The argument: repetitions of each spread (30). Small servers of a
 * screenful stand for each way; the last one uses the sidecar's own choice of thread and address.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/deadline.ts';
import { argument, conclude, say } from '../support/proof.ts';
import type { FromSpreadServer, ToSpreadServer, Way } from '../support/spread-model.ts';
import { WAYS } from '../support/spread-model.ts';

const repetitions = argument('repetitions', 30);
const SIZES = [2, 8, 64] as const;
const HOST = '127.0.0.1';
const COST_ROUNDS = 7;
const COST_CONNECTIONS = 600;
const COST_CLIENTS = 8;
const STALL_MS = 1_500;
const STALL_ROUNDS = 3;
const KEPT = 32;
const DIAL_EVERY_MS = 10;
const ANSWER_MS = 5_000;

/** A connection that was answered by `thread`; undefined: reset, ended, or never answered. */
interface Visit {
  readonly socket: net.Socket;
  readonly thread: number | undefined;
  readonly tookMs: number;
}

function visit(port: number): Promise<Visit> {
  const startedMs = performance.now();
  return new Promise((resolve) => {
    const socket = net.connect({ host: HOST, port, noDelay: true }, () => socket.write('?'));
    const timer = setTimeout(() => settle(undefined), ANSWER_MS);
    const settle = (thread: number | undefined): void => {
      clearTimeout(timer);
      resolve({ socket, thread, tookMs: performance.now() - startedMs });
    };
    socket.once('data', (bytes) => settle(Number(bytes.toString())));
    socket.on('error', () => settle(undefined));
    socket.on('close', () => settle(undefined));
    socket.on('end', () => settle(undefined));
  });
}

async function visitOnce(port: number): Promise<Visit> {
  const done = await visit(port);
  done.socket.destroy();
  return done;
}

const visits = (port: number, count: number): Promise<Visit[]> =>
  Promise.all(Array.from({ length: count }, () => visit(port)));

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

/** One server process. */
class Server {
  readonly way: Way;
  readonly port: number;
  readonly #process: ChildProcess;

  private constructor(way: Way, child: ChildProcess, port: number) {
    this.way = way;
    this.#process = child;
    this.port = port;
  }

  static async start(way: Way): Promise<Server> {
    const file = fileURLToPath(new URL('../support/spread-server.ts', import.meta.url));
    const child = fork(file, [way], { execArgv: ['--disable-warning=ExperimentalWarning'] });
    const ready = await next(child, 'ready');
    return new Server(way, child, ready.port);
  }

  /** CPU time of all its threads, microseconds, and the connections open on each. */
  async figures() {
    this.#tell({ type: 'figures' });
    return next(this.#process, 'figures');
  }

  /** Nothing is open on any thread. */
  async emptied(): Promise<void> {
    await eventually('all to be closed', async () => sum((await this.figures()).open) === 0);
  }

  /** Resolves when the thread has stalled, died and been replaced. */
  async stall(thread: number): Promise<void> {
    const replaced = next(this.#process, 'replaced');
    this.#tell({ type: 'stall', thread, ms: STALL_MS });
    await replaced;
  }

  async stop(): Promise<void> {
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  #tell(message: ToSpreadServer): void {
    this.#process.send(message);
  }
}

type Message<T> = Extract<FromSpreadServer, { type: T }>;

async function next<T extends FromSpreadServer['type']>(child: ChildProcess, type: T) {
  for (;;) {
    const [message] = (await once(child, 'message')) as [FromSpreadServer];
    if (message.type === type) return message as Message<T>;
  }
}

/** Share of the busiest thread, in percent, when so many connect at once. */
async function busiest(server: Server, connections: number): Promise<number> {
  const done = await visits(server.port, connections);
  const { open } = await server.figures();
  for (const { socket } of done) socket.destroy();
  await server.emptied();
  return (Math.max(...open) / connections) * 100;
}

/** CPU of the server for a connection: accepted, served once, closed; microseconds. */
async function cost(server: Server): Promise<number> {
  const before = await server.figures();
  await Promise.all(
    Array.from({ length: COST_CLIENTS }, async () => {
      for (let n = 0; n < COST_CONNECTIONS / COST_CLIENTS; n++) {
        await visitOnce(server.port);
      }
    }),
  );
  await server.emptied();
  return ((await server.figures()).cpuUs - before.cpuUs) / COST_CONNECTIONS;
}

interface Losses {
  readonly dialled: number;
  readonly lost: number;
  readonly slowestMs: number;
}

/**
 * Thread 0 stalls and dies while clients dial; it has as many kept connections as the other, or,
 * `idle`, none: it looks the less busy one.
 */
async function losses(server: Server, idle: boolean): Promise<Losses> {
  const kept = await visits(server.port, KEPT);
  if (idle) for (const { socket, thread } of kept) if (thread === 0) socket.destroy();
  if (idle) await eventually('it to be idle', async () => (await server.figures()).open[0] === 0);
  const replaced = new AbortController();
  const died = server.stall(0).then(() => replaced.abort());
  const dialled: Promise<Visit>[] = [];
  while (!replaced.signal.aborted) {
    dialled.push(visitOnce(server.port));
    await Promise.race([pause(DIAL_EVERY_MS), died]);
  }
  const done = await Promise.all(dialled);
  for (const { socket } of kept) socket.destroy();
  await server.emptied();
  const answered = done.filter(({ thread }) => thread !== undefined);
  return {
    dialled: done.length,
    lost: done.length - answered.length,
    slowestMs: Math.max(...answered.map(({ tookMs }) => tookMs)),
  };
}

/** Whether another process of this user, this one, can listen on the port as well. */
function stolen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const thief = net.createServer();
    thief.once('error', () => resolve(false));
    thief.listen({ host: HOST, port, reusePort: true }, () => thief.close(() => resolve(true)));
  });
}

type Rows = Map<string, Partial<Record<Way, string>>>;

function put(rows: Rows, row: string, way: Way, value: string): void {
  rows.set(row, { ...rows.get(row), [way]: value });
}

/** Ways in turn within each repetition: what else the machine does meets them alike. */
async function compareSpread(servers: readonly Server[], rows: Rows): Promise<void> {
  for (const size of SIZES) {
    const shares = new Map(servers.map(({ way }) => [way, [] as number[]]));
    for (let n = 0; n < repetitions; n++) {
      for (const server of servers) shares.get(server.way)?.push(await busiest(server, size));
    }
    for (const [way, all] of shares) {
      const value = `${median(all).toFixed(0)} %, ${Math.max(...all).toFixed(0)} %`;
      put(rows, `busiest of 2 threads, ${size} connections: median, worst`, way, value);
    }
  }
}

async function compareCost(servers: readonly Server[], rows: Rows): Promise<void> {
  for (const server of servers) await cost(server);
  const costs = new Map(servers.map(({ way }) => [way, [] as number[]]));
  for (let n = 0; n < COST_ROUNDS; n++) {
    for (const server of servers) costs.get(server.way)?.push(await cost(server));
  }
  for (const [way, all] of costs) {
    const value = `${median(all).toFixed(0)} (${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)})`;
    put(rows, 'CPU a connection, us: median (range)', way, value);
  }
}

async function compareLosses(servers: readonly Server[], rows: Rows): Promise<void> {
  for (const server of servers) {
    for (const idle of [false, true]) {
      const rounds: Losses[] = [];
      for (let n = 0; n < STALL_ROUNDS; n++) rounds.push(await losses(server, idle));
      const where = idle ? 'which had none' : 'which had half';
      const lost = sum(rounds.map((round) => round.lost));
      const dialled = sum(rounds.map((round) => round.dialled));
      const slowest = Math.max(...rounds.map(({ slowestMs }) => slowestMs));
      put(rows, `lost while a thread dies, ${where}`, server.way, `${lost} of ${dialled}`);
      put(rows, `slowest answer then, ms, ${where}`, server.way, slowest.toFixed(0));
    }
    say(`${server.way}: stalled and died ${2 * STALL_ROUNDS} times`);
  }
}

function print(rows: Rows): void {
  const widths = [...rows.keys()].map(({ length }) => length);
  const width = Math.max(...widths) + 2;
  say(`\n${''.padEnd(width)}${WAYS.map((way) => way.padEnd(20)).join('')}`);
  for (const [row, cells] of rows) {
    say(`${row.padEnd(width)}${WAYS.map((way) => (cells[way] ?? '-').padEnd(20)).join('')}`);
  }
}

const servers = await Promise.all(WAYS.map((way) => Server.start(way)));
const several = servers.filter(({ way }) => way !== 'one-thread');
const rows: Rows = new Map();
const problems: string[] = [];
try {
  await compareSpread(several, rows);
  say('spread compared');
  await compareCost(servers, rows);
  say('cost compared');
  await compareLosses(several, rows);
  for (const { port, way } of servers) {
    const value = await stolen(port);
    put(rows, 'a second process can take the port', way, value ? 'yes' : 'no');
    if (value && way === 'shared-queue') problems.push('the port can be taken');
  }
  print(rows);
} finally {
  await Promise.all(servers.map((server) => server.stop()));
}
conclude('spread', { repetitions, cores: navigator.hardwareConcurrency }, problems);
