/**
 * A program on cores of its own, in a process group of its own, which ends when we do: by its
 * `stop`, at our exit or signal (last-acts.ts), and by the kernel when we are killed, as it asks for
 * a signal at its parent's death.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { processesOfGroup } from '../figures/process-stat.ts';
import { beforeEnd } from './last-acts.ts';

const OUTPUT_BYTES_MAX = 16_384;
const STOP_MS = 3_000;
const POLL_MS = 2;

/** How to run it. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** As taskset reads it: "0", "0-1". */
  readonly cores: string;
  readonly cwd?: string;
  readonly env?: Readonly<NodeJS.ProcessEnv>;
  /**
   * Ends it, with its workers, without waiting for clients. It must let a master process take its
   * workers along.
   */
  readonly stopSignal: 'SIGTERM' | 'SIGKILL';
}

/** A running program. */
export class PinnedProcess {
  readonly startedMs = performance.now();
  readonly #child: ChildProcess;
  readonly #command: Command;
  readonly #exited: Promise<void>;
  readonly #forget: () => void;
  #stdout = '';
  #stderr = '';
  #end: string | undefined = undefined;

  constructor(command: Command) {
    const { args, cores, cwd, env, program, stopSignal } = command;
    this.#command = command;
    const pinned = ['--pdeathsig', stopSignal.slice(3), 'taskset', '-c', cores, program, ...args];
    this.#child = spawn('setpriv', pinned, {
      cwd,
      env: env ?? process.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child.stdout?.on('data', (chunk: Buffer) => {
      if (this.#stdout.length < OUTPUT_BYTES_MAX) this.#stdout += chunk.toString();
    });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-OUTPUT_BYTES_MAX);
    });
    const exited = Promise.withResolvers<void>();
    this.#exited = exited.promise;
    this.#child.once('error', (error) => {
      this.#end ??= error.message;
      exited.resolve();
    });
    this.#child.once('exit', (code, signal) => {
      this.#end ??= `exited with ${code ?? signal}`;
      exited.resolve();
    });
    this.#forget = beforeEnd(() => this.#signal('SIGKILL'));
  }

  /** All its processes, itself first. */
  get pids(): readonly number[] {
    return this.#child.pid === undefined ? [] : processesOfGroup(this.#child.pid);
  }

  /** The first line it wrote on standard output; undefined until it did. */
  get firstLine(): string | undefined {
    const end = this.#stdout.indexOf('\n');
    return end === -1 ? undefined : this.#stdout.slice(0, end);
  }

  /**
   * Polls `check` until it holds; milliseconds from the start. Rejects with the end of the
   * program's standard error when the program ends first, or `deadlineMs` do.
   */
  async untilReady(check: () => boolean, deadlineMs: number): Promise<number> {
    while (!check()) {
      const ms = performance.now() - this.startedMs;
      if (this.#end !== undefined) throw this.#failure(`${this.#end} before it was ready`);
      if (ms > deadlineMs) throw this.#failure(`was not ready within ${deadlineMs} ms`);
      await pause(POLL_MS);
    }
    const readyMs = performance.now() - this.startedMs;
    if (this.#end !== undefined) throw this.#failure(this.#end);
    return readyMs;
  }

  /** Ends all its processes; safe to call twice. */
  async stop(): Promise<void> {
    this.#signal(this.#command.stopSignal);
    const limit = new AbortController();
    const late = pause(STOP_MS, undefined, { signal: limit.signal }).then(
      () => this.#signal('SIGKILL'),
      () => undefined,
    );
    await this.#exited;
    limit.abort();
    await late;
    // What the master left behind; usually nothing.
    this.#signal('SIGKILL');
    while (this.pids.length > 0) await pause(POLL_MS);
    this.#forget();
  }

  #signal(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      if (signal === 'SIGKILL') process.kill(-pid, signal);
      else if (this.#end === undefined) process.kill(pid, signal);
    } catch {
      // Nothing of it is left.
    }
  }

  #failure(what: string): Error {
    const { args, program } = this.#command;
    return new Error(`${[program, ...args].join(' ')} ${what}\n${this.#stderr}`.trimEnd());
  }
}
