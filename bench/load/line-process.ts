/** A child process, pinned to a core, that answers each line on stdin with a line on stdout. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

const ROOT = path.resolve(import.meta.dirname, '../..');
const START_MS = 15_000;
/** What is kept of its stderr, for messages. */
const STDERR_CHARS_MAX = 4_096;

/** Children that still run: they must not outlive this process, whatever ends it. */
const running = new Set<LineProcess>();
process.on('exit', () => {
  for (const child of running) child.kill();
});

/** One such process, one question at a time. */
export class LineProcess {
  readonly #name: string;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #exited: Promise<void>;
  /** Why it cannot answer any more. */
  #fault: string | undefined;
  #stderr = '';
  #waiting: PromiseWithResolvers<string> | undefined;

  /**
   * Starts the program `entry` (from the repository's root) on `core`, or on all when undefined.
   * Resolves with the process and the first line it wrote: it is ready then. `prefix`: what becomes
   * the program, as `ip netns exec NAME`.
   */
  static async start(
    entry: string,
    core: number | undefined,
    prefix: readonly string[] = [],
  ): Promise<[LineProcess, string]> {
    const started = new LineProcess(entry, core, prefix);
    try {
      return [started, await started.#nextLine(START_MS)];
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  private constructor(entry: string, core: number | undefined, prefix: readonly string[]) {
    this.#name = core === undefined ? entry : `${entry} on core ${core}`;
    const node = ['--disable-warning=ExperimentalWarning', 'base/launch.mjs', entry];
    const pinned = core === undefined ? [] : ['taskset', '-c', String(core)];
    const [command = '', ...args] = [...prefix, ...pinned, process.execPath, ...node];
    const child = spawn(command, args, { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    running.add(this);
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_CHARS_MAX);
    });
    createInterface({ input: child.stdout }).on('line', (line) => this.#answer(line));
    // A write to a process that has gone: its end says so.
    child.stdin.on('error', () => undefined);
    const exited = Promise.withResolvers<void>();
    this.#exited = exited.promise;
    child.once('error', (error) => {
      // Only spawning fails this way, and then nothing exits.
      this.#end(`cannot be started: ${error.message}`);
      exited.resolve();
    });
    child.once('close', (code, signal) => {
      this.#end(`ended with ${signal ?? `code ${code}`}`);
      exited.resolve();
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.#name} ${this.#fault ?? 'has no process'}`);
    return pid;
  }

  /** Writes `line`; resolves with the next line it writes. Kills it when that takes longer. */
  async ask(line: string, deadlineMs: number): Promise<string> {
    const answer = this.#nextLine(deadlineMs);
    this.#child.stdin.write(`${line}\n`);
    return answer;
  }

  /** Ends it at once; safe to call twice. */
  async stop(): Promise<void> {
    this.kill();
    await this.#exited;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  async #nextLine(deadlineMs: number): Promise<string> {
    if (this.#waiting !== undefined) throw new Error(`${this.#name} is busy with another run`);
    if (this.#fault !== undefined) throw new Error(`${this.#name} ${this.#fault}`);
    const waiting = Promise.withResolvers<string>();
    this.#waiting = waiting;
    const timer = setTimeout(() => {
      this.#end(`did not answer in ${deadlineMs} ms and was killed`);
      this.kill();
    }, deadlineMs);
    try {
      return await waiting.promise;
    } finally {
      clearTimeout(timer);
      this.#waiting = undefined;
    }
  }

  #answer(line: string): void {
    this.#waiting?.resolve(line);
  }

  #end(why: string): void {
    running.delete(this);
    this.#fault ??= `${why}${this.#stderr === '' ? '' : `:\n${this.#stderr.trimEnd()}`}`;
    this.#waiting?.reject(new Error(`${this.#name} ${this.#fault}`));
  }
}
