/** A run of the demo as a user starts it, and what it says of itself. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { eventually, withDeadline } from './deadline.ts';
import { exitCodeOf } from './exit-code.ts';
import { parseSamples, sumOf } from './prometheus-text.ts';
import type { Sample } from './prometheus-text.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LAUNCHER = 'base/launch.mjs';
const START_MS = 40_000;
const STOP_MS = 5_000;

/** A pod of the ready line. */
export interface DemoPod {
  readonly name: string;
  readonly deployment: string;
  readonly ready: boolean;
  readonly ports: readonly { readonly address: string }[];
  readonly sidecarAdmin: string;
  readonly applicationPid: number;
  readonly sidecarPid: number;
}

interface Ready {
  readonly stateDirectory: string;
  readonly controller: { readonly api: string; readonly pid: number };
  readonly pods: readonly DemoPod[];
}

/** A row of `stat -o json`. */
export interface StatRow {
  readonly namespace: string;
  readonly name: string;
  readonly service?: string;
  readonly meshed: number | null;
  readonly running: number | null;
  readonly successRate: number | null;
  readonly success: number;
  readonly failure: number;
  readonly cancelled: number;
  readonly rps: number;
  readonly latencyMsP50: number | null;
  readonly latencyMsP99: number | null;
}

interface Totals {
  readonly sent: number;
  readonly succeeded: number;
  readonly failed: number;
}

/** What the bot says of all it sent, and by wish. */
export interface BotTotals extends Totals {
  readonly wishes: Readonly<Record<string, Totals>>;
  readonly ledger: { readonly booked: number; readonly failed: number };
}

/** One run of `meshctl dev` with the demo. */
export class DemoRun {
  readonly process: ChildProcess;
  readonly ready: Ready;

  private constructor(child: ChildProcess, ready: Ready) {
    this.process = child;
    this.ready = ready;
  }

  /** Starts it on ports that the system chooses and waits until it says that it is ready. */
  static async start(...args: readonly string[]): Promise<DemoRun> {
    const free = ['--api', '--proxy-api', '--controller-admin'].flatMap((flag) => [
      flag,
      '127.0.0.1:0',
    ]);
    const child = spawn(
      process.execPath,
      [LAUNCHER, 'cli/main.ts', 'dev', '-o', 'json', ...free, ...args],
      { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let progress = '';
    child.stderr.on('data', (chunk: Buffer) => (progress += chunk.toString()));
    try {
      const [line] = (await withDeadline(
        'the mesh to be ready',
        once(createInterface({ input: child.stdout }), 'line'),
        START_MS,
      )) as [string];
      return new DemoRun(child, JSON.parse(line) as Ready);
    } catch (error) {
      child.kill('SIGKILL');
      throw new Error(`dev did not start: ${progress}`, { cause: error });
    }
  }

  /** The first pod of a Deployment. */
  pod(deployment: string): DemoPod {
    const pod = this.ready.pods.find((pod) => pod.deployment === deployment);
    assert.ok(pod, deployment);
    return pod;
  }

  get pids(): readonly number[] {
    const { pods, controller } = this.ready;
    return [controller.pid, ...pods.flatMap((pod) => [pod.applicationPid, pod.sidecarPid])];
  }

  async meshctl(...args: readonly string[]): Promise<{ code: number; stdout: string }> {
    const argv = [LAUNCHER, 'cli/main.ts', ...args, '--api', this.ready.controller.api];
    const { promise, resolve } = Promise.withResolvers<{ code: number; stdout: string }>();
    execFile(process.execPath, argv, { cwd: ROOT }, (error, stdout) =>
      resolve({ code: exitCodeOf(error), stdout }),
    );
    return promise;
  }

  async stat(type: string, ...args: readonly string[]): Promise<readonly StatRow[]> {
    const { stdout } = await this.meshctl('stat', type, '-A', '-o', 'json', ...args);
    return JSON.parse(stdout) as StatRow[];
  }

  /** The metrics of the pod's sidecar. */
  async samples({ sidecarAdmin }: DemoPod): Promise<readonly Sample[]> {
    return parseSamples(await (await fetch(`http://${sidecarAdmin}/metrics`)).text());
  }

  /** What the pod's sidecar counts: requests, successes and failures of one direction. */
  async counters(deployment: string, direction: string): Promise<readonly number[]> {
    const samples = await this.samples(this.pod(deployment));
    const responses = (classification: string): number =>
      sumOf(samples, 'response_total', { direction, classification });
    return [
      sumOf(samples, 'request_total', { direction }),
      responses('success'),
      responses('failure'),
    ];
  }

  async bot(method: string, path: string): Promise<BotTotals> {
    const address = this.pod('bot').ports[0]?.address;
    const response = await fetch(`http://${address}${path}`, { method });
    return (await response.json()) as BotTotals;
  }

  /** Ends it with `signal` and checks that nothing is left. Resolves to its exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const { child, pids, ready } = { child: this.process, pids: this.pids, ready: this.ready };
    const exited = once(child, 'exit') as Promise<[number | null]>;
    child.kill(signal);
    const [code] = await withDeadline('dev to end', exited, STOP_MS);
    await eventually(
      () => `these processes to end: ${pids.filter(isAlive).join(' ')}`,
      () => !pids.some(isAlive),
    );
    await eventually('the state directory to go', () => !existsSync(ready.stateDirectory));
    // A killed process shows as ended a moment before its last thread lets go of the sockets. The
    // addresses of pods in namespaces are gone: nobody would refuse a connection to them.
    const addresses = [...ready.pods.map((pod) => pod.sidecarAdmin), ready.controller.api];
    for (const address of addresses.filter((one) => one.startsWith('127.'))) {
      await eventually(`${address} to be closed`, async () => !(await accepts(address)));
    }
    return code;
  }
}

/** Whether the process exists and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc/self') || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function accepts(address: string): Promise<boolean> {
  const [host = '', port] = address.split(':');
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(Number(port), host);
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  return promise.finally(() => socket.destroy());
}
