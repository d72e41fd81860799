/** What is true of the demo once it runs, at every end of its traffic. */
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { eventually } from './deadline.ts';
import type { BotTotals, DemoRun, StatRow } from './demo-run.ts';
import { sumOf } from './prometheus-text.ts';
import type { Sample } from './prometheus-text.ts';

/** What always fails, as web's callers and as web itself see it. */
const FAILING = ['POST /labels/{id}/foil', '/office.v1.Labels/PrintFoil'] as const;
const deployments = ['bot', 'labels', 'ledger', 'parcels', 'rates', 'web'];
/** Nobody sends them HTTP. */
const WITHOUT_REQUESTS: ReadonlySet<string> = new Set(['bot', 'ledger']);

/** Waits until `stat TYPE` satisfies `holds`, and returns its rows. */
export async function rowsWhen(
  dev: DemoRun,
  type: string,
  holds: (rows: readonly StatRow[]) => boolean,
): Promise<readonly StatRow[]> {
  let last: readonly StatRow[] = [];
  return eventually(
    () => `stat ${type} to be complete: ${JSON.stringify(last)}`,
    async () => {
      last = await dev.stat(type);
      return holds(last) ? last : undefined;
    },
    20_000,
  );
}

async function checkStat(dev: DemoRun): Promise<void> {
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

const named = (rows: readonly StatRow[]): ReadonlySet<string> =>
  new Set(rows.map(({ service, name }) => `${service} ${name}`));

async function checkRoutes(dev: DemoRun): Promise<void> {
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

async function checkTotals(dev: DemoRun): Promise<BotTotals> {
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
async function checkLedger(dev: DemoRun, { ledger }: BotTotals): Promise<void> {
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
async function checkCalls(dev: DemoRun, totals: BotTotals): Promise<void> {
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
  dev: DemoRun,
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

/** Each pod is ready, and all that is told of its traffic fits together; the bot has stopped then. */
export async function checkDemo(dev: DemoRun): Promise<void> {
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
}
