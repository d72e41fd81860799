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
import { isDeepStrictEqual } from 'node:util';
import { credentials } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import { RatesClient } from '../../api/gen/office/v1/office.ts';
import { eventually, withDeadline } from '../support/deadline.ts';
import { exitCodeOf } from '../support/exit-code.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';
import type { Sample } from '../support/prometheus-text.ts';

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
interface BotTotals extends Totals {
  readonly wishes: Readonly<Record<string, Totals>>;
  readonly ledger: { readonly booked: number; readonly failed: number };
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
      resolve({ code: exitCodeOf(error), stdout }),
    );
    return promise;
  }

  async stat(type: string, ...args: readonly string[]): Promise<readonly Row[]> {
    const { stdout } = await this.meshctl('stat', type, '-A', '-o', 'json', ...args);
    return JSON.parse(stdout) as Row[];
  }

  /** The metrics of the pod's sidecar. */
  async samples({ sidecarAdmin }: Pod): Promise<readonly Sample[]> {
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

/** What always fails, as web's callers and as web itself see it. */
const FAILING = ['POST /labels/{id}/foil', '/office.v1.Labels/PrintFoil'] as const;
const deployments = ['bot', 'labels', 'ledger', 'parcels', 'rates', 'web'];
/** Nobody sends them HTTP. */
const WITHOUT_REQUESTS: ReadonlySet<string> = new Set(['bot', 'ledger']);

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
    all.every(({ name, rps }) => rps > 0 || WITHOUT_REQUESTS.has(name)),
  );
  assert.deepEqual(
    rows.map(({ namespace, name }) => `${namespace}/${name}`),
    deployments.map((name) => `demo/${name}`),
  );
  for (const { name, meshed, running, successRate, latencyMsP50, latencyMsP99 } of rows) {
    assert.deepEqual([meshed, running], name === 'parcels' ? [2, 2] : [1, 1], name);
    if (WITHOUT_REQUESTS.has(name)) continue;
    const broken = name === 'labels' || name === 'web';
    if (!broken) assert.equal(successRate, 1, name);
    assert.ok((latencyMsP50 ?? 0) > 0 && (latencyMsP99 ?? 0) >= (latencyMsP50 ?? 0), name);
  }
}

const named = (rows: readonly Row[]): ReadonlySet<string> =>
  new Set(rows.map(({ service, name }) => `${service} ${name}`));

async function checkRoutes(dev: Dev): Promise<void> {
  const expected = [
    'labels /office.v1.Labels/Print',
    'labels /office.v1.Labels/PrintFoil',
    'labels /office.v1.Labels/PrintSheet',
    'parcels /office.v1.Parcels/Follow',
    'parcels /office.v1.Parcels/HandIn',
    'parcels /office.v1.Parcels/Track',
    'rates /office.v1.Rates/Quote',
    'rates /office.v1.Rates/QuoteMany',
    'web GET /',
    'web GET /journeys/{id}',
    'web GET /live',
    'web GET /rates/overseas',
    'web POST /baskets',
    'web POST /labels/{id}',
    'web POST /labels/{id}/foil',
    'web POST /sheets',
    'web hand-in',
    'web track',
  ];
  const rows = await rowsWhen(dev, 'route', (all) => {
    const names = named(all);
    return expected.every((name) => names.has(name));
  });
  for (const { name, service, successRate } of rows) {
    const fails = FAILING.some((failing) => failing === name);
    assert.equal(successRate, fails ? 0 : 1, `${service} ${name}`);
  }
}

async function checkTotals(dev: Dev): Promise<BotTotals> {
  const totals = await dev.bot('POST', '/stop');
  const { sent, succeeded, failed, ledger, wishes } = totals;
  assert.ok(sent > 0 && failed > 0 && sent === succeeded + failed, JSON.stringify(totals));
  assert.equal(failed, wishes['foil label']?.failed);
  assert.ok((wishes['watch']?.succeeded ?? 0) > 0, 'a WebSocket is a request that is answered 101');
  assert.ok(ledger.booked > 0 && ledger.failed === 0, JSON.stringify(ledger));
  const counts = [sent, succeeded, failed];
  assert.deepEqual(await dev.counters('bot', 'outbound'), counts);
  assert.deepEqual(await dev.counters('web', 'inbound'), counts);
  assert.deepEqual(await dev.bot('GET', '/totals'), totals);
  assert.deepEqual(await dev.counters('bot', 'outbound'), counts);
  return totals;
}

/** TCP that nobody declared: each visit is one connection, at both of its ends, and no request. */
async function checkLedger(dev: Dev, { ledger }: BotTotals): Promise<void> {
  const closed = async (): Promise<readonly Sample[] | undefined> => {
    const samples = await dev.samples(dev.pod('ledger'));
    const open = sumOf(samples, 'tcp_open_connections', { direction: 'inbound' });
    return open === 0 ? samples : undefined;
  };
  const samples = await eventually('the connections of the ledger to be closed', closed);
  const opened = sumOf(samples, 'tcp_open_total', { direction: 'inbound', peer: 'src' });
  assert.equal(opened, ledger.booked);
  assert.equal(sumOf(samples, 'request_total'), 0);
}

