/** A `Load` from inside a pod's network namespace: what it dials the kernel redirects. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { withDeadline } from './deadline.ts';
import type { LoadTotals } from './load.ts';
import type { LoadRequests } from './load-requests.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const STOP_MS = 20_000;

interface TotalsLine extends Omit<LoadTotals, 'failedByLine'> {
  readonly failedByLine: readonly (readonly [line: string, count: number])[];
}

/** From `new` to `stop`. Use with `await using`, or stop it. */
export class LoadInPod implements AsyncDisposable {
  succeeded = 0;
  readonly #child: ChildProcess;
  readonly #totals = Promise.withResolvers<LoadTotals>();
  #stderr = '';

  /** Begins at once. `address`: "web:80", which is resolved in the pod `pod` for each connection. */
  constructor(pod: string, address: string, plan: LoadRequests) {
    const node = [process.execPath, 'base/launch.mjs', 'test/support/load-main.ts'];
    const argv = ['netns', 'exec', `culvert-${pod}`, ...node, address, JSON.stringify(plan)];
    const child = spawn('ip', argv, { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    this.#totals.promise.catch(() => undefined);
    child.stderr.on('data', (text: Buffer) => (this.#stderr += text.toString()));
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(line));
    child.once('error', (error) => this.#totals.reject(error));
    child.once('close', () => {
      this.#totals.reject(new Error(`the load in ${pod} ended: ${this.#stderr}`));
    });
  }

  /** Lets every request that is under way end; rejects when its process has ended before. */
  async stop(): Promise<LoadTotals> {
    this.#child.stdin?.end();
    return withDeadline('the load to end', this.#totals.promise, STOP_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #hear(line: string): void {
    const said = JSON.parse(line) as { succeeded?: number; totals?: TotalsLine };
    this.succeeded = said.succeeded ?? said.totals?.succeeded ?? this.succeeded;
    if (said.totals === undefined) return;
    const failedByLine = new Map(said.totals.failedByLine);
    this.#totals.resolve({ ...said.totals, failedByLine });
  }
}
