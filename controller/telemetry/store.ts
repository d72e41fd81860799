/** All that proxies reported in the last hour, under a cap of bytes. */
import type { Owner } from '../../api/gen/culvert/proxy/v1/control.ts';
import type {
  ReporterIdentity,
  SeriesDefinition,
  TelemetryReport,
} from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import { resourceKey } from '../resources/resource.ts';
import { Reporter, Series, seriesKey } from './reporter.ts';
import { NO_TRAFFIC, readTraffic } from './traffic.ts';

/** Clock, cap and neighbours of a store. */
export interface TelemetryOptions {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Microseconds since 1970: what proxies counted before is not news to this controller. */
  readonly startedAtUs: number;
  /** Memory for series; at the cap those idle for longest are dropped. */
  readonly bytesMax: number;
  readonly ownerOf: (namespace: string, pod: string) => Owner | undefined;
}

/** What happened since the start. */
export interface TelemetryCounters {
  reports: number;
  /** Reports of a stream or an epoch that was superseded, and repeated ones. */
  staleReports: number;
  /** Counts of an unknown id or of another histogram layout. */
  refusedCounts: number;
  droppedSeries: number;
}

/** A definition costs memory of the stream even without counts. */
const DEFINITIONS_MAX = 10_000;
const EXPIRE_MS = 10_000;
/** A reporter that was silent for longer than the longest window is forgotten. */
const REPORTER_KEPT_MS = 3_660_000;

/** The series of all reporters. */
export class TelemetryStore {
  readonly counters: TelemetryCounters = {
    reports: 0,
    staleReports: 0,
    refusedCounts: 0,
    droppedSeries: 0,
  };
  readonly bytesMax: number;
  readonly startedAtMs: number;
  readonly #now: () => number;
  readonly #ownerOf: TelemetryOptions['ownerOf'];
  readonly #reporters = new Map<string, Reporter>();
  /** Every series, the one idle for longest first. */
  readonly #series = new Set<Series>();
  #bytes = 0;
  /** Of a reporter not known, an epoch up to this one may have been counted before. */
  #countedBeforeUs: number;
  #expiredMs = 0;
  #lastDropMs: number | undefined;

  constructor(options: TelemetryOptions) {
    this.bytesMax = options.bytesMax;
    this.#now = options.now;
    this.#ownerOf = options.ownerOf;
    this.startedAtMs = options.now();
    this.#countedBeforeUs = options.startedAtUs;
  }

  /** Estimate of the memory held, at most `bytesMax`. */
  get bytes(): number {
    return this.#bytes;
  }

  get series(): ReadonlySet<Series> {
    return this.#series;
  }

  /** By "namespace/pod". */
  get reporters(): ReadonlyMap<string, Reporter> {
    return this.#reporters;
  }

  /** Milliseconds since 1970, by the clock that windows go by. */
  get nowMs(): number {
    return this.#now();
  }

