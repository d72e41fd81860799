import type { Latency, StatRow } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { renderTable } from '../render/table.ts';
import type { Column } from '../render/table.ts';
import { successRate } from './stat-json.ts';
import { statKindOf } from './stat-kind.ts';

/** What the table shows beside the rows themselves. */
export interface StatTableOptions {
  readonly withNamespace: boolean;
  /** Names say their kind as well: "deploy/web". */
  readonly withKind?: boolean;
  readonly wide: boolean;
}

const NO_TRAFFIC = '-';

/** The rows as text. A column appears only when some row has a source for it. */
export function renderStatTable(rows: readonly StatRow[], options: StatTableOptions): string {
  return renderTable(columnsFor(rows, options), rows);
}

function columnsFor(rows: readonly StatRow[], options: StatTableOptions): Column<StatRow>[] {
  const columns: Column<StatRow>[] = [];
  if (options.withNamespace && rows.some(({ namespace }) => namespace !== '')) {
    columns.push(left('NAMESPACE', ({ namespace }) => namespace));
  }
  columns.push(left('NAME', options.withKind === true ? nameWithKind : ({ name }) => name));
  if (rows.some(({ service }) => service !== '')) {
    columns.push(left('SERVICE', ({ service }) => service || '-'));
  }
  if (rows.some(({ running }) => running !== undefined)) {
    columns.push(
      right('MESHED', ({ meshed, running }) =>
        running === undefined ? '-' : `${meshed ?? 0}/${running}`,
      ),
    );
  }
  columns.push(
    right('SUCCESS', (row) => formatRate(successRate(row))),
    right('RPS', (row) => (hasTraffic(row) ? row.rps.toFixed(1) : NO_TRAFFIC)),
    right('LATENCY_P50', latency('p50Ms')),
    right('LATENCY_P95', latency('p95Ms')),
    right('LATENCY_P99', latency('p99Ms')),
  );
  if (options.wide) {
    columns.push(
      right('LATENCY_P99.9', latency('p999Ms')),
      right('LATENCY_MAX', latency('maxMs')),
      right('CANCELLED', ({ cancelled }) => String(cancelled)),
    );
    if (rows.some(({ readBytesPerSecond }) => readBytesPerSecond !== undefined)) {
      columns.push(
        right('READ_BYTES/S', (row) => bytes(row.readBytesPerSecond)),
        right('WRITE_BYTES/S', (row) => bytes(row.writeBytesPerSecond)),
      );
    }
  }
  if (rows.some(({ tcpConnections }) => tcpConnections !== undefined)) {
    columns.push(
      right('TCP_CONN', ({ tcpConnections }) =>
        tcpConnections === undefined ? '-' : String(tcpConnections),
      ),
    );
  }
  return columns;
}

const nameWithKind = ({ kind, name }: StatRow): string =>
  `${statKindOf(kind)?.shortName ?? 'unknown'}/${name}`;

const left = (title: string, cell: (row: StatRow) => string): Column<StatRow> => ({
  title,
  align: 'left',
  cell,
});
const right = (title: string, cell: (row: StatRow) => string): Column<StatRow> => ({
  title,
  align: 'right',
  cell,
});

const hasTraffic = (row: StatRow): boolean => row.success + row.failure > 0;

const formatRate = (rate: number | undefined): string =>
  // A rate that is not whole never reads as 100.00%: one failure in 100,000 must show.
  rate === undefined ? NO_TRAFFIC : `${Math.min(rate * 100, rate < 1 ? 99.99 : 100).toFixed(2)}%`;

const latency =
  (field: keyof Latency) =>
  (row: StatRow): string =>
    row.latency === undefined ? NO_TRAFFIC : formatLatency(row.latency[field]);

const bytes = (perSecond: number | undefined): string =>
  perSecond === undefined ? '-' : formatBytes(perSecond);

/** Milliseconds with as many digits as the histogram can stand behind (within 1 %). */
export function formatLatency(ms: number): string {
  if (ms < 1) return `${ms.toFixed(2)}ms`;
  return ms < 9.95 ? `${ms.toFixed(1)}ms` : `${Math.round(ms)}ms`;
}

/** Bytes with a decimal prefix: 1234 is "1.2kB". */
export function formatBytes(bytes: number): string {
  let value = bytes;
  for (const unit of ['B', 'kB', 'MB']) {
    if (value < 999.5) return `${unit === 'B' ? Math.round(value) : value.toFixed(1)}${unit}`;
    value /= 1_000;
  }
  return `${value.toFixed(1)}GB`;
}
