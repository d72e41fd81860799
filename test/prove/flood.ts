/**
 * 6,000 connections (or the first argument) that send nothing, one byte a second, or garbage, do not
 * keep a sidecar from serving: the p99 of good clients beside each flood is within 3 times that of
 * before, in the same run (or 3 ms, where
 * that is more: below it a p99 is noise of the machine); memory is bounded; connections, descriptors and latency come back. Where
 * the port is detected, and where it is declared HTTP. Who floods gives
 * way to who is measured, on whose cores it runs here and elsewhere not. Linux only.
 */
import { setPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { LATENCY_SLOTS, latencyQuantilesUs, visitSparseCounts } from '../../api/histogram.ts';
import { Generator } from '../../bench/load/generator.ts';
import type { LoadResult } from '../../bench/load/plan.ts';
import { DelayServer } from '../../bench/load/server.ts';
import { parseSocketAddress } from '../../base/settings.ts';
import { eventually } from '../support/deadline.ts';
import { Flood, type FloodKind } from '../support/flood.ts';
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
const RATIO_MAX = 3;
/** Below this a p99 is noise of the machine: twice of nothing is nothing. */
const P99_MS_FLOOR = 3;
const MIB = 2 ** 20;
/** What a hostile connection may cost, its upstream one with it. */
const BYTES_PER_CONNECTION_MAX = 32 * 1_024;
const SLACK_BYTES = 40 * MIB;
const DESCRIPTORS_MORE_MAX = 4;
const BACK_MS = 60_000;
const IDLE_MS = 15_000;

const mib = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;

const problems: string[] = [];
const rows: Record<string, number | string> = {};

/** Of the answered requests, milliseconds. */
function p99Ms({ latencyUs }: LoadResult): number {
  const counts = new Uint32Array(LATENCY_SLOTS);
  visitSparseCounts(latencyUs, (slot, count) => void (counts[slot] = count));
  const [p99 = Number.NaN] = latencyQuantilesUs(counts, [0.99]) ?? [];
  return p99 / 1_000;
}

/** What is flooded: where each port is detected, and where it is declared to speak HTTP. */
const PORTS: readonly (readonly [scheme: string, kinds: readonly FloodKind[]])[] = [
  ['', ['silent', 'slow', 'garbage']],
  ['http1://', ['silent', 'slow', 'garbage']],
];

const NICE_MOST = 19;

await using server = await DelayServer.start(undefined, [{ delayMs: 0 }]);
await using generator = await Generator.start(undefined);
const backend = server.addresses[0]?.port ?? 0;

/** One sidecar, from before its first flood to after its last. */
class Flooded {
  readonly #name: string;
  readonly #sidecar: Sidecar;
  #beforeMs = Number.POSITIVE_INFINITY;
  #resident = 0;
  #descriptors = 0;

  constructor(name: string, sidecar: Sidecar) {
    this.#name = name;
    this.#sidecar = sidecar;
  }

  async before(): Promise<void> {
    await this.#serve();
    this.#descriptors = descriptorsOf(this.#sidecar.ready.pid);
    this.#beforeMs = this.#judge('before', await this.#serve());
    this.#resident = this.#residentBytes();
    rows[`${this.#name} resident before`] = mib(this.#resident);
  }

  async beside(kind: FloodKind): Promise<void> {
    const name = `${this.#name} ${kind}`;
    const flood = await Flood.start(kind, this.#sidecar.address, connections);
    try {
      this.#judge(kind, await this.#serve());
      const { cut, opened, refused, size } = flood;
      const resident = this.#residentBytes();
      rows[name] = `${opened} made, ${cut} cut, ${refused} refused, ${size} at the end`;
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
    this.#judge('after', await this.#serve());
    const { pid } = this.#sidecar.ready;
    const most = this.#descriptors + DESCRIPTORS_MORE_MAX;
    await this.#comes('descriptors as few as before', async () => descriptorsOf(pid) <= most);
    // What is idle gives its memory back.
    await pause(IDLE_MS);
    const resident = this.#residentBytes();
    rows[`${this.#name} resident after`] = mib(resident);
    if (resident > this.#resident * 1.5 + SLACK_BYTES) {
      problems.push(`${this.#name}: ${mib(resident)} resident after it`);
    }
  }

  /** Good clients for one part of the run. */
  #serve(): Promise<LoadResult> {
    const to = parseSocketAddress(this.#sidecar.address);
    if (to === undefined) throw new Error('the sidecar has no address');
    return generator.run(
      loadPlan(to, {
        connections: GOOD_CONNECTIONS,
        arrival: { kind: 'poisson', perSecond: RATE },
        warmupMs: 1_000,
        durationMs: PART_MS,
      }),
    );
  }

  #judge(part: string, result: LoadResult): number {
    const what = `${this.#name} ${part}`;
    const ms = p99Ms(result);
    const failed = Object.values(result.errors).reduce((sum, count) => sum + count, 0);
    rows[`p99 ${what}`] = `${ms.toFixed(2)} ms, ${result.answered} answered, ${failed} failed`;
    say(`${what}: ${rows[`p99 ${what}`]}`);
    if (failed > 0) problems.push(`${what}: ${JSON.stringify(result.errors)}`);
    if (result.late !== undefined) problems.push(`${what} says nothing: ${result.late}`);
    if (ms > Math.max(P99_MS_FLOOR, RATIO_MAX * this.#beforeMs)) {
      problems.push(`${what}: p99 ${ms.toFixed(2)} ms, ${this.#beforeMs.toFixed(2)} ms before`);
    }
    return ms;
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

const start = (scheme: string): Promise<Sidecar> =>
  Sidecar.start('--inbound', '127.0.0.1:0', '--forward', `${scheme}127.0.0.1:${backend}`);

const sidecars = await Promise.all(PORTS.map(([scheme]) => start(scheme)));
await using stack = new AsyncDisposableStack();
for (const sidecar of sidecars) stack.use(sidecar);
setPriority(NICE_MOST);
for (const [i, [scheme, kinds]] of PORTS.entries()) {
  const flooded = new Flooded(scheme === '' ? 'detected' : 'declared', sidecars[i]!);
  await flooded.before();
  for (const kind of kinds) await flooded.beside(kind);
  await flooded.after();
}
conclude(`flood, ${connections} connections`, rows, problems);
