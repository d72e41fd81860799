/** A run of `meshctl dev` for proofs and tests, with a pod of its own from which the test calls in. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { blockAddresses } from '../../cli/dev/address-space.ts';
import { formatSocketAddress } from '../../base/settings.ts';
import { withDeadline } from './deadline.ts';
import { exitCodeOf } from './exit-code.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LAUNCHER = 'base/launch.mjs';
const START_MS = 40_000;

/** A pod of the ready line. */
export interface DevPod {
  readonly name: string;
  readonly deployment: string;
  readonly address: string;
  readonly ports: readonly { readonly address: string }[];
  readonly sidecarAdmin: string;
  readonly applicationPid: number;
  readonly sidecarPid: number;
}

interface Ready {
  readonly stateDirectory: string;
  readonly controller: { readonly api: string; readonly pid: number };
  readonly pods: readonly DevPod[];
}

/** How a command ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The Deployment whose one pod does nothing: the test's requests leave from its sidecar. */
const CALLER = 'caller';

const callerManifest = (namespace: string): string => `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${CALLER}, namespace: ${namespace} }
spec:
  template:
    metadata: { labels: { app: ${CALLER} } }
    spec: { containers: [{ name: ${CALLER}, command: [sleep, '100000'] }] }
`;

/** Use with `await using`: it ends everything. */
export class DevMesh {
  readonly process: ChildProcess;
  readonly ready: Ready;
  readonly #directory: string;
  readonly #output: string[];

  private constructor(child: ChildProcess, ready: Ready, directory: string, output: string[]) {
    this.process = child;
    this.ready = ready;
    this.#directory = directory;
    this.#output = output;
  }

  /** Runs the manifest and a caller in `namespace`, on ports that the system chooses. `more`: flags. */
  static async start(
    manifest: string,
    namespace: string,
    more: readonly string[] = [],
  ): Promise<DevMesh> {
    const directory = mkdtempSync(path.join(tmpdir(), 'culvert-test-'));
    const caller = path.join(directory, 'caller.yaml');
    writeFileSync(caller, callerManifest(namespace));
    const free = ['--api', '--proxy-api', '--controller-admin'].flatMap((flag) => [
      flag,
      '127.0.0.1:0',
    ]);
    const files = [manifest, caller].flatMap((file) => ['-f', file]);
    const argv = [LAUNCHER, 'cli/main.ts', 'dev', '-o', 'json', ...free, ...files, ...more];
    const child = spawn(process.execPath, argv, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    const output: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => output.push(line));
    try {
      const first = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>;
      const gone = once(child, 'close').then(([code]) => {
        throw new Error(`it ended with ${String(code)}`);
      });
      const ready = Promise.race([first, gone]);
      const [line] = await withDeadline('the mesh to be ready', ready, START_MS);
      return new DevMesh(child, JSON.parse(line) as Ready, directory, output);
    } catch (error) {
      child.kill('SIGKILL');
      rmSync(directory, { recursive: true, force: true });
      throw new Error(`dev did not start: ${output.join('\n')}`, { cause: error });
    }
  }

  /** What it said beside its ready line. */
  get said(): string {
    return this.#output.join('\n');
  }

  /** Of the ready line: before any restart. */
  pods(deployment: string): readonly DevPod[] {
    return this.ready.pods.filter((pod) => pod.deployment === deployment);
  }

  /** "address:port" at which the caller's sidecar stands for the `k`-th service of the manifest. */
  wayOut(k: number, port: number): string {
    const [, x, , n] = (this.pods(CALLER)[0]?.address ?? '').split('.').map(Number);
    if (x === undefined || n === undefined) throw new Error('there is no caller');
    return formatSocketAddress(blockAddresses(x).wayOut(n, k, port));
  }

  /** Any command, towards this mesh. */
  meshctl(...args: readonly string[]): Promise<Outcome> {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    const argv = [LAUNCHER, 'cli/main.ts', ...args];
    execFile(process.execPath, argv, { cwd: ROOT }, (error, stdout, stderr) =>
      resolve({ code: exitCodeOf(error), stdout, stderr }),
    );
    return promise;
  }

  /** `meshctl dev restart deploy/DEPLOYMENT`. */
  restart(deployment: string, ...args: readonly string[]): Promise<Outcome> {
    const { stateDirectory } = this.ready;
    const which = ['--state-directory', stateDirectory, ...args];
    return this.meshctl('dev', 'restart', `deploy/${deployment}`, ...which);
  }

  /** Ends it as Ctrl-C does; resolves to its exit code. */
  async end(): Promise<number | null> {
    const exited = once(this.process, 'exit') as Promise<[number | null]>;
    this.process.kill('SIGINT');
    const [code] = await withDeadline('dev to end', exited, 10_000);
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      if (this.process.exitCode === null && this.process.signalCode === null) await this.end();
    } finally {
      this.process.kill('SIGKILL');
      rmSync(this.#directory, { recursive: true, force: true });
    }
  }
}
