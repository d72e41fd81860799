/**
 * 6,000 connections (or the first argument) that send nothing, one byte a second, or garbage, do not
 * keep a sidecar from serving: the p99 of good clients beside each flood is within 3 times that of
 * before, in the same run; memory is bounded; connections, descriptors and latency come back.
 * Linux only.
 */
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

const problems: string[] = [];
const rows: Record<string, number | string> = {};

/** Of the answered requests, milliseconds. */
function p99Ms({ latencyUs }: LoadResult): number {
  const counts = new Uint32Array(LATENCY_SLOTS);
  visitSparseCounts(latencyUs, (slot, count) => void (counts[slot] = count));
  const [p99 = Number.NaN] = latencyQuantilesUs(counts, [0.99]) ?? [];
  return p99 / 1_000;
}

await using server = await DelayServer.start(undefined, [{ delayMs: 0 }]);
const [backend] = server.addresses;
await using sidecar = await Sidecar.inbound(backend?.port ?? 0);
await using generator = await Generator.start(undefined);
const to = parseSocketAddress(sidecar.address)!;

/** Good clients for one part of the run. */
const serve = (): Promise<LoadResult> =>
  generator.run(
    loadPlan(to, {
      connections: GOOD_CONNECTIONS,
      arrival: { kind: 'poisson', perSecond: RATE },
      warmupMs: 1_000,
      durationMs: PART_MS,
    }),
  );

function judge(what: string, result: LoadResult, beforeMs: number): number {
  const ms = p99Ms(result);
  const failed = Object.values(result.errors).reduce((sum, count) => sum + count, 0);
  rows[`p99 ${what}`] = `${ms.toFixed(2)} ms, ${result.answered} answered, ${failed} failed`;
  say(`${what}: ${rows[`p99 ${what}`]}`);
  if (failed > 0) problems.push(`${what}: ${JSON.stringify(result.errors)}`);
  if (result.late !== undefined) problems.push(`${what} says nothing: ${result.late}`);
  if (ms > Math.max(P99_MS_FLOOR, RATIO_MAX * beforeMs)) {
    problems.push(`${what}: p99 ${ms.toFixed(2)} ms, ${beforeMs.toFixed(2)} ms before`);
  }
  return ms;
}

const openLinks = async (): Promise<number> =>
  sumOf(await samplesOf(sidecar), 'tcp_open_connections');

async function beside(kind: FloodKind, beforeMs: number, residentBefore: number): Promise<void> {
  const flood = await Flood.start(kind, sidecar.address, connections);
  try {
    judge(`beside ${kind}`, await serve(), beforeMs);
    const { cut, opened, refused, size } = flood;
    const resident = residentBytes(sidecar.ready.pid);
    rows[`${kind} connections`] =
      `${opened} made, ${cut} cut, ${refused} refused, ${size} at the end`;
    rows[`${kind} resident`] = `${Math.round(resident / MIB)} MiB`;
    if (resident > residentBefore + connections * BYTES_PER_CONNECTION_MAX + SLACK_BYTES) {
      problems.push(`${kind}: ${rows[`${kind} resident`]} resident`);
    }
  } finally {
    flood.stop();
  }
}

await serve();
const descriptors = descriptorsOf(sidecar.ready.pid);
const beforeMs = judge('before', await serve(), Number.POSITIVE_INFINITY);
const residentBefore = residentBytes(sidecar.ready.pid);
rows['resident before'] = `${Math.round(residentBefore / MIB)} MiB`;
for (const kind of ['silent', 'slow', 'garbage'] as const) {
  await beside(kind, beforeMs, residentBefore);
  await eventually(
    `the connections of ${kind} to be gone`,
    async () => (await openLinks()) <= 2 * GOOD_CONNECTIONS,
    BACK_MS,
  ).catch((error: unknown) => problems.push(String(error)));
}
judge('after', await serve(), beforeMs);
await eventually(
  'descriptors to come back',
  () => descriptorsOf(sidecar.ready.pid) <= descriptors + DESCRIPTORS_MORE_MAX,
  BACK_MS,
).catch(() =>
  problems.push(`descriptors: ${descriptors}, then ${descriptorsOf(sidecar.ready.pid)}`),
);
// What is idle gives its memory back.
await pause(15_000);
const residentAfter = residentBytes(sidecar.ready.pid);
rows['resident after'] = `${Math.round(residentAfter / MIB)} MiB`;
if (residentAfter > residentBefore * 1.5 + SLACK_BYTES) {
  problems.push(`resident: ${rows['resident before']}, then ${rows['resident after']}`);
}
conclude(`flood, ${connections} connections`, rows, problems);
