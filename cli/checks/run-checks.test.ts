import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsPage } from '../../base/prometheus.ts';
import { CheckStatus, PodSummary } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { CheckResult } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { runCheckCommand } from '../commands/check.ts';
import type { CheckContext, PastConnections } from './check.ts';
import { readPast } from './sidecar-answers.ts';

interface Mesh {
  readonly version?: string;
  readonly results?: readonly CheckResult[];
  readonly pods?: readonly Partial<PodSummary>[];
  /** Pages by admin address; those of others are not to be had. */
  readonly metrics?: Readonly<Record<string, string>>;
  /** What is open past sidecars, likewise. */
  readonly past?: Readonly<Record<string, readonly PastConnections[]>>;
  readonly unreachable?: true;
}

const healthyPod: Partial<PodSummary> = {
  namespace: 'demo',
  name: 'web-1',
  meshed: true,
  ready: true,
  connected: true,
  proxyVersion: '0.1.0',
  reportAgeMs: 400,
  reporting: true,
  adminAddress: '10.0.0.1:4191',
};

function contextOf(mesh: Mesh): CheckContext {
  return {
    namespace: '',
    clientVersion: '0.1.0',
    metrics: async (address) => (mesh.metrics ?? { '10.0.0.1:4191': '' })[address],
    past: async (address) => (mesh.past ?? { '10.0.0.1:4191': [] })[address],
    api: {
      address: '127.0.0.1:8085',
      version: async () => {
        if (mesh.unreachable === true) throw new Error('nothing listens there');
        return { version: mesh.version ?? '0.1.0', runtime: 'Node.js', startedAtUs: 0 };
      },
      selfCheck: async () => ({ results: [...(mesh.results ?? [])] }),
      listPods: async () => ({
        pods: (mesh.pods ?? [healthyPod]).map((pod) => PodSummary.fromPartial(pod)),
      }),
    },
  };
}

interface Line {
  readonly id: string;
  readonly status: string;
  readonly problem: string;
  readonly hint: string;
}

/** The JSON of `check -o json` and its exit code. */
async function check(mesh: Mesh, proxy = false): Promise<{ code: number; lines: readonly Line[] }> {
  let text = '';
  const output = {
    out: (part: string) => void (text += part),
    err: assert.fail,
    terminal: undefined,
  };
  const code = await runCheckCommand(contextOf(mesh), { output: 'json', proxy }, output);
  const parsed = JSON.parse(text) as { ok: boolean; checks: Line[] };
  assert.equal(parsed.ok, code === 0);
  return { code, lines: parsed.checks };
}

const notOk = (lines: readonly Line[]): readonly Line[] =>
  lines.filter(({ status }) => status !== 'ok');

test('check of a healthy mesh finds nothing and exits 0', async () => {
  const { code, lines } = await check({});
  assert.equal(code, 0);
  assert.deepEqual(notOk(lines), []);
  assert.ok(lines.length >= 7);
});

test('check without a reachable API fails once, skips the rest and exits 2', async () => {
  const { code, lines } = await check({ unreachable: true });
  assert.equal(code, 2);
  assert.deepEqual(pickFirst(lines), ['api.reachable', 'failed', 'nothing listens there']);
  assert.ok(lines.slice(1).every(({ status }) => status === 'skipped'));
  assert.match(lines[0]?.hint ?? '', /npm start/);
});

const pickFirst = ([line]: readonly Line[]): readonly unknown[] => [
  line?.id,
  line?.status,
  line?.problem,
];

const pageWith = (fill: (page: MetricsPage) => void): Mesh => {
  const page = new MetricsPage();
  fill(page);
  return { metrics: { '10.0.0.1:4191': page.toString() } };
};

const errors = (direction: string, error: string, count: number, ageSeconds?: number): Mesh =>
  pageWith((page) => {
    const labels = { direction, error };
    page.add('proxy_errors_total', 'counter', 'Failures.', labels, count);
    if (ageSeconds === undefined) return;
    page.add('proxy_error_age_seconds', 'gauge', 'Since the latest.', labels, ageSeconds);
  });

const past = (direction: PastConnections['direction'], port: number): Mesh => ({
  past: { '10.0.0.1:4191': [{ direction, port, connections: 2 }] },
});

