/**
 * The telemetry stream: once a second the cumulative counts of every series that changed. A stream
 * that fails is opened again with the next report; its dictionary starts empty then.
 */
import {
  Direction as DirectionMessage,
  type SeriesCounts,
  type SeriesDefinition,
  type SparseHistogram,
  TelemetryAck,
  TelemetryReport,
} from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { LATENCY_SLOTS, toSparseCounts } from '../../api/histogram.ts';
import type { Direction } from '../model/exchange.ts';
import { type Meter, type MeterGroup, isPlain } from '../observe/meter.ts';
import type { Series } from '../observe/series.ts';
import { type SharedCounts, sumLinks } from '../observe/shared-counts.ts';
import {
  LINK_CLOSED,
  LINK_OPENED,
  LINK_READ_BYTES,
  LINK_WRITTEN_BYTES,
} from '../transport/link.ts';
import type { ProxyIdentity } from './control-session.ts';
import type { StreamMethod } from './grpc/grpc-call.ts';
import type { GrpcConnection } from './grpc/grpc-connection.ts';

const REPORT_MS = 1_000;
/** Counts restart with the process. Microseconds since 1970. */
const EPOCH_US = Math.round(performance.timeOrigin * 1000);

const DIRECTIONS: Readonly<Record<Direction, DirectionMessage>> = {
  inbound: DirectionMessage.DIRECTION_INBOUND,
  outbound: DirectionMessage.DIRECTION_OUTBOUND,
};

/** Telemetry.Report of the proto. */
export const TELEMETRY_REPORT: StreamMethod<TelemetryReport, TelemetryAck> = {
  path: '/culvert.proxy.v1.Telemetry/Report',
  encode: (report) => TelemetryReport.encode(report).finish(),
  decode: (bytes) => TelemetryAck.decode(bytes),
};

/** What reports are made of. */
export interface ReportParts {
  readonly identity: ProxyIdentity;
  readonly meter: Meter;
  /** Of every data thread. */
  readonly counts: readonly SharedCounts[];
}

/** Reports under way. */
export interface ReportSession {
  close(): void;
}

/** Reports on `connection` until closed. */
export function openReportSession(connection: GrpcConnection, parts: ReportParts): ReportSession {
  let stream: ReportStream | undefined;
  const report = (): void => {
    if (stream === undefined || stream.ended) stream = openStream(connection);
    stream?.send(parts);
  };
  const timer = setInterval(report, REPORT_MS);
  return {
    close: () => {
      clearInterval(timer);
      stream?.close();
    },
  };
}

interface ReportStream {
  readonly ended: boolean;
  send(parts: ReportParts): void;
  close(): void;
}

function openStream(connection: GrpcConnection): ReportStream | undefined {
  const builder = new ReportBuilder();
  let ended = false;
  let writable = true;
  const call = connection.call(TELEMETRY_REPORT, {
    message: () => undefined,
    drained: () => (writable = true),
    ended: () => (ended = true),
  });
  if (call === undefined) return undefined;
  return {
    get ended() {
      return ended;
    },
    send: (report) => {
      // Counts are cumulative: a report that is not sent loses nothing.
      if (!ended && writable) writable = call.write(builder.next(report));
    },
    close: () => call.cancel(),
  };
}

/** Builds the reports of one stream: what it has told before it tells only when it changed. */
export class ReportBuilder {
  #sequence = 0;
  /** Fingerprint of what was last told of each series. */
  readonly #told = new Map<number, string>();

  next({ identity, meter, counts }: ReportParts): TelemetryReport {
    const report: TelemetryReport = {
      reporter: this.#sequence === 0 ? { ...identity } : undefined,
      epoch: EPOCH_US,
      sequence: ++this.#sequence,
      definitions: [],
      counts: [],
      removed: [],
    };
    const gone = new Set(this.#told.keys());
    for (const group of meter.groups()) {
      gone.delete(group.id);
      const fingerprint = fingerprintOf(group, counts);
      if (this.#told.get(group.id) === fingerprint) continue;
      if (!this.#told.has(group.id)) report.definitions.push(definitionOf(group));
      this.#told.set(group.id, fingerprint);
      report.counts.push(countsOf(group, counts));
    }
    for (const id of gone) {
      this.#told.delete(id);
      report.removed.push(id);
    }
    return report;
  }
}

type Counts = readonly SharedCounts[];

const linksOf = ({ labels }: MeterGroup, counts: Counts): Float64Array | undefined =>
  isPlain(labels) ? sumLinks(counts, labels.direction, 'src') : undefined;

const sum = (parts: readonly Series[], read: (one: Series) => number): number =>
  parts.reduce((total, one) => total + read(one), 0);

function fingerprintOf(group: MeterGroup, counts: Counts): string {
  const requests = sum(group.parts, (one) => one.requests);
  return `${requests} ${linksOf(group, counts)?.join(' ') ?? ''}`;
}

function definitionOf({ id, labels }: MeterGroup): SeriesDefinition {
  const { direction, ...rest } = labels;
  return { id, direction: DIRECTIONS[direction], ...rest, dstPod: '' };
}

function countsOf(group: MeterGroup, counts: Counts): SeriesCounts {
  const { id, parts } = group;
  const links = linksOf(group, counts);
  return {
    id,
    requests: sum(parts, (one) => one.requests),
    outcomes: parts.flatMap((one) =>
      one.outcomes().map(({ status, grpcStatus, success, count }) => ({
        statusCode: status,
        grpcStatus,
        success,
        count,
      })),
    ),
    cancelled: sum(parts, (one) => one.cancelled),
    latencyUs: histogram(
      parts.map((one) => one.latencyCounts),
      sum(parts, (one) => one.latencySumUs),
    ),
    firstByteUs: histogram(
      parts.map((one) => one.firstByteCounts),
      sum(parts, (one) => one.firstByteSumUs),
    ),
    tcpOpened: links?.[LINK_OPENED] ?? 0,
    tcpClosed: links?.[LINK_CLOSED] ?? 0,
    readBytes: links?.[LINK_READ_BYTES] ?? 0,
    writeBytes: links?.[LINK_WRITTEN_BYTES] ?? 0,
  };
}

function histogram(parts: readonly Uint32Array[], sumUs: number): SparseHistogram {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return { ...toSparseCounts(only), sumUs };
  const merged = new Float64Array(LATENCY_SLOTS);
  for (const part of parts) {
    for (let i = 0; i < LATENCY_SLOTS; i++) merged[i] = (merged[i] ?? 0) + (part[i] ?? 0);
  }
  return { ...toSparseCounts(merged), sumUs };
}
