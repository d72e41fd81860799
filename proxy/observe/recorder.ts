/**
 * Records exchanges on a data thread. A series is made on first use and told to the main thread
 * once; from then on the threads share its memory.
 */
import { recordLatency } from '../../api/histogram.ts';
import { limits, timeouts } from '../limits.ts';
import type { Destination } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import {
  EVENT_END,
  type ExchangeEvent,
  NO_GRPC_STATUS,
  type ObservedExchange,
} from '../model/observation.ts';
import type { SeriesLabels, SeriesRecord } from '../model/series-labels.ts';
import { OTHER_LABELS, isFailure } from './classify.ts';
import { Series } from './series.ts';

/** What the main thread is told of. */
export interface SeriesEvents {
  added(series: SeriesRecord): void;
  removed(ids: readonly number[]): void;
  /** There are limits.seriesMax: new labels are counted as "other". */
  limited(): void;
}

interface Recorded {
  readonly id: number;
  readonly key: string;
  readonly series: Series;
  /** Requests at the last sweep that saw a change, and when that was. */
  seenRequests: number;
  seenUs: number;
}

type ByRoute = Map<string, Recorded>;

/** The recorder of one data thread. */
export class Recorder {
  readonly #events: SeriesEvents;
  readonly #nowUs: () => number;
  readonly #byKey = new Map<string, Recorded>();
  /** The way to a series without building its key. */
  #byDestination = new Map<Destination | undefined, Map<Endpoint | undefined, ByRoute>>();
  #nextId = 1;

  constructor(events: SeriesEvents, nowUs: () => number) {
    this.#events = events;
    this.#nowUs = nowUs;
  }

  // HOT: per exchange.
  readonly observe = (exchange: ObservedExchange, event: ExchangeEvent): void => {
    if (event !== EVENT_END) return;
    const recorded = this.#seriesOf(exchange);
    this.#count(exchange, recorded);
    // Last: reports go by this count, so one that tells it tells the rest as well.
    recorded.series.addRequest();
  };

  #count(exchange: ObservedExchange, { series }: Recorded): void {
    if (exchange.cancelled) return series.addCancelled();
    // A gRPC response without a status is UNKNOWN.
    const missing = exchange.grpc && exchange.grpcStatus === NO_GRPC_STATUS;
    const grpcStatus = missing ? GRPC_UNKNOWN : exchange.grpcStatus;
    const failure = isFailure(exchange.failed, exchange.status, grpcStatus);
    series.addOutcome(exchange.status, grpcStatus, !failure);
    series.addLatency(recordLatency(series.latencyCounts, exchange.endUs - exchange.startUs));
    if (exchange.firstByteUs > 0) {
      series.addFirstByte(
        recordLatency(series.firstByteCounts, exchange.firstByteUs - exchange.startUs),
      );
    }
  }

  /** Forgets series without requests for timeouts.seriesIdleMs, and ways to what is gone. */
  sweep(): void {
    const now = this.#nowUs();
    const removed: number[] = [];
    for (const [key, recorded] of this.#byKey) {
      const { requests } = recorded.series;
      if (requests !== recorded.seenRequests) {
        recorded.seenRequests = requests;
        recorded.seenUs = now;
      } else if (now - recorded.seenUs > timeouts.seriesIdleMs * 1000) {
        this.#byKey.delete(key);
        removed.push(recorded.id);
      }
    }
    this.#byDestination = new Map();
    if (removed.length > 0) this.#events.removed(removed);
  }

  #seriesOf(exchange: ObservedExchange): Recorded {
    const { destination, endpoint, route } = exchange;
    let byEndpoint = this.#byDestination.get(destination);
    if (byEndpoint === undefined) this.#byDestination.set(destination, (byEndpoint = new Map()));
    let byRoute = byEndpoint.get(endpoint);
    if (byRoute === undefined) byEndpoint.set(endpoint, (byRoute = new Map()));
    let recorded = byRoute.get(route);
    if (recorded === undefined) byRoute.set(route, (recorded = this.#find(exchange)));
    return recorded;
  }

  #find(exchange: ObservedExchange): Recorded {
    const labels = labelsOf(exchange);
    const key = keyOf(labels);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    if (this.#byKey.size < limits.seriesMax) return this.#add(key, labels);
    this.#events.limited();
    const other = { ...labels, ...OTHER_LABELS };
    return this.#byKey.get(keyOf(other)) ?? this.#add(keyOf(other), other);
  }

  #add(key: string, labels: SeriesLabels): Recorded {
    const series = new Series();
    const id = this.#nextId++;
    const recorded: Recorded = {
      id,
      key,
      series,
      seenRequests: 0,
      seenUs: this.#nowUs(),
    };
    this.#byKey.set(key, recorded);
    this.#events.added({ id, labels, shared: series.shared });
    return recorded;
  }
}

const GRPC_UNKNOWN = 2;
/** The authority of what is no service's. */
const OUTSIDE = 'unknown';

const keyOf = (labels: SeriesLabels): string => JSON.stringify(Object.values(labels));

function labelsOf({ direction, destination, endpoint, route }: ObservedExchange): SeriesLabels {
  const outbound = direction === 'outbound' ? destination : undefined;
  const owner = outbound === undefined ? undefined : endpoint?.owner;
  return {
    direction,
    // There is no end of addresses, and nobody groups by them.
    authority: outbound?.outside === true ? OUTSIDE : (outbound?.authority ?? ''),
    dstNamespace: outbound?.namespace ?? '',
    dstService: outbound?.service ?? '',
    dstPort: outbound?.port ?? 0,
    dstWorkloadKind: owner?.workloadKind ?? '',
    dstWorkload: owner?.workload ?? '',
    route,
    tls: 'disabled',
  };
}