const conntrack = (entries: number): Mesh =>
  pageWith((page) => {
    page.add('conntrack_entries', 'gauge', 'Connections.', {}, entries);
    page.add('conntrack_entries_max', 'gauge', 'At most.', {}, 100);
  });

const faults: readonly { name: string; mesh: Mesh; id: string; status: string; problem: RegExp }[] =
  [
    {
      name: 'a controller two minor versions away',
      mesh: { version: '0.3.0', pods: [{ ...healthyPod, proxyVersion: '0.3.0' }] },
      id: 'api.version',
      status: 'failed',
      problem: /meshctl is 0\.1\.0, the controller is 0\.3\.0/,
    },
    {
      name: 'a mesh without meshed pods',
      mesh: { pods: [{ ...healthyPod, meshed: false }] },
      id: 'proxies.exist',
      status: 'warning',
      problem: /none of the 1 pods/,
    },
    {
      name: 'a sidecar without a control stream',
      mesh: { pods: [healthyPod, { ...healthyPod, name: 'web-2', connected: false }] },
      id: 'proxies.connected',
      status: 'failed',
      problem: /^demo\/web-2: its sidecar is not connected/,
    },
    {
      name: 'a pod that is not ready',
      mesh: { pods: [{ ...healthyPod, ready: false }] },
      id: 'proxies.ready',
      status: 'failed',
      problem: /^demo\/web-1: it is not ready/,
    },
    {
      name: 'a sidecar that stopped reporting',
      mesh: { pods: [{ ...healthyPod, reportAgeMs: 61_000, reporting: false }] },
      id: 'proxies.reporting',
      status: 'failed',
      problem: /61 s old/,
    },
    {
      name: 'a sidecar that never reported',
      mesh: { pods: [{ ...healthyPod, reportAgeMs: undefined, reporting: false }] },
      id: 'proxies.reporting',
      status: 'failed',
      problem: /never reported/,
    },
    {
      name: 'a sidecar that connections lead to itself',
      mesh: errors('outbound', 'proxy-loop', 3, 299.7),
      id: 'interception.loops',
      status: 'warning',
      problem:
        /^demo\/web-1: 3 since its sidecar started, the last 5m ago, led to the sidecar itself$/,
    },
    {
      name: 'what a pod opens past its sidecar',
      mesh: past('outbound', 5432),
      id: 'interception.past-sidecar',
      status: 'warning',
      problem: /^demo\/web-1: 2 open to port 5432 past its sidecar$/,
    },
    {
      name: 'what others open past the sidecar of a pod',
      mesh: {
        ...past('inbound', 8080),
        pods: [{ ...healthyPod, skippedOutboundPorts: '8080', skippedInboundPorts: '8079,8081' }],
      },
      id: 'interception.past-sidecar',
      status: 'warning',
      problem: /^demo\/web-1: 2 open into its port 8080 past its sidecar$/,
    },
    {
      name: 'connections to others at the inbound port',
      mesh: errors('inbound', 'no-such-service', 2),
      id: 'interception.inbound-port',
      status: 'warning',
      problem: /^demo\/web-1: 2 since its sidecar started, were going to addresses of others$/,
    },
    {
      name: 'a table of connections that fills',
      mesh: conntrack(80),
      id: 'interception.conntrack',
      status: 'warning',
      problem: /^demo\/web-1: it tracks 80 connections of at most 100$/,
    },
    {
      name: 'a table of connections that is full',
      mesh: conntrack(95),
      id: 'interception.conntrack',
      status: 'failed',
      problem: /95 connections of at most 100/,
    },
    {
      name: 'an old sidecar',
      mesh: { version: '0.2.0', pods: [{ ...healthyPod, proxyVersion: '0.0.9' }] },
      id: 'proxies.version',
      status: 'warning',
      problem: /its sidecar is 0\.0\.9/,
    },
  ];

for (const { name, mesh, id, status, problem } of faults) {
  test(`check finds ${name}, and says what to do`, async () => {
    const { code, lines } = await check(mesh);
    const found = notOk(lines);
    assert.deepEqual(
      found.map((line) => `${line.id} ${line.status}`),
      [`${id} ${status}`],
    );
    assert.match(found[0]?.problem ?? '', problem);
    assert.notEqual(found[0]?.hint, '');
    assert.equal(code, status === 'failed' ? 2 : 0);
  });
}

