import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { text } from 'node:stream/consumers';

import { credentials } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';

import { CheckStatus, MeshClient } from '../api/gen/culvert/mesh/v1/mesh.ts';
import type {
  CheckResult,
  PodSummary,
  ListPodsResponse,
  VersionResponse,
} from '../api/gen/culvert/mesh/v1/mesh.ts';
import { ControlClient } from '../api/gen/culvert/proxy/v1/control_service.ts';
import type { ControllerMessage } from '../api/gen/culvert/proxy/v1/control.ts';
import { eventually, withDeadline } from '../test/support/deadline.ts';

const ROOT = path.dirname(import.meta.dirname);
const LOOPBACK = ['--api', '127.0.0.1:0', '--proxy-api', '127.0.0.1:0', '--admin', '127.0.0.1:0'];

const POD = (port: string): string => `apiVersion: v1
kind: Pod
metadata:
  name: web-1
  labels: { culvert.dev/control-plane-ns: culvert }
  annotations:
    config.culvert.dev/skip-inbound-ports: 22,9000-9010
    config.culvert.dev/skip-outbound-ports: '25'
    config.culvert.dev/opaque-ports: '3306'
spec:
  containers:
    - ports: [{ containerPort: ${port} }]
status: { podIP: 10.0.0.1, phase: Running }
`;

interface Ready {
  readonly api: string;
  readonly proxyApi: string;
  readonly admin: string;
  readonly pid: number;
}

