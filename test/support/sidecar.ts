/** Starts the real sidecar as its own process, stand-alone, and ends it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { withDeadline } from './deadline.ts';
import { readResponse, statusOf } from './raw-http.ts';
import { dial } from './scripted-peer.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY_MS = 15_000;

interface ReadyLine {
  readonly event: 'ready';
  readonly inbound: readonly string[];
  readonly outbound: readonly string[];
  readonly wayOut: readonly string[];
  readonly admin: string;
  readonly pid: number;
}

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Children that still run: they must not outlive this process, whatever ends it. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A sidecar process. `inbound`, `outbound`, `admin`: "127.0.0.1:4143". */
export class Sidecar {
  readonly process: ChildProcess;
  readonly exited: Promise<Exit>;
  ready!: ReadyLine;
  readonly #stderr: Buffer[] = [];

  private constructor(child: ChildProcess) {
    this.process = child;
    running.add(child);
    child.stderr?.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    const exited = Promise.withResolvers<Exit>();
    child.once('exit', (code, signal) => {
      running.delete(child);
      exited.resolve({ code, signal });
    });
    this.exited = exited.promise;
  }

  /** Runs a sidecar with `args` and does not wait for its ready line. */
  static spawn(...args: readonly string[]): Sidecar {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith('CULVERT_')),
    );
    const child = spawn(process.execPath, ['base/launch.mjs', 'proxy/main.ts', ...args], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Sidecar(child);
  }

  /** Runs a sidecar with `args` and an admin port of its own; rejects with its stderr. */
  static async start(...args: readonly string[]): Promise<Sidecar> {
    const sidecar = Sidecar.spawn(...args, '--admin', '127.0.0.1:0');
    try {
      await sidecar.#untilReady(args);
    } catch (error) {
      await sidecar.stop();
      throw error;
    }
    return sidecar;
  }

  /** Inbound, forwarding to 127.0.0.1:`port`. */
  static inbound(port: number, ...args: readonly string[]): Promise<Sidecar> {
    return Sidecar.start('--inbound', '127.0.0.1:0', '--forward', `127.0.0.1:${port}`, ...args);
  }

  /** Outbound; the authority `web` is served by 127.0.0.1 on each of `ports`. */
  static outbound(ports: readonly number[], ...args: readonly string[]): Promise<Sidecar> {
    const addresses = ports.map((port) => `127.0.0.1:${port}`).join(',');
    return Sidecar.start('--outbound', '127.0.0.1:0', '--to', `web=${addresses}`, ...args);
  }

  async #untilReady(args: readonly string[]): Promise<void> {
    const lines = createInterface({ input: this.process.stdout! });
    const first = once(lines, 'line').then(([line]) => String(line));
    const early = this.exited.then(({ code, signal }) => {
      throw new Error(`exited with ${code ?? signal} before it was ready`);
    });
    try {
      const line = await withDeadline('the ready line', Promise.race([first, early]), READY_MS);
      this.ready = JSON.parse(line) as ReadyLine;
    } catch (error) {
      throw new Error(`sidecar ${args.join(' ')}: ${String(error)}\n${this.stderr}`, {
        cause: error,
      });
    }
  }

  /** What it wrote on stderr so far. */
  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  get inbound(): string {
    return this.ready.inbound[0]!;
  }

  get outbound(): string {
    return this.ready.outbound[0]!;
  }

  /** The one listener for traffic of a sidecar that has one. */
  get address(): string {
    return this.ready.inbound[0] ?? this.ready.outbound[0]!;
  }

  /** One request to the admin port on a connection of its own. */
  async admin(target: string, method = 'GET', body = '') {
    using link = await dial(this.ready.admin);
    await link.send(
      `${method} ${target} HTTP/1.1\r\nHost: ${this.ready.admin}\r\nConnection: close\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    const response = await readResponse(link, method);
    return { status: statusOf(response), fields: response.fields, text: response.body.toString() };
  }

  signal(name: NodeJS.Signals): void {
    this.process.kill(name);
  }

  /** Ends the process at once; safe to call twice. */
  async stop(): Promise<void> {
    this.process.kill('SIGKILL');
    await withDeadline('the sidecar to exit', this.exited);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
