import type { StatRow, StatSummaryResponse } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { statKindOf } from './stat-kind.ts';

/** Share of the answered requests that succeeded, 0 to 1; undefined when none was answered. */
export function successRate({ success, failure }: StatRow): number | undefined {
  const answered = success + failure;
  return answered === 0 ? undefined : success / answered;
}

/** Rows as `-o json` prints them: the table's fields in base units, null where there is no value. */
export function statJson({ rows, windowSeconds }: StatSummaryResponse): readonly object[] {
  return rows.map((row) => ({
    namespace: row.namespace,
    kind: statKindOf(row.kind)?.name ?? 'unknown',
    name: row.name,
    ...(row.service === '' ? {} : { service: row.service }),
    meshed: row.meshed ?? null,
    running: row.running ?? null,
    success: row.success,
    failure: row.failure,
    cancelled: row.cancelled,
    successRate: successRate(row) ?? null,
    rps: row.rps,
    latencyMsP50: row.latency?.p50Ms ?? null,
    latencyMsP95: row.latency?.p95Ms ?? null,
    latencyMsP99: row.latency?.p99Ms ?? null,
    latencyMsP999: row.latency?.p999Ms ?? null,
    latencyMsMax: row.latency?.maxMs ?? null,
    tcpConnections: row.tcpConnections ?? null,
    readBytesPerSecond: row.readBytesPerSecond ?? null,
    writeBytesPerSecond: row.writeBytesPerSecond ?? null,
    windowSeconds,
  }));
}
