/**
 * StatSummary: traffic of a window, grouped by resource.
 *
 *   asked for            traffic                               grouped by
 *   deploy, po, ns       inbound, as their own sidecars saw it the sidecar's owner
 *   svc, route           outbound of every meshed caller       the destination
 *   deploy, po, ns --to  their outbound towards X              the sidecar's owner
 *   any --from X         X's outbound                          the destination
 */
import { ResourceKind } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type {
  Latency,
  ResourceRef,
  StatRow,
  StatSummaryRequest,
  StatSummaryResponse,
} from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { Direction } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { LATENCY_SLOTS, latencyQuantilesUs } from '../../api/histogram.ts';
import type { Mesh } from '../state.ts';
import type { Series } from '../telemetry/reporter.ts';
import type { TelemetryStore } from '../telemetry/store.ts';
import { windowSpan } from '../telemetry/window.ts';
import type { WindowTotals } from '../telemetry/window.ts';
import { destinationOf, knownResources, matchesRef, sourceOf } from './stat-resources.ts';
import type { Grouped } from './stat-resources.ts';

const WINDOW_SECONDS_MIN = 10;
const WINDOW_SECONDS_MAX = 3_600;
const QUANTILES = [0.5, 0.95, 0.99, 0.999, 1];

/** A request that cannot be answered, in a sentence for the caller. */
export interface InvalidRequest {
  readonly invalid: string;
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
): StatSummaryResponse | InvalidRequest {
  const question = readQuestion(request);
  if ('invalid' in question) return question;
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

interface Question {
  readonly resource: ResourceRef;
  /** Resources without traffic have rows too. */
  readonly withIdle: boolean;
  /** Connections and bytes are counted for a sidecar as a whole, not for where it calls. */
  readonly withConnections: boolean;
  /** The resource a series counts for; undefined: it does not count. */
  readonly groupOf: (series: Series) => Grouped | undefined;
}

function readQuestion(request: StatSummaryRequest): Question | InvalidRequest {
  const { resource, windowSeconds, to, from } = request;
  if (!(windowSeconds >= WINDOW_SECONDS_MIN && windowSeconds <= WINDOW_SECONDS_MAX)) {
    const range = `${WINDOW_SECONDS_MIN} to ${WINDOW_SECONDS_MAX}`;
    return { invalid: `window_seconds must be ${range}, is ${windowSeconds}` };
  }
  if (resource === undefined || !isKnownKind(resource.kind)) {
    return { invalid: 'resource.kind must be a namespace, deployment, pod, service or route' };
  }
  if (to !== undefined && from !== undefined) {
    return { invalid: 'either to or from may be given, not both' };
  }
  if (to !== undefined && !isKnownKind(to.kind)) return { invalid: 'to.kind is not known' };
  if (from !== undefined && !hasSidecars(from.kind)) {
    return { invalid: 'from must be a namespace, deployment or pod: only those call others' };
  }
  if (to !== undefined && !hasSidecars(resource.kind)) {
    return { invalid: 'to is for namespaces, deployments and pods: only those call others' };
  }
  return {
    resource,
    withIdle: to === undefined && from === undefined,
    withConnections: to === undefined && from === undefined && hasSidecars(resource.kind),
    groupOf: grouping(resource.kind, to, from),
  };
}

function grouping(
  kind: ResourceKind,
  to: ResourceRef | undefined,
  from: ResourceRef | undefined,
): Question['groupOf'] {
  if (to !== undefined) {
    return (series) => {
      if (series.definition.direction !== Direction.DIRECTION_OUTBOUND) return undefined;
      const called = destinationOf(series, to.kind);
      return called !== undefined && matchesRef(to, called) ? sourceOf(series, kind) : undefined;
    };
  }
  if (from === undefined && hasSidecars(kind)) {
    return (series) =>
      series.definition.direction === Direction.DIRECTION_INBOUND
        ? sourceOf(series, kind)
        : undefined;
  }
  return (series) => {
    if (series.definition.direction !== Direction.DIRECTION_OUTBOUND) return undefined;
    if (from !== undefined) {
      const caller = sourceOf(series, from.kind);
      if (caller === undefined || !matchesRef(from, caller)) return undefined;
    }
    return destinationOf(series, kind);
  };
}

const hasSidecars = (kind: ResourceKind): boolean =>
  kind === ResourceKind.RESOURCE_KIND_NAMESPACE ||
  kind === ResourceKind.RESOURCE_KIND_DEPLOYMENT ||
  kind === ResourceKind.RESOURCE_KIND_POD;

const isKnownKind = (kind: ResourceKind): boolean =>
  hasSidecars(kind) ||
  kind === ResourceKind.RESOURCE_KIND_SERVICE ||
  kind === ResourceKind.RESOURCE_KIND_ROUTE;

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
