/**
 * What is outside the mesh behaves as without it: the same calls from a pod with rules and a sidecar,
 * and from a namespace with neither, of servers that fail in every way. The kernel is the real one.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { nodeFlags } from '../../base/node-flags.ts';
import { layCable, startInside } from '../support/cable.ts';
import { eventually } from '../support/deadline.ts';
import { FAULTS, type Fault, type FaultCall, type FaultOutcome } from '../support/faults.ts';
import { descriptorsOf } from '../support/kernel-sockets.ts';
import { NetworkNamespace, withoutTables } from '../support/network-namespace.ts';
import { parseSamples, sumOf } from '../support/prometheus-text.ts';
import { runInit } from '../support/proxy-init.ts';

const skip = withoutTables('setpriv');
const APPLICATION_UID = 65_534;
const PROXY_UID = 2102;
/** Nobody listens there. */
const CLOSED_PORT = 9;
/** Packets to it vanish. */
const DROPPED_PORT = 10;
/** Nobody has this address, on either cable. */
const ABSENT = '.77';
const PATIENCE_MS = 700;
/** The kernel asks for a neighbour three times, a second apart. */
const UNREACHABLE_MS = 10_000;
const STREAM_IDLE_MS = 4_500;
const SOON_MS = 1_500;
const NODE = [process.execPath, ...nodeFlags('proxy/main.ts'), 'base/launch.mjs'];
const GET = 'GET / HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n';
/** No protocol that anybody reads. */
const BYTES = '\0\u0001\u0002 hello\n';

type Heard = Pick<FaultOutcome, 'connected' | 'end' | 'heard'>;

interface Row {
  readonly what: string;
  readonly host: string;
  readonly port: number;
  readonly patienceMs?: number;
  readonly heard: Heard;
  /** With a mesh, where that differs; `http`: for what is asked in HTTP alone. */
  readonly intercepted?: Heard;
  readonly http?: Heard;
}

const answered: Heard = { connected: true, heard: true, end: 'closed' };
const reset: Heard = { connected: true, heard: false, end: 'ECONNRESET' };
const closed: Heard = { connected: true, heard: false, end: 'closed' };
const waited: Heard = { connected: true, heard: false, end: 'gave up' };

/** `network`: "10.99.0" of the cable; the servers have its address 2. */
function rowsOn(network: string): readonly Row[] {
  const host = `${network}.2`;
  const of = (fault: Fault, heard: Heard, differs: Partial<Row> = {}): Row => ({
    what: fault,
    host,
    port: FAULTS[fault],
    heard,
    ...differs,
  });
  return [
    of('answers', answered),
    of('resets unasked', reset),
    of('resets when asked', reset),
    of('ends when asked', closed),
    // An HTTP/1.1 answer that ends before its length is not whole, however it ends.
    of(
      'resets in its answer',
      { connected: true, heard: true, end: 'ECONNRESET' },
      { http: answered },
    ),
    of('silent', waited),
    {
      what: 'refuses',
      host,
      port: CLOSED_PORT,
      heard: { connected: false, heard: false, end: 'ECONNREFUSED' },
      // The kernel has accepted it for the sidecar before anybody was asked.
      intercepted: reset,
    },
    {
      what: 'cannot be reached',
      host: `${network}${ABSENT}`,
      port: CLOSED_PORT,
      patienceMs: UNREACHABLE_MS,
      heard: { connected: false, heard: false, end: 'EHOSTUNREACH' },
      intercepted: reset,
    },
    {
      what: 'is a black hole',
      host,
      port: DROPPED_PORT,
      heard: { connected: false, heard: false, end: 'gave up' },
      intercepted: waited,
    },
  ];
}

/** A GET, and bytes of no protocol. */
const callsOf = (rows: readonly Row[]): readonly FaultCall[] =>
  [GET, BYTES].flatMap((request) =>
    rows.map(({ host, patienceMs = PATIENCE_MS, port }) => ({ host, port, request, patienceMs })),
  );

