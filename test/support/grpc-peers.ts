/**
 * Real gRPC clients and servers for tests, each its own process: those of @grpc/grpc-js
 * (grpc-peer.ts) and of grpcio, the C core (grpc-peer.py). All serve one service, which does what its
 * caller's x-plan says, and make calls that are told as JSON.
 *
 *   test ─ {"id", "op", …} ─> client peer ═ gRPC ═> server peer <─ {"id", "op", …} ─ test
 *        <─ {"id", outcome} ─                            ─ {"id", state} ─>
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { withDeadline } from './deadline.ts';

/** The service that all peers serve. */
export const SERVICE = 'culvert.test.Calls';
/** The kinds of calls, and the method that is of each. */
export const METHODS = {
  unary: 'Unary',
  server: 'ServerStream',
  client: 'ClientStream',
  bidi: 'Bidi',
} as const;
export type CallKind = keyof typeof METHODS;

/** What the server does with a call. By itself it answers with what it is asked, and OK. */
export interface CallPlan {
  /** By which the server tells what became of it. */
  readonly name?: string;
  /** Sizes of a stream's answers. */
  readonly answers?: readonly number[];
  /** Between these. */
  readonly everyMs?: number;
  /** How it ends. */
  readonly code?: number;
  readonly details?: string;
  /** No initial metadata: a call that fails is answered by trailers only. */
  readonly bare?: boolean;
  /** It does not end by itself. */
  readonly hang?: boolean;
  /** It takes no more than so many messages. */
  readonly stop?: number;
}

/** One call. Values of metadata whose names end with "-bin" are base64. */
export interface GrpcCall {
  readonly kind: CallKind;
  /** Sizes of what is sent; a server-streaming or unary call sends one. */
  readonly messages?: readonly number[];
  readonly plan?: CallPlan;
  /** "e-…" comes back in the initial metadata, with "x-server", its port; "t-…" in the trailing. */
  readonly metadata?: readonly (readonly [name: string, value: string])[];
  /** Another method than the kind's. */
  readonly method?: string;
  readonly timeoutMs?: number;
  /** The caller leaves when a message has come. */
  readonly cancelOn?: 'message';
}

/** What the test does while a call is under way. */
export interface CallEvents {
  /** A message has come. */
  readonly onMessage?: () => void;
  /** The caller leaves when this is. */
  readonly cancelWhen?: Promise<unknown>;
}

/** What came of it, as the client's library tells it. */
export interface GrpcOutcome {
  readonly code: number;
  readonly details: string;
  /** "length:hash" of each. */
  readonly messages: readonly string[];
  readonly initial: readonly (readonly [name: string, value: string])[];
  readonly trailing: readonly (readonly [name: string, value: string])[];
}

/** A command, as a peer reads it. */
export interface PeerCommand extends Omit<Required<GrpcCall>, 'timeoutMs' | 'cancelOn'> {
  readonly id: number;
  readonly op: 'call' | 'cancel' | 'many' | 'state' | 'stop';
  /** Of the call that is to be cancelled. */
  readonly callId: number;
  readonly address: string;
  readonly count: number;
  readonly graceMs: number;
  /** Say it when a message has come: {"id", "message": how many}. */
  readonly progress: boolean;
  readonly timeoutMs?: number;
  readonly cancelOn?: 'message';
}