test('check has nothing against failures of long ago, and ports that a pod skips', async () => {
  const pods = [{ ...healthyPod, skippedInboundPorts: '22,8000-8080', skippedOutboundPorts: '25' }];
  const well: readonly Mesh[] = [
    errors('inbound', 'proxy-loop', 3, 301),
    errors('inbound', 'no-such-service', 3, 301),
    { ...past('inbound', 8080), pods },
    { ...past('outbound', 25), pods },
  ];
  for (const mesh of well) assert.deepEqual(notOk((await check(mesh)).lines), []);
});

test('readPast reads what a sidecar says, and takes silence for no answer', () => {
  const one = { direction: 'inbound', port: 80, connections: 2 };
  assert.deepEqual(readPast({ intercepting: true, past: [one, { direction: 'up' }] }), [one]);
  assert.equal(readPast({ intercepting: true }), undefined);
  assert.deepEqual(readPast({ intercepting: false }), []);
});

test('check leaves it to the controller how much silence is too much', async () => {
  for (const reporting of [true, undefined]) {
    const { code } = await check({ pods: [{ ...healthyPod, reportAgeMs: 3_600_000, reporting }] });
    assert.equal(code, 0);
  }
});

test("check passes the controller's own results on", async () => {
  const own = {
    id: 'sources.files',
    description: 'resources are valid',
    status: CheckStatus.CHECK_STATUS_FAILED,
    problem: 'demo.yaml:3: kind is missing',
    hint: 'correct the file',
  };
  const { code, lines } = await check({ results: [own] });
  assert.equal(code, 2);
  assert.deepEqual(notOk(lines), [{ ...own, id: 'controller.sources.files', status: 'failed' }]);
});

test('check --proxy looks at the API and the sidecars only', async () => {
  const { lines } = await check({}, true);
  assert.deepEqual(
    lines.map(({ id }) => id.replace(/\..*/, '')),
    [
      'api',
      ...Array.from({ length: 5 }, () => 'proxies'),
      ...Array.from({ length: 4 }, () => 'interception'),
    ],
  );
});

test('check --proxy has what the controller says of interception, and check has it once', async () => {
  const seen = {
    id: 'interception.balancer',
    description: 'sidecars see the addresses of Services',
    status: CheckStatus.CHECK_STATUS_WARNING,
    problem: 'pod demo/web-1 calls 2 endpoints of Services by address, and no Service',
    hint: 'turn it off',
  };
  for (const proxy of [true, false]) {
    const { code, lines } = await check({ results: [seen] }, proxy);
    assert.equal(code, 0);
    assert.deepEqual(notOk(lines), [{ ...seen, status: 'warning' }]);
  }
});

test('check of sidecars that cannot be asked skips what they alone could tell, and says so', async () => {
  const { code, lines } = await check({ metrics: {}, past: {} });
  assert.equal(code, 0);
  assert.deepEqual(
    notOk(lines).map(({ id, status }) => `${id} ${status}`),
    ['past-sidecar', 'loops', 'inbound-port', 'conntrack'].map(
      (name) => `interception.${name} skipped`,
    ),
  );
  assert.match(notOk(lines)[0]?.problem ?? '', /no sidecar's admin port can be reached/);
});

test('check asks each sidecar for its metrics once', async () => {
  const asked: string[] = [];
  const context = contextOf({});
  const metrics = async (address: string): Promise<string> => {
    asked.push(address);
    return '';
  };
  const output = { out: () => undefined, err: assert.fail, terminal: undefined };
  await runCheckCommand({ ...context, metrics }, { output: 'json', proxy: true }, output);
  assert.deepEqual(asked, ['10.0.0.1:4191']);
});

test('check as text shows each hint below its problem and sums up', async () => {
  let text = '';
  const output = {
    out: (part: string) => void (text += part),
    err: assert.fail,
    terminal: undefined,
  };
  const mesh = { pods: [{ ...healthyPod, ready: false }] };
  await runCheckCommand(contextOf(mesh), { output: 'table', proxy: true }, output);
  assert.match(text, /^failed +every meshed pod is ready .*\n +demo\/web-1: .*\n +hint: /m);
  assert.match(text, /^10 checks, 1 failed$/m);
});
