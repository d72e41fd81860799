/**
 * 6,000 connections (or the first argument) that send nothing, one byte a second, or garbage, do not
 * keep a sidecar from serving: the p99 of good clients beside each flood is within 3 times that of
 * before, in the same run (or 3 ms, where that is more: below it a p99 is noise of the machine); memory
 * is bounded; connections, descriptors and latency come back. Where the port is detected, and where it
 * is declared HTTP.
 *
 * As in the bench the sidecar has a core for itself, and its server is nginx. Who floods shares the other
 * core with good clients and that server, and gives way to them. A block in which the good clients were
 * late, or the host took the machine away, says nothing: it is said, and repeated. What HAProxy in
 * `mode tcp` makes of the garbage is measured too, and judges nothing. Linux, with nginx and taskset.
 */
import { setPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { LATENCY_SLOTS, latencyQuantilesUs, visitSparseCounts } from '../../api/histogram.ts';
import {
  type SocketAddress,
  formatSocketAddress,
  parseSocketAddress,
} from '../../base/settings.ts';
import { Generator } from '../../bench/load/generator.ts';
import type { LoadResult } from '../../bench/load/plan.ts';
import { missingBackend, startBackends } from '../../bench/peers/backend.ts';
import { HAPROXY } from '../../bench/peers/haproxy.ts';
import { LOAD_CORE, MEASURED_CORE, pin } from '../support/cores.ts';
import { eventually } from '../support/deadline.ts';
import { BACK_AFTER_MS, Flood, type FloodKind } from '../support/flood.ts';
import { descriptorsOf, residentBytes } from '../support/kernel-sockets.ts';
import { loadPlan } from '../support/load-plan.ts';
import { samplesOf } from '../support/mesh.ts';
import { argument, conclude, say } from '../support/proof.ts';
import { sumOf } from '../support/prometheus-text.ts';
import { Sidecar } from '../support/sidecar.ts';

const connections = argument('connections', 6_000);
const RATE = 500;
const GOOD_CONNECTIONS = 16;
const PART_MS = 12_000;
const BLOCKS_MAX = 3;
const STEAL_MAX = 0.01;
const RATIO_MAX = 3;
/** Below this a p99 is noise of the machine: twice of nothing is nothing. */
const P99_MS_FLOOR = 3;
/** Who is cut comes back: of what comes so in a second, this share must have come, or it was no flood. */
const GARBAGE_SHARE_MIN = 0.5;
const MIB = 2 ** 20;
/** What a hostile connection may cost, its upstream one with it. */
const BYTES_PER_CONNECTION_MAX = 32 * 1_024;
const SLACK_BYTES = 40 * MIB;
const DESCRIPTORS_MORE_MAX = 4;
const BACK_MS = 60_000;
const IDLE_MS = 15_000;
const NICE_MOST = 19;

const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;

const problems: string[] = [];
const rows: Record<string, number | string> = {};

/** What is flooded: where each port is detected, and where it is declared to speak HTTP. */
const PORTS: readonly (readonly [scheme: string, kinds: readonly FloodKind[]])[] = [
  ['', ['silent', 'slow', 'garbage']],
  ['http1://', ['silent', 'slow', 'garbage']],
];

const noBackend = missingBackend();
if (noBackend !== undefined) throw new Error(noBackend);
await using stack = new AsyncDisposableStack();
const server = await startBackends(1, LOAD_CORE);
stack.defer(() => server.stop());
const generator = stack.use(await Generator.start(LOAD_CORE));
const backend = server.addresses[0]!;

/** Good clients for one part of the run, again while a block says nothing; their p99, milliseconds. */
async function serve(to: SocketAddress, what: string): Promise<number> {
  const voided: string[] = [];
  for (;;) {
    const result = await generator.run(
      loadPlan(to, {
        connections: GOOD_CONNECTIONS,
        arrival: { kind: 'poisson', perSecond: RATE },
        warmupMs: 1_000,
        durationMs: PART_MS,
        // A schedule that was late once is not played again.
        seed: 1 + voided.length,
      }),
    );
    const p99 = p99Ms(result);
    const failed = Object.values(result.errors).reduce((sum, count) => sum + count, 0);
    const is = `${p99.toFixed(2)} ms, ${result.answered} answered, ${failed} failed`;
    if (failed > 0) problems.push(`${what}: ${JSON.stringify(result.errors)}`);
    const why = whyVoid(result);
    if (why === undefined) {
      rows[`p99 ${what}`] = is;
      if (voided.length > 0) rows[`void ${what}`] = voided.join('; ');
      say(`${what}: ${is}`);
      return p99;
    }
    say(`${what}: void: ${why} (${is})`);
    voided.push(`${p99.toFixed(2)} ms, ${why}`);
    if (voided.length < BLOCKS_MAX) continue;
    rows[`void ${what}`] = voided.join('; ');
    problems.push(`${what} says nothing in ${BLOCKS_MAX} blocks: ${why}`);
    return p99;
  }
}

/** Of the answered requests, milliseconds. */
function p99Ms({ latencyUs }: LoadResult): number {
  const counts = new Uint32Array(LATENCY_SLOTS);
  visitSparseCounts(latencyUs, (slot, count) => void (counts[slot] = count));
  const [p99 = Number.NaN] = latencyQuantilesUs(counts, [0.99]) ?? [];
  return p99 / 1_000;
}

function whyVoid({ late, steal }: LoadResult): string | undefined {
  if (steal <= STEAL_MAX) return late;
  return `the host took ${(steal * 100).toFixed(1)} % of the machine`;
}

/** The p99 of good clients beside `flood`, milliseconds; adds how many of it were cut meanwhile. */
async function serveBeside(flood: Flood, to: SocketAddress, what: string): Promise<number> {
  const [cut, startMs] = [flood.cut, performance.now()];
  const p99 = await serve(to, what);
  const perSecond = (1_000 * (flood.cut - cut)) / (performance.now() - startMs);
  const { opened, refused, size } = flood;
  rows[what] =
    `${opened} made, ${refused} refused, ${perSecond.toFixed(0)} cut a second, ${size} there at the end`;
  const least = (GARBAGE_SHARE_MIN * 1_000 * connections) / BACK_AFTER_MS;
  if (flood.kind === 'garbage' && perSecond < least) {
    problems.push(`${what}: no flood, as only ${perSecond.toFixed(0)} a second were cut`);
  }
  return p99;
}

/** One sidecar, from before its first flood to after its last. */
class Flooded {
  readonly #name: string;
  readonly #sidecar: Sidecar;
  readonly #address: SocketAddress;
  #beforeMs = Number.POSITIVE_INFINITY;
  #resident = 0;
  #descriptors = 0;

  constructor(name: string, sidecar: Sidecar) {
    this.#name = name;
    this.#sidecar = sidecar;
    const address = parseSocketAddress(sidecar.address);
    if (address === undefined) throw new Error('the sidecar has no address');
    this.#address = address;
  }

  async before(): Promise<void> {
    await serve(this.#address, `${this.#name} warm-up`);
    this.#descriptors = descriptorsOf(this.#sidecar.ready.pid);
    this.#beforeMs = await serve(this.#address, `${this.#name} before`);
    this.#resident = this.#residentBytes();
    rows[`${this.#name} resident before`] = mib(this.#resident);
  }

  async beside(kind: FloodKind): Promise<void> {
    const name = `${this.#name} ${kind}`;
    const flood = await Flood.start(kind, this.#sidecar.address, connections);
    try {
      this.#judge(name, await serveBeside(flood, this.#address, name));
      const resident = this.#residentBytes();
      rows[`${name} resident`] = mib(resident);
      const most = this.#resident + connections * BYTES_PER_CONNECTION_MAX + SLACK_BYTES;
      if (resident > most) problems.push(`${name}: ${mib(resident)} resident`);
      // A head that does not come in time is answered with 408, also where HTTP is only detected.
      if (kind === 'slow') {
        await this.#comes('408 for each slow head', () => flood.cut >= connections);
      }
    } finally {
      flood.stop();
    }
    await this.#comes(`end of the connections after ${kind}`, async () => {
      const open = sumOf(await samplesOf(this.#sidecar), 'tcp_open_connections');
      return open <= 2 * GOOD_CONNECTIONS;
    });
  }

  async after(): Promise<void> {
    const name = `${this.#name} after`;
    this.#judge(name, await serve(this.#address, name));
    const { pid } = this.#sidecar.ready;
    const most = this.#descriptors + DESCRIPTORS_MORE_MAX;
    await this.#comes('descriptors as few as before', async () => descriptorsOf(pid) <= most);
    // What is idle gives its memory back.
    await pause(IDLE_MS);
    const resident = this.#residentBytes();
    rows[`${name} resident`] = mib(resident);
    if (resident > this.#resident * 1.5 + SLACK_BYTES) {
      problems.push(`${name}: ${mib(resident)} resident`);
    }
  }

  #judge(what: string, ms: number): void {
    if (ms <= Math.max(P99_MS_FLOOR, RATIO_MAX * this.#beforeMs)) return;
    problems.push(`${what}: p99 ${ms.toFixed(2)} ms, ${this.#beforeMs.toFixed(2)} ms before`);
  }

  #residentBytes(): number {
    return residentBytes(this.#sidecar.ready.pid);
  }

  async #comes(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    try {
      await eventually(what, holds, BACK_MS);
    } catch {
      problems.push(`${this.#name}: no ${what} within ${BACK_MS / 1_000} s`);
    }
  }
}

async function start(scheme: string): Promise<Sidecar> {
  const way = ['--inbound', '127.0.0.1:0', '--forward', `${scheme}${formatSocketAddress(backend)}`];
  const sidecar = await Sidecar.start(...way);
  pin(sidecar.ready.pid, MEASURED_CORE);
  return sidecar;
}

/** What the machine and the server do to a p99 beside garbage, whoever carries it: judges nothing. */
async function control(address: SocketAddress): Promise<void> {
  await serve(address, 'HAProxy before');
  const flood = await Flood.start('garbage', formatSocketAddress(address), connections);
  try {
    await serveBeside(flood, address, 'HAProxy garbage');
  } finally {
    flood.stop();
  }
}

const sidecars = await Promise.all(PORTS.map(([scheme]) => start(scheme)));
for (const sidecar of sidecars) stack.use(sidecar);
const missing = HAPROXY.missing();
const haproxy =
  missing === undefined
    ? await HAPROXY.start(
        {
          direction: 'inbound',
          backends: [backend],
          authority: 'web',
          opaque: true,
          threads: 1,
          hops: 1,
        },
        String(MEASURED_CORE),
      )
    : undefined;
if (haproxy !== undefined) stack.defer(() => haproxy.stop());
pin(process.pid, LOAD_CORE);
// All the others are there: this process alone gives way.
setPriority(NICE_MOST);
for (const [i, [scheme, kinds]] of PORTS.entries()) {
  const flooded = new Flooded(scheme === '' ? 'detected' : 'declared', sidecars[i]!);
  await flooded.before();
  for (const kind of kinds) await flooded.beside(kind);
  await flooded.after();
}
if (haproxy === undefined) rows['HAProxy'] = missing ?? '';
else await control(haproxy.address);
conclude(`flood, ${connections} connections`, rows, problems);
