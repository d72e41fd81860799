/** Which traffic a metric series is about. */
import type { Direction } from './exchange.ts';

/** Destination labels are empty for inbound traffic. */
export interface SeriesLabels {
  readonly direction: Direction;
  readonly authority: string;
  readonly dstNamespace: string;
  readonly dstService: string;
  readonly dstPort: number;
  readonly dstWorkloadKind: string;
  readonly dstWorkload: string;
  readonly route: string;
  /** "true", or why not. */
  readonly tls: string;
}

/** A series as a data thread announces it; `shared` is laid out by observe/series.ts. */
export interface SeriesRecord {
  readonly id: number;
  readonly labels: SeriesLabels;
  readonly shared: SharedArrayBuffer;
}