async function outcomesIn(
  namespace: NetworkNamespace,
  rows: readonly Row[],
): Promise<readonly FaultOutcome[]> {
  const calls = JSON.stringify(callsOf(rows));
  const client = ['test/support/fault-client.ts', calls];
  await using done = await startInside(namespace, APPLICATION_UID, ...NODE, ...client);
  return JSON.parse(done.line) as readonly FaultOutcome[];
}

/** "GET, refuses: …", as far as it is no accident. */
function linesOf(rows: readonly Row[], heard: (row: Row, i: number) => Heard): readonly string[] {
  return ['GET', 'bytes'].flatMap((asked, k) =>
    rows.map((row, i) => {
      const { connected, end, heard: some } = heard(row, k * rows.length + i);
      return `${asked}, ${row.what}: ${connected ? 'connected, ' : ''}${some ? 'heard, ' : ''}${end}`;
    }),
  );
}

it('What is outside the mesh fails as it does without it', { skip }, async () => {
  await using stack = new AsyncDisposableStack();
  const world = stack.use(await NetworkNamespace.create());
  const pod = stack.use(await NetworkNamespace.create());
  const plain = stack.use(await NetworkNamespace.create());
  for (const [k, namespace] of [pod, plain].entries()) {
    const link = `c${k}`;
    const at = (last: number): string => `10.99.${k}.${last}/24`;
    await layCable({ namespace, link, address: at(1) }, { namespace: world, link, address: at(2) });
  }
  const drop = ['-A', 'INPUT', '-p', 'tcp', '--dport', String(DROPPED_PORT), '-j', 'DROP'];
  await world.execute('iptables', ...drop);
  stack.use(await startInside(world, APPLICATION_UID, ...NODE, 'test/support/fault-server.ts'));
  const applied = await runInit(pod, ['--ipv6', 'off']);
  assert.equal(applied.code, 0, applied.stderr);
  const listen = ['--intercept-outbound', '0.0.0.0:4140', '--admin', '127.0.0.1:4191'];
  // What a client of HTTP that has left might still read is waited for as long.
  const flags = [...listen, '--stream-idle-ms', String(STREAM_IDLE_MS)];
  const sidecar = stack.use(
    await startInside(pod, PROXY_UID, ...NODE, 'proxy/main.ts', ...flags, '--log-level', 'error'),
  );
  const { pid } = JSON.parse(sidecar.line) as { readonly pid: number };
  const descriptors = descriptorsOf(pid);

  const [inPlain, inPod] = [rowsOn('10.99.1'), rowsOn('10.99.0')];
  const [without, withIt] = await Promise.all([outcomesIn(plain, inPlain), outcomesIn(pod, inPod)]);
  assert.deepEqual(
    linesOf(inPlain, (_, i) => without[i]!),
    linesOf(inPlain, ({ heard }) => heard),
    'without a mesh',
  );
  assert.deepEqual(
    linesOf(inPod, (_, i) => withIt[i]!),
    linesOf(inPod, ({ heard, http = heard, intercepted }, i) => {
      return intercepted ?? (i < inPod.length ? http : heard);
    }),
  );
  for (const [i, { end, ms }] of withIt.entries()) {
    const { ms: plainMs } = without[i]!;
    assert.ok(end === 'gave up' || ms < plainMs + SOON_MS, `${ms} ms, ${plainMs} ms without`);
  }

  // Whoever has left, nothing of it stays: neither connections nor descriptors.
  const openOf = async (): Promise<number> => {
    const page = await pod.execute('curl', '-sS', 'http://127.0.0.1:4191/metrics');
    return sumOf(parseSamples(page), 'tcp_open_connections');
  };
  let left = '';
  await eventually(
    () => `nothing to be left: ${left}`,
    async () => {
      const open = await openOf();
      const more = descriptorsOf(pid) - descriptors;
      left = `${open} connections, ${more} descriptors`;
      return open === 0 && more <= 0;
    },
    20_000,
  );
});
