/** `meshctl stat` against what the sidecars themselves count: the same numbers, on both sides. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../support/deadline.ts';
import { Load, type LoadTotals } from '../support/load.ts';
import { Mesh, samplesOf, serviceKey } from '../support/mesh.ts';
import { sumOf, type Sample } from '../support/prometheus-text.ts';
import { dial } from '../support/scripted-peer.ts';
import type { Sidecar } from '../support/sidecar.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface Row {
  readonly kind: string;
  readonly name: string;
  readonly success: number;
  readonly failure: number;
  readonly cancelled: number;
  readonly latencyMsP50: number | null;
  readonly latencyMsP999: number | null;
  readonly latencyMsMax: number | null;
  readonly tcpConnections: number | null;
  readonly readBytesPerSecond: number | null;
  readonly writeBytesPerSecond: number | null;
  readonly windowSeconds: number;
}

/** Rows of `stat ARGS -n demo -o json`, of the longest window: nothing leaves it meanwhile. */
async function stat(mesh: Mesh, ...args: readonly string[]): Promise<readonly Row[]> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const argv = ['stat', ...args, '-n', 'demo', '-o', 'json', '-t', '1h', '--api', mesh.api];
  execFile(
    process.execPath,
    ['base/launch.mjs', 'cli/main.ts', ...argv],
    { cwd: ROOT },
    (error, stdout, stderr) => (error === null ? resolve(stdout) : reject(new Error(stderr))),
  );
  return JSON.parse(await promise) as Row[];
}

/** Name, success, failure and cancelled of each row. */
const countsIn = (rows: readonly Row[]): readonly string[] =>
  rows.map(({ name, success, failure, cancelled }) =>
    [name, success, failure, cancelled].join(' '),
  );

/** Success, failure and cancelled of one direction, as the sidecar's own page tells them. */
function countersOf(samples: readonly Sample[], direction: string): string {
  const answered = (classification: string): number =>
    sumOf(samples, 'response_total', { direction, classification });
  const cancelled = sumOf(samples, 'response_cancel_total', { direction });
  return [answered('success'), answered('failure'), cancelled].join(' ');
}

/** Of a rate over the row's window. */
const totalOf = (perSecond: number | null, { windowSeconds }: Row): number =>
  Math.round((perSecond ?? Number.NaN) * windowSeconds);

/** Sends until `enough` says so of the answers that came. */
async function send(caller: Sidecar, enough: (load: Load) => boolean): Promise<LoadTotals> {
  await using load = new Load(caller.wayOut);
  await eventually(
    () => `enough answers; failures: ${load.failures.join('; ')}`,
    () => enough(load),
  );
  return load.stop();
}

const HALF_A_REQUEST = 'POST /things HTTP/1.1\r\nHost: web\r\nContent-Length: 9\r\n\r\nhalf';

/** One request whose client leaves while the application still waits for the body. */
async function cancelOne(caller: Sidecar): Promise<void> {
  const ofClients = { direction: 'outbound', peer: 'src' };
  const bytesRead = async (): Promise<number> =>
    sumOf(await samplesOf(caller), 'tcp_read_bytes_total', ofClients);
  const before = await bytesRead();
  using link = await dial(caller.wayOut);
  await link.send(HALF_A_REQUEST);
  await eventually(
    'it to be under way',
    async () => (await bytesRead()) === before + HALF_A_REQUEST.length,
  );
  link.reset();
  await eventually(
    'it to be counted',
    async () => sumOf(await samplesOf(caller), 'response_cancel_total') === 1,
  );
}

/** Waits until what `tell` gives is `expected`: reports come each second. */
async function assertTold(
  expected: readonly unknown[],
  tell: () => Promise<readonly unknown[]>,
): Promise<void> {
  let last: readonly unknown[] = [];
  await eventually(
    () => `stat to tell ${JSON.stringify(expected)}, last ${JSON.stringify(last)}`,
    async () => JSON.stringify((last = await tell())) === JSON.stringify(expected),
    10_000,
  );
}

test('stat tells what the sidecars counted, at both ends of an edge, once whatever the threads', async () => {
  await using mesh = await Mesh.start();
  const replicas = await Promise.all([mesh.replica('web-1'), mesh.replica('web-2')]);
  const caller = await mesh.caller('bot-1', ['web'], { flags: ['--threads', '2'] });
  await mesh.publish('web', replicas);
  await mesh.knows('web');

  const good = await send(caller, ({ bodies }) =>
    replicas.every(({ pod }) => (bodies.get(pod) ?? 0) > 20),
  );
  await cancelOne(caller);
  await replicas[1].application.close();
  const bad = await send(caller, ({ failed }) => failed > 5);

  const sent = `${good.succeeded + bad.succeeded} ${good.failed + bad.failed} 1`;
  assert.equal(countersOf(await samplesOf(caller), 'outbound'), sent);
  const edges: readonly (readonly [row: string, ...args: string[]])[] = [
    ['bot', 'deploy/bot', '--to', 'svc/web'],
    ['bot-1', 'po', '--to', 'deploy/web'],
    ['web', 'svc', '--from', 'deploy/bot'],
    ['web', 'deploy', '--from', 'po/bot-1'],
    [serviceKey('web'), 'au', '--from', 'ns/demo'],
  ];
  for (const [name, ...args] of edges) {
    await assertTold([`${name} ${sent}`], async () => countsIn(await stat(mesh, ...args)));
  }

  await assert.rejects(
    stat(mesh, 'deploy', '--to', 'svc/nosuch'),
    new Error('meshctl: no service "nosuch" in namespace "demo"\n'),
  );

  const pages = (await Promise.all(replicas.map(({ sidecar }) => samplesOf(sidecar)))).flat();
  const links = { direction: 'inbound', peer: 'src' };
  const told = async (): Promise<readonly unknown[]> => {
    const rows = await stat(mesh, 'deploy/web');
    return rows.flatMap((row) => [
      ...countsIn([row]),
      totalOf(row.readBytesPerSecond, row),
      totalOf(row.writeBytesPerSecond, row),
      row.tcpConnections,
    ]);
  };
  await assertTold(
    [
      `web ${countersOf(pages, 'inbound')}`,
      sumOf(pages, 'tcp_read_bytes_total', links),
      sumOf(pages, 'tcp_write_bytes_total', links),
      sumOf(pages, 'tcp_open_connections', links),
    ],
    told,
  );
  const [row] = await stat(mesh, 'deploy/web');
  const { latencyMsP50, latencyMsP999, latencyMsMax } = row ?? assert.fail('no row');
  assert.ok((latencyMsP50 ?? 0) > 0 && (latencyMsP999 ?? 0) >= (latencyMsP50 ?? 0));
  assert.ok((latencyMsMax ?? 0) >= (latencyMsP999 ?? 0));
});
