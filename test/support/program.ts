/** Starts a long-lived program of this repository as its own process, and ends it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../../base/node-flags.ts';
import { withDeadline } from './deadline.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const READY_MS = 15_000;

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

/** How a program is run. */
export interface ProgramOptions {
  /** Its limit of open files, hard and soft; default ours. */
  readonly descriptors?: number;
}

/** A process that says on its first line of output when it is ready. */
export class Program {
  readonly process: ChildProcess;
  readonly exited: Promise<Exit>;
  readonly #name: string;
  readonly #stderr: Buffer[] = [];
  readonly #firstLine: Promise<string>;

  /** Runs `entry` (from the repository's root) through the launcher, without our settings. */
  constructor(entry: string, args: readonly string[], options: ProgramOptions = {}) {
    this.#name = [entry, ...args].join(' ');
    const env = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !name.startsWith('CULVERT_')),
    );
    const command = [process.execPath, ...nodeFlags(entry), 'base/launch.mjs', entry, ...args];
    const { descriptors } = options;
    const limited = ['sh', '-c', `ulimit -n ${descriptors} && exec "$@"`, 'sh', ...command];
    const [file = '', ...rest] = descriptors === undefined ? command : limited;
    const child = spawn(file, rest, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process = child;
    running.add(child);
    child.stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    // Bounded: programs print one line. Listening from the start, so that none is missed.
    this.#firstLine = once(createInterface({ input: child.stdout }), 'line').then(([line]) =>
      String(line),
    );
    this.#firstLine.catch(() => undefined);
    const exited = Promise.withResolvers<Exit>();
    child.once('exit', (code, signal) => {
      running.delete(child);
      exited.resolve({ code, signal });
    });
    this.exited = exited.promise;
  }

  /** The ready line as an object; rejects with what the program wrote on stderr. */
  async ready<T>(deadlineMs = READY_MS): Promise<T> {
    const early = this.exited.then(({ code, signal }) => {
      throw new Error(`exited with ${code ?? signal} before it was ready`);
    });
    try {
      const line = Promise.race([this.#firstLine, early]);
      return JSON.parse(await withDeadline('the ready line', line, deadlineMs)) as T;
    } catch (error) {
      throw new Error(`${this.#name}: ${String(error)}\n${this.stderr}`, { cause: error });
    }
  }

  /** What it wrote on stderr so far. */
  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  /** Throws with what it wrote on stderr if it has ended. */
  assertRuns(): void {
    const { exitCode, signalCode } = this.process;
    if (exitCode === null && signalCode === null) return;
    throw new Error(`${this.#name}: ended with ${exitCode ?? signalCode}\n${this.stderr}`);
  }

  /** Ends the process at once; safe to call twice. */
  async stop(): Promise<void> {
    this.process.kill('SIGKILL');
    await withDeadline(`${this.#name} to exit`, this.exited);
  }
}
