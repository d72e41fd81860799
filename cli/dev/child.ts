import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import type { Environment } from './environment.ts';
import type { Guardian } from './guardian.ts';

/** A program to start. */
export interface Program {
  /** At least the program itself. */
  readonly argv: readonly string[];
  /** Absolute path of its working directory. */
  readonly directory: string;
  readonly environment: Environment;
}

/** Called with each line that a program prints, without its end. */
export type OnLine = (stream: 'stdout' | 'stderr', line: string) => void;

/** How a program ended: one of the two is set. */
export interface Exit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

/** Lines of stderr that are kept for the message about a failed start. */
const STDERR_LINES_KEPT = 8;

/** How long an ended program's last lines are waited for. */
const LAST_LINES_MS = 200;

/** A shell's script: registers itself with the guardian on descriptor 3 and becomes the program "$@". */
export const REGISTER_AND_EXEC = 'echo "add $$" >&3 || exit 70; exec 3>&-; exec "$@"';

/** One run of a program, leader of a process group of its own that ends with it. */
export class Child {
  /** Undefined when the system could not start even a shell. */
  readonly pid: number | undefined;
  /** Resolves when the program has ended, its last lines were read and its group was killed. Never rejects. */
  readonly exited: Promise<Exit>;
  readonly #stderrTail: string[] = [];

  constructor(program: Program, guardian: Guardian, onLine: OnLine) {
    const child = spawn('sh', ['-c', REGISTER_AND_EXEC, 'sh', ...program.argv], {
      cwd: program.directory,
      env: { ...program.environment },
      stdio: ['ignore', 'pipe', 'pipe', guardian.pipe],
      detached: true,
    });
    this.pid = child.pid;
    readLines(child.stdout, (line) => onLine('stdout', line));
    const onError = (line: string): void => {
      this.#stderrTail.push(line);
      if (this.#stderrTail.length > STDERR_LINES_KEPT) this.#stderrTail.shift();
      onLine('stderr', line);
    };
    readLines(child.stderr, onError);
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => {
        // The system says ENOENT of the shell when it is the directory that is not there.
        const { directory } = program;
        const reason = existsSync(directory) ? error.message : 'there is no such directory';
        onError(`cannot start in ${directory}: ${reason}`);
        resolve({ code: 127, signal: undefined });
      });
      child.once('exit', (code, signal) => {
        this.signal('SIGKILL');
        if (child.pid !== undefined) guardian.release(child.pid);
        const end = (): void => resolve({ code: code ?? undefined, signal: signal ?? undefined });
        // Its last lines are still in the pipes, which close unless something left the group.
        const timer = setTimeout(end, LAST_LINES_MS);
        child.once('close', () => {
          clearTimeout(timer);
          end();
        });
      });
    });
  }

  /** The last lines that the program wrote to stderr. */
  get stderrTail(): readonly string[] {
    return this.#stderrTail;
  }

  /** Signals the whole group; nothing happens when it is gone. */
  signal(signal: NodeJS.Signals): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // ESRCH: the group has ended by itself.
    }
  }
}

function readLines(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream === null) return;
  createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', onLine);
}

/** "exited with code 1", "was ended by SIGKILL". */
export const describeExit = ({ code, signal }: Exit): string =>
  signal === undefined ? `exited with code ${code ?? 0}` : `was ended by ${signal}`;
