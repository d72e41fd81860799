/**
 * StatSummary: traffic of a window, grouped by resource.
 *
 *   asked for            traffic                               grouped by
 *   deploy, po, ns       inbound, as their own sidecars saw it the sidecar's owner
 *   svc, au, route       outbound of every meshed caller       the destination
 *   deploy, po, ns --to  their outbound towards X              the sidecar's owner
 *   any but po --from X  X's outbound                          the destination
 */
import type {
  Latency,
  StatRow,
  StatSummaryRequest,
  StatSummaryResponse,
} from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { LATENCY_SLOTS, latencyQuantilesUs } from '../../api/histogram.ts';
import type { Mesh } from '../state.ts';
import type { TelemetryStore } from '../telemetry/store.ts';
import { windowSpan } from '../telemetry/window.ts';
import type { WindowTotals } from '../telemetry/window.ts';
import { readQuestion } from './stat-question.ts';
import type { InvalidRequest, Question } from './stat-question.ts';
import { findMissing, knownResources, matchesRef } from './stat-resources.ts';
import type { Grouped } from './stat-resources.ts';

const QUANTILES = [0.5, 0.95, 0.99, 0.999, 1];

/** A named resource that nobody knows, in a sentence for the caller. */
export interface MissingResource {
  readonly missing: string;
}

interface Row {
  readonly group: Grouped;
  readonly totals: WindowTotals;
  openConnections: number;
}

/** Answers the request at `nowMs` (milliseconds since 1970), or says what is wrong with it. */
export function statSummary(
  request: StatSummaryRequest,
  mesh: Mesh,
  telemetry: TelemetryStore,
  nowMs: number,
): StatSummaryResponse | InvalidRequest | MissingResource {
  const question = readQuestion(request);
  if ('invalid' in question) return question;
  const missing = findMissing(question.refs, mesh, telemetry.series);
  if (missing !== undefined) return { missing: `no ${missing}` };
  const { resource, groupOf } = question;
  const span = windowSpan(request.windowSeconds, nowMs, telemetry.startedAtMs);
  const known = new Map<string, Grouped>();
  for (const group of knownResources(mesh, resource.kind)) known.set(groupKey(group), group);
  const rows = new Map<string, Row>();
  if (question.withIdle) {
    for (const [key, group] of known) {
      if (matchesRef(resource, group)) rows.set(key, emptyRow(group));
    }
  }
  for (const series of telemetry.series) {
    const group = groupOf(series);
    if (group === undefined || !matchesRef(resource, group)) continue;
    const key = groupKey(group);
    const row = rows.get(key) ?? emptyRow(known.get(key) ?? group);
    rows.set(key, row);
    series.recent.addTo(row.totals, span);
    if (series.reporter.stream !== undefined) row.openConnections += series.openConnections;
  }
  return {
    rows: [...rows.values()]
      .map((row) => toStatRow(question, row, span.coveredSeconds))
      // One that had traffic before the window and is no resource any more says nothing.
      .filter((row) => (question.withIdle && row.running !== undefined) || hasTraffic(row))
      .toSorted(byName),
    windowSeconds: span.coveredSeconds,
  };
}

const groupKey = ({ namespace, service, name }: Grouped): string =>
  JSON.stringify([namespace, service, name]);

function toStatRow(
  { resource, withConnections }: Question,
  { group, totals, openConnections }: Row,
  coveredSeconds: number,
): StatRow {
  // Nobody counts the connections of pods without a sidecar.
  const counted = withConnections && !(group.meshed === 0 && openConnections === 0);
  return {
    kind: resource.kind,
    namespace: group.namespace,
    name: group.name,
    service: group.service,
    meshed: group.meshed,
    running: group.running,
    success: totals.success,
    failure: totals.failure,
    cancelled: totals.cancelled,
    rps: (totals.success + totals.failure) / coveredSeconds,
    latency: toLatency(totals.latency),
    tcpConnections: counted ? openConnections : undefined,
    readBytesPerSecond: counted ? totals.readBytes / coveredSeconds : undefined,
    writeBytesPerSecond: counted ? totals.writeBytes / coveredSeconds : undefined,
  };
}

function toLatency(counts: Float64Array): Latency | undefined {
  const quantiles = latencyQuantilesUs(counts, QUANTILES);
  if (quantiles === undefined) return undefined;
  const [p50Ms = 0, p95Ms = 0, p99Ms = 0, p999Ms = 0, maxMs = 0] = quantiles.map(
    (us) => us / 1_000,
  );
  return { p50Ms, p95Ms, p99Ms, p999Ms, maxMs };
}

const hasTraffic = (row: StatRow): boolean =>
  row.success + row.failure + row.cancelled > 0 ||
  (row.readBytesPerSecond ?? 0) + (row.writeBytesPerSecond ?? 0) > 0 ||
  (row.tcpConnections ?? 0) > 0;

function byName(a: StatRow, b: StatRow): number {
  for (const part of ['namespace', 'service', 'name'] as const) {
    if (a[part] !== b[part]) return a[part] < b[part] ? -1 : 1;
  }
  return 0;
}

const emptyRow = (group: Grouped): Row => ({
  group,
  totals: {
    success: 0,
    failure: 0,
    cancelled: 0,
    readBytes: 0,
    writeBytes: 0,
    latency: new Float64Array(LATENCY_SLOTS),
  },
  openConnections: 0,
});
