/**
 * The guardian outlives `dev` and ends everything that `dev` started, however `dev` ended.
 *
 *     dev ──── pipe ────> guardian (sh)          EOF = dev is gone: SIGTERM, 1 s, SIGKILL
 *      └─> child ─┘ "add PID", then exec          every child registers itself first
 *
 * A child is born as a shell that holds the pipe, writes its own id and only then becomes the
 * program. So there is no moment in which the program runs and the guardian does not know it: while
 * the shell lives, the pipe has a writer and the guardian reads on.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('guardian.sh', import.meta.url));

/** What the guardian does besides. */
export interface GuardianDuty {
  /** A script for `sh` that it runs in the end, when all that was registered is gone. */
  readonly lastScript: string;
  /** A descriptor that it holds open until then. */
  readonly hold: number | undefined;
}

/** The shell that ends what is left. */
export class Guardian {
  /** Resolves when the guardian has ended, by `close` or because somebody killed it. */
  readonly exited: Promise<void>;
  readonly #process: ChildProcess;
  readonly #pipe: Writable;

  /** A path, at which there need not be anything yet: what is there in the end it removes. */
  readonly stateDirectory: string;

  /** Starts it. */
  constructor(stateDirectory: string, duty?: GuardianDuty) {
    this.stateDirectory = stateDirectory;
    const last = duty === undefined ? [] : [duty.lastScript];
    // In a session of its own, so that a Ctrl-C on the terminal does not reach it.
    this.#process = spawn('sh', [SCRIPT, stateDirectory, ...last], {
      stdio: ['pipe', 'ignore', 'inherit', duty?.hold ?? 'ignore'],
      detached: true,
    });
    if (this.#process.stdin === null) throw new Error('the guardian has no stdin');
    this.#pipe = this.#process.stdin;
    // A guardian that died shows in `exited`; its broken pipe says nothing more.
    this.#pipe.on('error', () => {});
    this.exited = new Promise((resolve) => {
      this.#process.once('exit', () => resolve());
      this.#process.once('error', () => resolve());
    });
  }

  /** The pipe that a child inherits as descriptor 3 to register itself on. */
  get pipe(): Writable {
    return this.#pipe;
  }

  /** The process group of `pid` is gone. */
  release(pid: number): void {
    this.#pipe.write(`del ${pid}\n`);
  }

  /** Ends what is still registered, and the guardian; a second time it only waits for that. */
  async close(): Promise<void> {
    this.#pipe.end();
    await this.exited;
  }
}