/** Each call of web's by its method, as the wishes that made web call: successes and failures. */
function callsFor({ wishes }: BotTotals): Readonly<Record<string, readonly [number, number]>> {
  const sent = (...names: readonly string[]): number =>
    names.reduce((sum, name) => sum + (wishes[name]?.sent ?? 0), 0);
  return {
    '/office.v1.Labels/Print': [sent('label'), 0],
    '/office.v1.Labels/PrintFoil': [0, sent('foil label')],
    '/office.v1.Labels/PrintSheet': [sent('sheet'), 0],
    '/office.v1.Parcels/Follow': [sent('follow'), 0],
    '/office.v1.Parcels/HandIn': [sent('hand in'), 0],
    '/office.v1.Parcels/Track': [sent('track'), 0],
    '/office.v1.Rates/Quote': [sent('quote', 'hand in'), 0],
    '/office.v1.Rates/QuoteMany': [sent('basket'), 0],
  };
}

/** Every gRPC call is counted once, under its method and by its status, at both of its ends. */
async function checkCalls(dev: Dev, totals: BotTotals): Promise<void> {
  const calls = callsFor(totals);
  let last: unknown;
  await eventually(
    () => `web's calls to be ${JSON.stringify(calls)}, last ${JSON.stringify(last)}`,
    async () => {
      const rows = await dev.stat('route', '--from', 'deploy/web', '-t', '1h');
      assert.deepEqual(
        rows.filter(({ cancelled }) => cancelled > 0),
        [],
      );
      last = Object.fromEntries(
        rows.map(({ name, success, failure }) => [name, [success, failure]] as const),
      );
      return isDeepStrictEqual(last, calls);
    },
    20_000,
  );
  for (const [service, name] of [
    ['labels', 'Labels'],
    ['parcels', 'Parcels'],
    ['rates', 'Rates'],
  ] as const) {
    const own = Object.entries(calls).filter(([method]) =>
      method.startsWith(`/office.v1.${name}/`),
    );
    const [ok, internal] = own.reduce(
      ([ok, internal], [, [success, failure]]) => [ok + success, internal + failure],
      [0, 0],
    );
    await checkService(dev, service, { ok, internal });
  }
}

/** Requests, and responses with gRPC status OK and INTERNAL. */
function countsIn(
  samples: readonly Sample[],
  labels: Readonly<Record<string, string>>,
): Readonly<Record<'all' | 'ok' | 'internal', number>> {
  const responses = (status: number, classification: string): number =>
    sumOf(samples, 'response_total', { ...labels, grpc_status: `${status}`, classification });
  return {
    all: sumOf(samples, 'request_total', labels),
    ok: responses(0, 'success'),
    internal: responses(13, 'failure'),
  };
}

/** What the sidecars of `service` and of web count of the calls to it, by gRPC status. */
async function checkService(
  dev: Dev,
  service: string,
  expected: { readonly ok: number; readonly internal: number },
): Promise<void> {
  const all = expected.ok + expected.internal;
  const outbound = await dev.samples(dev.pod('web'));
  assert.deepEqual(
    countsIn(outbound, { direction: 'outbound', dst_service: service }),
    { all, ...expected },
    service,
  );
  const pods = dev.ready.pods.filter(({ deployment }) => deployment === service);
  const each = await Promise.all(pods.map((pod) => dev.samples(pod)));
  assert.deepEqual(countsIn(each.flat(), { direction: 'inbound' }), { all, ...expected }, service);
  // One connection of web's, and yet all replicas work: each call is balanced by itself.
  for (const samples of each) assert.ok(sumOf(samples, 'request_total') > 0, service);
}

test('demo runs, tells the truth about its traffic, and ends on Ctrl-C without a trace', async () => {
  const dev = await Dev.start();
  try {
    assert.deepEqual(
      dev.ready.pods.map(({ name, ready }) => `${name} ${ready}`),
      ['web-1', 'parcels-1', 'parcels-2', 'rates-1', 'labels-1', 'ledger-1', 'bot-1'].map(
        (name) => `${name} true`,
      ),
    );
    await checkStat(dev);
    await checkRoutes(dev);
    const { code, stdout } = await dev.meshctl('check');
    assert.equal(code, 0, stdout);
    const totals = await checkTotals(dev);
    await checkLedger(dev, totals);
    await checkCalls(dev, totals);
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

/** Asks rates for a price: what went wrong, if anything. */
async function quote(address: string): Promise<ServiceError | undefined> {
  const client = new RatesClient(address, credentials.createInsecure(), {
    'grpc.enable_http_proxy': 0,
  });
  const { promise, resolve } = Promise.withResolvers<ServiceError | undefined>();
  client.quote({ zone: 'domestic' }, (error) => resolve(error ?? undefined));
  return promise.finally(() => client.close());
}

test('demo with a single address restarts what dies and keeps its address', async () => {
  const dev = await Dev.start('--single-address');
  try {
    const { applicationPid, ports } = dev.pod('rates');
    const address = ports[0]?.address ?? '';
    assert.match(address, /^127\.0\.0\.1:/);
    assert.equal(await quote(address), undefined);
    process.kill(applicationPid, 'SIGKILL');
    await eventually('the application to be gone', () => !isAlive(applicationPid));
    const answers = async (): Promise<boolean> => (await quote(address)) === undefined;
    await eventually('rates to answer again', answers, 10_000);
    await rowsWhen(dev, 'deploy', (rows) =>
      rows.some(({ name, rps }) => name === 'web' && rps > 0),
    );
    assert.equal(await dev.end('SIGTERM'), 0);
  } finally {
    dev.process.kill('SIGKILL');
  }
});