function run(t: TestContext, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['base/launch.mjs', 'controller/main.ts', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return child;
}

async function start(t: TestContext, yaml: string) {
  const directory = await mkdtemp(path.join(tmpdir(), 'culvert-controller-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = path.join(directory, 'mesh.yaml');
  await writeFile(file, yaml);
  const child = run(t, ['--resources', directory, ...LOOPBACK]);
  child.stderr?.resume();
  assert.ok(child.stdout);
  const lines = createInterface({ input: child.stdout });
  const [line] = (await withDeadline('the ready line', once(lines, 'line'))) as [string];
  const { event, ...ready } = JSON.parse(line) as Ready & { readonly event: string };
  assert.equal(event, 'ready');
  assert.equal(ready.pid, child.pid);
  const mesh = new MeshClient(ready.api, credentials.createInsecure());
  t.after(() => mesh.close());
  return { child, file, ready, mesh };
}

/** A unary call as a promise. */
const call = <T>(
  make: (callback: (error: ServiceError | null, response: T) => void) => unknown,
): Promise<T> =>
  new Promise((resolve, reject) => {
    make((error, response) => (error === null ? resolve(response) : reject(error)));
  });

test('controller serves its APIs and pages, and ends within a second', async (t) => {
  const { child, file, ready, mesh } = await start(t, POD('80'));
  const version = await call<VersionResponse>((done) => mesh.version({}, done));
  assert.match(version.version, /^\d+\.\d+\.\d+$/);
  assert.equal(version.runtime, `Node.js ${process.versions.node}`);
  const { pods } = await call<ListPodsResponse>((done) => mesh.listPods({ namespace: '' }, done));
  assert.deepEqual(
    pods.map(({ namespace, name, address, meshed, connected }) => [
      namespace,
      name,
      address,
      meshed,
      connected,
    ]),
    [['default', 'web-1', '10.0.0.1', true, false]],
  );
  const [{ skippedInboundPorts, skippedOutboundPorts } = {}] = pods;
  assert.deepEqual([skippedInboundPorts, skippedOutboundPorts], ['22,9000-9010', '25']);
  const check = async (id: string): Promise<CheckResult | undefined> => {
    const { results } = await call<{ results: CheckResult[] }>((done) => mesh.selfCheck({}, done));
    return results.find((result) => result.id === id);
  };
  assert.equal(
    (await check('proxies.connected'))?.problem,
    'pod default/web-1 has no control stream',
  );

  const control = new ControlClient(ready.proxyApi, credentials.createInsecure());
  t.after(() => control.close());
  const stream = control.connect();
  const received: ControllerMessage[] = [];
  stream.on('data', (message: ControllerMessage) => received.push(message));
  const ended = new Promise<ServiceError>((resolve) => {
    stream.on('error', (error) => resolve(error as ServiceError));
  });
  stream.write({
    message: {
      $case: 'hello',
      value: {
        namespace: '',
        pod: 'web-1',
        instance: 'i',
        protocolVersion: 1,
        capabilities: [],
        proxyVersion: '0',
      },
    },
  });
  await eventually('the inbound resource', () => received.length === 2);
  assert.equal((await check('proxies.connected'))?.status, CheckStatus.CHECK_STATUS_OK);
  const [web] = (
    await call<{ pods: PodSummary[] }>((done) => mesh.listPods({ namespace: '' }, done))
  ).pods;
  assert.deepEqual([pods[0]?.reporting, web?.connected, web?.reporting], [undefined, true, false]);
  assert.equal((await check('telemetry.flowing'))?.problem, 'pod default/web-1 has sent no report');
  const counter =
    received[1]?.message?.$case === 'update' ? received[1].message.value.version : undefined;
  stream.write({ message: { $case: 'nack', value: { key: '', version: counter, error: 'no' } } });
  const refused = 'pod default/web-1 refused its inbound resource: no';
  await eventually('the nack', async () => (await check('proxies.accepting'))?.problem === refused);

  await writeFile(file, POD('many'));
  const problem = `${file}:12: Pod default/web-1: spec.containers[0].ports[0].containerPort: must be an integer 1 to 65535, is "many"; the last good version stays in force`;
  await eventually('the problem', async () => (await check('sources.files'))?.problem === problem);
  const page = async (name: string) => {
    const response = await fetch(`http://${ready.admin}${name}`);
    return { status: response.status, body: await response.text() };
  };
  assert.deepEqual(await page('/live'), { status: 200, body: 'live\n' });
  assert.deepEqual(await page('/ready'), { status: 200, body: 'ready\n' });
  const metrics = (await page('/metrics')).body;
  for (const line of ['source_problems 1', 'control_streams 1', 'control_nacks_total 1']) {
    assert.ok(metrics.includes(`\n${line}\n`), line);
  }
  const config = JSON.parse((await page('/config.json')).body) as {
    problems: string[];
    pods: string[];
  };
  assert.deepEqual([config.problems, config.pods], [[problem], ['default/web-1']]);
  assert.equal((await page('/other')).status, 404);

  const stoppedMs = performance.now();
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  assert.equal(code, 0);
  assert.ok(performance.now() - stoppedMs < 1_000);
  assert.match((await ended).details, /stops; reconnect|ECONN|closed/);
});

test('controller refuses bad settings with a line each and exit code 64', async (t) => {
  const cases: [string[], RegExp][] = [
    [[], /^--resources: is missing/],
    [['--resources', '.', '--api', 'nowhere'], /^--api: "nowhere" is not ADDRESS:PORT/],
  ];
  for (const [args, expected] of cases) {
    const child = run(t, args);
    const [[code], stderr] = await Promise.all([
      once(child, 'exit'),
      text(child.stderr ?? assert.fail()),
    ]);
    assert.equal(code, 64);
    assert.match(stderr, expected);
  }
});

test('controller says in a sentence that a port is taken', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const taken = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  for (const name of ['--api', '--admin']) {
    const args = [...LOOPBACK];
    args[args.indexOf(name) + 1] = taken;
    const child = run(t, ['--resources', path.join(ROOT, 'controller'), ...args]);
    const [[code], stderr] = await Promise.all([
      once(child, 'exit'),
      text(child.stderr ?? assert.fail()),
    ]);
    assert.equal(code, 1);
    const sentence = `cannot listen on ${taken} (${name}): another program listens there already; choose another address`;
    assert.ok(stderr.includes(sentence), stderr);
  }
});