/** How a peer is started. */
export interface PeerOptions {
  /** Of a server; 0 is any. */
  readonly port?: number;
  /** Options of the channel or server, on top of its own. */
  readonly channel?: Readonly<Record<string, number | string>>;
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Not what else is called so: Debian's, for which the package is made. */
export const PYTHON = '/usr/bin/python3';

/** The implementations, and how their peers are run. */
const PROGRAMS = {
  js: [process.execPath, 'test/support/grpc-peer.ts'],
  core: [PYTHON, 'test/support/grpc-peer.py'],
} as const;
/** An implementation of gRPC. */
export type Grpc = keyof typeof PROGRAMS;
export const GRPCS = Object.keys(PROGRAMS) as readonly Grpc[];

let missing: string | false | undefined;

/** A reason to skip where grpcio is not installed; false where it is. */
export function withoutGrpcio(): string | false {
  missing ??= hasGrpcio() ? false : 'grpcio is not installed (Debian package python3-grpcio)';
  return missing;
}

function hasGrpcio(): boolean {
  if (!existsSync(PYTHON)) return false;
  try {
    execFileSync(PYTHON, ['-c', 'import grpc.aio'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

const CALL_MS = 60_000;
const START_MS = 20_000;

/** One process, a client or a server. */
class Peer implements AsyncDisposable {
  readonly ready: Promise<{ readonly port: number }>;
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #answers = new Map<number, (answer: unknown) => void>();
  readonly #progress = new Map<number, () => void>();
  #nextId = 1;
  #stderr = '';

  constructor(grpc: Grpc, role: 'serve' | 'call', { port = 0, channel = {} }: PeerOptions) {
    const [program, ...args] = [...PROGRAMS[grpc], role, JSON.stringify({ port, channel })];
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, GRPC_VERBOSITY: 'NONE', NO_COLOR: '1' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    running.add(child);
    const ready = Promise.withResolvers<{ port: number }>();
    this.ready = withDeadline(`a gRPC peer of ${grpc}`, ready.promise, START_MS);
    this.ready.catch(() => undefined);
    this.#exited = new Promise((resolve) => {
      child.once('close', () => {
        running.delete(child);
        ready.reject(new Error(`a gRPC peer of ${grpc} ended: ${this.#stderr}`));
        resolve();
      });
    });
    child.stderr.on('data', (text: Buffer) => (this.#stderr += text.toString()));
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as { id?: number; port: number; message?: number };
      if (answer.id === undefined) return ready.resolve(answer);
      if (answer.message !== undefined) return this.#progress.get(answer.id)?.();
      this.#answers.get(answer.id)?.(answer);
      this.#answers.delete(answer.id);
    });
  }

  /** Its answer to one command; rejects when it cannot do it, or not in a minute. */
  async ask<Answer>(
    op: PeerCommand['op'],
    command: Partial<PeerCommand> = {},
    { onMessage, cancelWhen }: CallEvents = {},
  ): Promise<Answer> {
    const id = this.#nextId++;
    if (onMessage !== undefined) this.#progress.set(id, onMessage);
    void cancelWhen?.then(() => this.ask('cancel', { callId: id }));
    const answered = new Promise<unknown>((resolve) => this.#answers.set(id, resolve));
    this.#child.stdin?.write(`${JSON.stringify({ id, op, ...command })}\n`);
    const answer = (await withDeadline(`the answer to ${op}`, answered, CALL_MS)) as Answer & {
      readonly error?: string;
    };
    if (answer.error !== undefined) throw new Error(`${op}: ${answer.error}\n${this.#stderr}`);
    return answer;
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await withDeadline('a gRPC peer to exit', this.#exited);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** A server of SERVICE on 127.0.0.1. */
export class GrpcServer extends Peer {
  port = 0;

  static async start(grpc: Grpc, options: PeerOptions = {}): Promise<GrpcServer> {
    const server = new GrpcServer(grpc, 'serve', options);
    server.port = (await server.ready).port;
    return server;
  }

  /** Named calls it was asked since its start, and those that ended under it. */
  state(): Promise<{ readonly started: readonly string[]; readonly cancelled: readonly string[] }> {
    return this.ask('state');
  }

  /** Takes no more calls; those that are open have `graceMs` to end. */
  async stop(graceMs: number): Promise<void> {
    await this.ask('stop', { graceMs });
  }
}

/** A client; it keeps one channel to each address. */
export class GrpcClient extends Peer {
  static async start(grpc: Grpc, options: PeerOptions = {}): Promise<GrpcClient> {
    const client = new GrpcClient(grpc, 'call', options);
    await client.ready;
    return client;
  }

  call(address: string, call: GrpcCall, events: CallEvents = {}): Promise<GrpcOutcome> {
    const { kind, messages = [kind === 'client' ? 0 : 5], plan = {}, metadata = [] } = call;
    const { method = METHODS[kind] } = call;
    const progress = events.onMessage !== undefined;
    const command = { ...call, address, kind, messages, plan, metadata, method, progress };
    return this.ask('call', command, events);
  }

  /** How many of so many calls, all open at the same time, came to the end they should. */
  async many(address: string, count: number): Promise<number> {
    return (await this.ask<{ readonly whole: number }>('many', { address, count })).whole;
  }
}
