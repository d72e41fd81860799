/** The demo mesh for real: everything that `npm start` promises, checked from outside. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually, withDeadline } from '../support/deadline.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LAUNCHER = 'base/launch.mjs';
const START_MS = 40_000;
const STOP_MS = 5_000;

interface Pod {
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
  readonly pods: readonly Pod[];
}

interface Row {
  readonly namespace: string;
  readonly name: string;
  readonly service?: string;
  readonly meshed: number | null;
  readonly running: number | null;
  readonly successRate: number | null;
  readonly rps: number;
  readonly latencyMsP50: number | null;
  readonly latencyMsP99: number | null;
}

/** One run of `meshctl dev` with the demo. */
class Dev {
  readonly process: ChildProcess;
  readonly ready: Ready;

  private constructor(child: ChildProcess, ready: Ready) {
    this.process = child;
    this.ready = ready;
  }

  /** Starts it on ports that the system chooses and waits until it says that it is ready. */
  static async start(...args: readonly string[]): Promise<Dev> {
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
      return new Dev(child, JSON.parse(line) as Ready);
    } catch (error) {
      child.kill('SIGKILL');
      throw new Error(`dev did not start: ${progress}`, { cause: error });
    }
  }

  /** The first pod of a Deployment. */
  pod(deployment: string): Pod {
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
      resolve({ code: error === null ? 0 : Number(error.code), stdout }),
    );
    return promise;
  }

  async stat(type: string): Promise<readonly Row[]> {
    const { stdout } = await this.meshctl('stat', type, '-A', '-o', 'json');
    return JSON.parse(stdout) as Row[];
  }

  /** What the pod's sidecar counts: requests, successes and failures of one direction. */
  async counters(deployment: string, direction: string): Promise<readonly number[]> {
    const response = await fetch(`http://${this.pod(deployment).sidecarAdmin}/metrics`);
    const samples = parseSamples(await response.text());
    const responses = (classification: string): number =>
      sumOf(samples, 'response_total', { direction, classification });
    return [
      sumOf(samples, 'request_total', { direction }),
      responses('success'),
      responses('failure'),
    ];
  }

  async bot(method: string, path: string): Promise<readonly number[]> {
    const address = this.pod('bot').ports[0]?.address;
    const response = await fetch(`http://${address}${path}`, { method });
    const totals = (await response.json()) as { sent: number; succeeded: number; failed: number };
    return [totals.sent, totals.succeeded, totals.failed];
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
    // A killed process shows as ended a moment before its last thread lets go of the sockets.
    const addresses = [...ready.pods.map((pod) => pod.sidecarAdmin), ready.controller.api];
    for (const address of addresses) {
      await eventually(`${address} to be closed`, async () => !(await accepts(address)));
    }
    return code;
  }
}

/** Whether the process exists and is no zombie. */
function isAlive(pid: number): boolean {
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

const FAILING = 'POST /labels/{id}/foil';
const deployments = ['bot', 'labels', 'parcels', 'rates', 'web'];

/** Waits until `stat TYPE` satisfies `holds`, and returns its rows. */
async function rowsWhen(
  dev: Dev,
  type: string,
  holds: (rows: readonly Row[]) => boolean,
): Promise<readonly Row[]> {
  let last: readonly Row[] = [];
  return eventually(
    () => `stat ${type} to be complete: ${JSON.stringify(last)}`,
    async () => {
      last = await dev.stat(type);
      return holds(last) ? last : undefined;
    },
    20_000,
  );
}

async function checkStat(dev: Dev): Promise<void> {
  const rows = await rowsWhen(dev, 'deploy', (all) =>
    all.filter(({ name }) => name !== 'bot').every(({ rps }) => rps > 0),
  );
  assert.deepEqual(
    rows.map(({ namespace, name }) => `${namespace}/${name}`),
    deployments.map((name) => `demo/${name}`),
  );
  for (const { name, meshed, running, successRate, latencyMsP50, latencyMsP99 } of rows) {
    assert.deepEqual([meshed, running], name === 'parcels' ? [2, 2] : [1, 1], name);
    if (name === 'bot') continue;
    const broken = name === 'labels' || name === 'web';
    if (!broken) assert.equal(successRate, 1, name);
    assert.ok((latencyMsP50 ?? 0) > 0 && (latencyMsP99 ?? 0) >= (latencyMsP50 ?? 0), name);
  }
}

const named = (rows: readonly Row[]): ReadonlySet<string> =>
  new Set(rows.map(({ service, name }) => `${service} ${name}`));

async function checkRoutes(dev: Dev): Promise<void> {
  const expected = [
    `labels ${FAILING}`,
    'labels POST /labels/{id}',
    'parcels hand-in',
    'parcels track',
    'web GET /',
    'web GET /parcels/{id}',
    `web ${FAILING}`,
    'web POST /labels/{id}',
    'web POST /parcels',
  ];
  const rows = await rowsWhen(dev, 'route', (all) => {
    const names = named(all);
    return expected.every((name) => names.has(name));
  });
  for (const { name, service, successRate } of rows) {
    assert.equal(successRate, name === FAILING ? 0 : 1, `${service} ${name}`);
  }
}

async function checkTotals(dev: Dev): Promise<void> {
  const totals = await dev.bot('POST', '/stop');
  const [sent = 0, succeeded = 0, failed = 0] = totals;
  assert.ok(sent > 0 && failed > 0 && sent === succeeded + failed, totals.join(' '));
  assert.deepEqual(await dev.counters('bot', 'outbound'), totals);
  assert.deepEqual(await dev.counters('web', 'inbound'), totals);
  assert.deepEqual(await dev.bot('GET', '/totals'), totals);
  assert.deepEqual(await dev.counters('bot', 'outbound'), totals);
}

test('demo runs, tells the truth about its traffic, and ends on Ctrl-C without a trace', async () => {
  const dev = await Dev.start();
  try {
    assert.deepEqual(
      dev.ready.pods.map(({ name, ready }) => `${name} ${ready}`),
      ['web-1', 'parcels-1', 'parcels-2', 'rates-1', 'labels-1', 'bot-1'].map((n) => `${n} true`),
    );
    await checkStat(dev);
    await checkRoutes(dev);
    const { code, stdout } = await dev.meshctl('check');
    assert.equal(code, 0, stdout);
    await checkTotals(dev);
    assert.equal(await dev.end('SIGINT'), 0);
  } finally {
    dev.process.kill('SIGKILL');
  }
});

test('demo leaves nothing behind when dev is killed', async () => {
  const dev = await Dev.start();
  assert.ok(dev.pids.every(isAlive));
  assert.equal(await dev.end('SIGKILL'), null);
});

test('demo with a single address restarts what dies and keeps its address', async () => {
  const dev = await Dev.start('--single-address');
  try {
    const { applicationPid, ports } = dev.pod('rates');
    const address = ports[0]?.address ?? '';
    assert.match(address, /^127\.0\.0\.1:/);
    const rate = async (): Promise<number> => {
      const response = await fetch(`http://${address}/rates/domestic`);
      await response.arrayBuffer();
      return response.status;
    };
    assert.equal(await rate(), 200);
    process.kill(applicationPid, 'SIGKILL');
    await eventually('the application to be gone', () => !isAlive(applicationPid));
    await eventually('rates to answer again', async () => (await rate()) === 200, 10_000);
    await rowsWhen(dev, 'deploy', (rows) =>
      rows.some(({ name, rps }) => name === 'web' && rps > 0),
    );
    assert.equal(await dev.end('SIGTERM'), 0);
  } finally {
    dev.process.kill('SIGKILL');
  }
});