  /** Milliseconds since the pod's last report; undefined when none is remembered. */
  reportAgeMs(namespace: string, pod: string): number | undefined {
    const reporter = this.#reporters.get(resourceKey(namespace, pod));
    return reporter && Math.max(0, this.#now() - reporter.lastReportMs);
  }

  /** Milliseconds since a series was dropped at the cap; undefined when none was. */
  get dropAgeMs(): number | undefined {
    return this.#lastDropMs === undefined ? undefined : Math.max(0, this.#now() - this.#lastDropMs);
  }

  /** A stream with a dictionary of its own; it supersedes the reporter's earlier ones. */
  openStream(identity: ReporterIdentity, epoch: number): ReportStream {
    const { namespace, pod, instance } = identity;
    const key = resourceKey(namespace, pod);
    let reporter = this.#reporters.get(key);
    if (reporter !== undefined && reporter.instance !== instance) {
      reporter.instance = instance;
      this.beginEpoch(reporter, epoch);
    }
    // The first report of a stream names all series that ever counted. Those not known may have
    // counted before this controller began, or before they were dropped.
    const baseline =
      reporter === undefined
        ? epoch <= this.#countedBeforeUs
        : epoch === reporter.epoch && reporter.someDropped;
    if (reporter === undefined) {
      const unknown = { namespace, pod, workloadKind: 'pod', workload: pod };
      const owner = this.#ownerOf(namespace, pod) ?? unknown;
      reporter = new Reporter(key, owner, instance, epoch);
      this.#reporters.set(key, reporter);
    }
    const stream = new ReportStream(this, reporter, baseline);
    reporter.stream = stream;
    return stream;
  }

  /** For ReportStream: the proxy counts everything from zero. */
  beginEpoch(reporter: Reporter, epoch: number): void {
    reporter.epoch = epoch;
    reporter.someDropped = false;
    for (const series of reporter.series.values()) this.reset(series);
  }

  /** For ReportStream: the proxy counts the series from zero next. */
  reset(series: Series): void {
    this.update(series, () => {
      series.last = NO_TRAFFIC;
      return false;
    });
  }

  /** For ReportStream: the clock, and a fresh look at who the reporter belongs to. */
  noteReport(reporter: Reporter): number {
    const now = this.#now();
    this.counters.reports++;
    reporter.lastReportMs = now;
    reporter.owner = this.#ownerOf(reporter.owner.namespace, reporter.owner.pod) ?? reporter.owner;
    return now;
  }

  /** For ReportStream: the reporter's series of these labels, and whether it is a new one. */
  seriesOf(
    reporter: Reporter,
    key: string,
    definition: SeriesDefinition,
  ): { readonly series: Series; readonly isNew: boolean } {
    const known = reporter.series.get(key);
    if (known !== undefined) return { series: known, isNew: false };
    const series = new Series(key, definition, reporter);
    reporter.series.set(key, series);
    this.#series.add(series);
    this.#bytes += series.bytes;
    return { series, isNew: true };
  }

  /** For ReportStream: does `change` to the series and keeps the books. */
  update(series: Series, change: () => boolean): void {
    const before = series.bytes;
    const changed = change();
    this.#bytes += series.bytes - before;
    if (changed) {
      this.#series.delete(series);
      this.#series.add(series);
    }
    while (this.#bytes > this.bytesMax) {
      const coldest = this.#series.values().next().value;
      if (coldest === undefined) return;
      this.counters.droppedSeries++;
      this.#lastDropMs = this.#now();
      this.#drop(coldest);
    }
  }

  /** Called about once a second: forgets what no window reaches any more. */
  tick(): void {
    const now = this.#now();
    if (now - this.#expiredMs < EXPIRE_MS) return;
    this.#expiredMs = now;
    for (const series of this.#series) {
      const before = series.bytes;
      series.recent.expire(now);
      this.#bytes += series.bytes - before;
      const counting = series.reporter.stream !== undefined && series.last !== NO_TRAFFIC;
      if (series.recent.empty && !counting) this.#drop(series);
    }
    for (const reporter of this.#reporters.values()) {
      if (reporter.stream !== undefined || reporter.series.size > 0) continue;
      if (now - reporter.lastReportMs < REPORTER_KEPT_MS) continue;
      this.#reporters.delete(reporter.key);
      this.#countedBeforeUs = Math.max(this.#countedBeforeUs, reporter.epoch);
    }
  }

  #drop(series: Series): void {
    if (!this.#series.delete(series)) return;
    this.#bytes -= series.bytes;
    series.reporter.series.delete(series.key);
    if (series.last !== NO_TRAFFIC) series.reporter.someDropped = true;
  }
}

interface Definition {
  readonly key: string;
  readonly definition: SeriesDefinition;
  /** This stream has counted it: if the store does not know it, it was dropped. */
  counted: boolean;
}

/** One stream of reports. */
export class ReportStream {
  readonly #store: TelemetryStore;
  readonly #reporter: Reporter;
  readonly #definitions = new Map<number, Definition>();
  /** Series that the store does not know begin at what the next report says, not at zero. */
  #baseline: boolean;
  #sequence: number | undefined;

  constructor(store: TelemetryStore, reporter: Reporter, baseline: boolean) {
    this.#store = store;
    this.#reporter = reporter;
    this.#baseline = baseline;
  }

  /** Takes a report; returns why the stream must end, or undefined. */
  apply(report: TelemetryReport): string | undefined {
    const { counters } = this.#store;
    const reporter = this.#reporter;
    const repeated = this.#sequence !== undefined && report.sequence <= this.#sequence;
    if (repeated || reporter.stream !== this || report.epoch < reporter.epoch) {
      counters.staleReports++;
      return undefined;
    }
    this.#sequence = report.sequence;
    if (report.epoch > reporter.epoch) this.#store.beginEpoch(reporter, report.epoch);
    const now = this.#store.noteReport(reporter);
    for (const definition of report.definitions) {
      if (this.#definitions.size >= DEFINITIONS_MAX) {
        return `a stream defines at most ${DEFINITIONS_MAX} series`;
      }
      this.#definitions.set(definition.id, {
        key: seriesKey(definition),
        definition,
        counted: false,
      });
    }
    for (const counts of report.counts) {
      const defined = this.#definitions.get(counts.id);
      const traffic = readTraffic(counts);
      if (defined === undefined || traffic === undefined) {
        counters.refusedCounts++;
        continue;
      }
      const { series, isNew } = this.#store.seriesOf(reporter, defined.key, defined.definition);
      const isOld = isNew && (this.#baseline || defined.counted);
      defined.counted = true;
      this.#store.update(series, () => {
        if (isOld) series.last = traffic;
        return series.advance(traffic, now);
      });
    }
    this.#remove(report.removed);
    this.#baseline = false;
    return undefined;
  }

  end(): void {
    if (this.#reporter.stream === this) this.#reporter.stream = undefined;
  }

  /** The proxy counts a removed series from zero when it comes back. */
  #remove(ids: readonly number[]): void {
    for (const id of ids) {
      const defined = this.#definitions.get(id);
      this.#definitions.delete(id);
      const series = defined && this.#reporter.series.get(defined.key);
      if (series !== undefined) this.#store.reset(series);
    }
  }
}
