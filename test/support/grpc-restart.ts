/**
 * A gRPC service of three replicas whose connections end by their age, and which are restarted one by
 * one, under load through a sidecar: unary calls one behind the other, and streams that last longer
 * than a replica that stops waits for.
 */
import { setTimeout as pause } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { GrpcServer, METHODS, SERVICE, type CallPlan, type Grpc } from './grpc-peers.ts';
import { parseSamples, sumOf } from './prometheus-text.ts';
import { Sidecar } from './sidecar.ts';

const REPLICAS = 3;
const CALLERS = 6;
const STREAMS = 6;
/** Connections say goodbye at this age; what is open then has the grace. */
const AGE = { 'grpc.max_connection_age_ms': 2_000, 'grpc.max_connection_age_grace_ms': 6_000 };
/** 1.6 s: shorter than that grace. */
const STREAM: CallPlan = { answers: Array.from({ length: 16 }, () => 50), everyMs: 100 };
/** Shorter than most streams have left. */
const STOP_GRACE_MS = 200;
/** Between two replicas. */
const SETTLE_MS = 700;
const CALL_PAUSE_MS = 3;
const CALL_MS = 10_000;
const PROBLEMS_KEPT = 10;

/** What came of it. */
export interface RestartTotals {
  readonly restarts: number;
  readonly calls: number;
  readonly streams: number;
  /** Streams that ended with UNAVAILABLE because their server stopped. */
  readonly cut: number;
  /** Connections that the sidecar made. */
  readonly connections: number;
  /** Unary calls that failed, and streams that ended as they should not have: the first ones. */
  readonly problems: readonly string[];
}

const same = (bytes: Buffer): Buffer => bytes;

class Restarts {
  calls = 0;
  streams = 0;
  cut = 0;
  restarts = 0;
  readonly problems: string[] = [];
  /** When each port's server stopped last. */
  readonly #stoppedMs = new Map<string, number>();
  readonly #client: grpc.Client;
  #over = false;

  constructor(address: string) {
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure(), {
      'grpc.default_authority': 'web',
      'grpc.enable_http_proxy': 0,
      'grpc.use_local_subchannel_pool': 1,
      // What the sidecar does is looked at, not what the client makes of it.
      'grpc.enable_retries': 0,
    });
  }

  async load(): Promise<void> {
    const callers = Array.from({ length: CALLERS }, () => this.#repeat(() => this.#call()));
    const streams = Array.from({ length: STREAMS }, () => this.#repeat(() => this.#stream()));
    await Promise.all([...callers, ...streams]);
  }

  end(): void {
    this.#over = true;
  }

  close(): void {
    this.#client.close();
  }

  /** Stops the replica, its streams with it, and starts it again on its port. */
  async restart(kind: Grpc, replica: GrpcServer): Promise<GrpcServer> {
    const { port } = replica;
    this.#stoppedMs.set(String(port), performance.now());
    await replica.stop(STOP_GRACE_MS);
    await replica.kill();
    this.restarts++;
    return GrpcServer.start(kind, { port, channel: AGE });
  }

  async #repeat(once: () => Promise<void>): Promise<void> {
    while (!this.#over) {
      await once();
      await pause(CALL_PAUSE_MS);
    }
  }

  #call(): Promise<void> {
    this.calls++;
    const payload = Buffer.from(`call ${this.calls}`);
    const told = Promise.withResolvers<void>();
    const options = { deadline: Date.now() + CALL_MS };
    const path = `/${SERVICE}/${METHODS.unary}`;
    const metadata = new grpc.Metadata();
    this.#client.makeUnaryRequest<Buffer, Buffer>(
      path,
      same,
      same,
      payload,
      metadata,
      options,
      (error, answer) => {
        if (error !== null) this.#problem(`a unary call: ${error.message}`);
        else if (answer?.equals(payload) !== true) this.#problem('a wrong answer');
        told.resolve();
      },
    );
    return told.promise;
  }

  async #stream(): Promise<void> {
    this.streams++;
    const beganMs = performance.now();
    const metadata = new grpc.Metadata();
    metadata.set('x-plan', JSON.stringify(STREAM));
    const path = `/${SERVICE}/${METHODS.server}`;
    const call = this.#client.makeServerStreamRequest(path, same, same, Buffer.alloc(0), metadata);
    let messages = 0;
    let server = '';
    call.on('data', () => messages++);
    call.on('error', () => undefined);
    call.once('metadata', (initial: grpc.Metadata) => (server = String(initial.get('x-server'))));
    const { code, details } = await new Promise<grpc.StatusObject>((resolve) =>
      call.once('status', resolve),
    );
    const whole = messages === STREAM.answers?.length;
    if (code === grpc.status.OK && whole) return;
    const stopped = (this.#stoppedMs.get(server) ?? 0) > beganMs;
    if (code === grpc.status.UNAVAILABLE && stopped) this.cut++;
    else this.#problem(`a stream of ${server}: ${code} ${details} after ${messages} messages`);
  }

  #problem(what: string): void {
    if (this.problems.length < PROBLEMS_KEPT) this.problems.push(what);
  }
}

/** Replicas of `kind` behind a sidecar, under load while `meanwhile` happens to them. */
async function underLoad(
  kind: Grpc,
  meanwhile: (restarts: Restarts, replicas: GrpcServer[]) => Promise<void>,
): Promise<RestartTotals> {
  const replicas = await Promise.all(
    Array.from({ length: REPLICAS }, () => GrpcServer.start(kind, { channel: AGE })),
  );
  let sidecar: Sidecar | undefined;
  let restarts: Restarts | undefined;
  try {
    sidecar = await Sidecar.outbound(replicas.map(({ port }) => port));
    restarts = new Restarts(sidecar.address);
    const load = restarts.load();
    await pause(SETTLE_MS);
    await meanwhile(restarts, replicas);
    restarts.end();
    await load;
    const samples = parseSamples((await sidecar.admin('/metrics')).text);
    const connections = sumOf(samples, 'tcp_open_total', { direction: 'outbound', peer: 'dst' });
    const { calls, cut, problems, restarts: count, streams } = restarts;
    return { restarts: count, calls, streams, cut, connections, problems };
  } finally {
    restarts?.end();
    restarts?.close();
    await sidecar?.stop();
    await Promise.all(replicas.map((replica) => replica.kill()));
  }
}

/**
 * Restarts all replicas, `rounds` times. Of grpc-js: a server of the C core that stops answers calls
 * that reach it then with CANCELLED, which is an answer as good as any other to who is between.
 */
export const restartUnderLoad = (
  rounds: number,
  say: (line: string) => void = () => undefined,
): Promise<RestartTotals> =>
  underLoad('js', async (restarts, replicas) => {
    for (let round = 0; round < rounds; round++) {
      for (const [i, replica] of replicas.entries()) {
        replicas[i] = await restarts.restart('js', replica);
        await pause(SETTLE_MS);
      }
      say(`${restarts.restarts} restarts, ${restarts.calls} calls, ${restarts.cut} streams cut`);
    }
  });

/** Lets connections reach their age, again and again, for `ms`. */
export const ageUnderLoad = (kind: Grpc, ms: number): Promise<RestartTotals> =>
  underLoad(kind, () => pause(ms));
