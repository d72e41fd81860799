/** One program of the demo by itself, at a port that was free a moment ago. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { eventually, withDeadline } from './deadline.ts';

const HOST = '127.0.0.1';
const DEMO = fileURLToPath(new URL('../../examples/demo', import.meta.url));
const START_MS = 15_000;

/** Use with `await using`: what still runs in the end is killed. */
export class DemoProgram {
  readonly host = HOST;
  readonly port: number;
  readonly process: ChildProcess;
  #stderr = '';

  private constructor(file: string, port: number, environment: Readonly<Record<string, string>>) {
    const env = { ...process.env, ...environment, HOST, PORT: String(port) };
    this.port = port;
    this.process = spawn(process.execPath, [file], {
      cwd: DEMO,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.process.stderr?.on('data', (chunk: Buffer) => (this.#stderr += chunk.toString()));
  }

  /** Resolves when the program accepts connections. */
  static async start(
    file: string,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<DemoProgram> {
    const program = new DemoProgram(file, await freePort(), environment);
    try {
      await eventually(
        () => `${file} to listen: ${program.#stderr}`,
        () => accepts(program.port),
        START_MS,
      );
      return program;
    } catch (error) {
      program.process.kill('SIGKILL');
      throw error;
    }
  }

  /** "HOST:PORT". */
  get address(): string {
    return `${HOST}:${this.port}`;
  }

  /** Its standard error so far. */
  get said(): string {
    return this.#stderr;
  }

  /** Sends SIGTERM. */
  terminate(): void {
    this.process.kill('SIGTERM');
  }

  /** Checks that, after SIGTERM, it ends by itself and in peace: code 0, nothing on stderr. */
  async endsWell(): Promise<void> {
    const closed = once(this.process, 'close');
    this.terminate();
    assert.deepEqual(await withDeadline('the program to end', closed), [0, null]);
    assert.equal(this.#stderr, '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const closed = once(this.process, 'close');
    this.process.kill('SIGKILL');
    await closed;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Whether something listens at the port of 127.0.0.1. */
export function accepts(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, HOST);
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
