/**
 * All series of the process, as the main thread reads them: what every data thread has announced,
 * and what threads that died had counted, merged by label.
 */
import { limits, timeouts } from '../limits.ts';
import { DIRECTIONS, type Direction } from '../model/exchange.ts';
import type { SeriesLabels, SeriesRecord } from '../model/series-labels.ts';
import { OTHER_LABELS } from './classify.ts';
import { Series } from './series.ts';

/** Series of equal labels, one for each thread that counts them. */
export interface MeterGroup {
  /** Stable for the life of the process; never used again. */
  readonly id: number;
  readonly labels: SeriesLabels;
  readonly parts: readonly Series[];
}

interface Group {
  readonly id: number;
  readonly labels: SeriesLabels;
  readonly parts: Map<string, Series>;
  /** When the last of its threads died, monotonic milliseconds. */
  retiredMs: number;
}

const RETIRED = 'retired';

/** The main thread's view; `thread` numbers the lives of data threads. */
export class Meter {
  readonly #groups = new Map<string, Group>();
  #nextId = 1;
  #limited = 0;

  constructor() {
    // Each direction has its plain series from the start: connections are reported with it.
    for (const direction of DIRECTIONS) this.#group(plainLabels(direction));
  }

  /** Series counted as "other" because those of all threads together are too many. */
  get limited(): number {
    return this.#limited;
  }

  groups(): readonly MeterGroup[] {
    return [...this.#groups.values()].map(({ id, labels, parts }) => ({
      id,
      labels,
      parts: [...parts.values()],
    }));
  }

  /** A series that data thread `thread` has made. */
  add(thread: number, { id, labels, shared }: SeriesRecord): void {
    this.#group(this.#within(labels)).parts.set(partKey(thread, id), new Series(shared));
  }

  /** Each thread keeps to limits.seriesMax; threads that see different traffic exceed it together. */
  #within(labels: SeriesLabels): SeriesLabels {
    const known = this.#groups.has(keyOf(labels));
    // The plain series are there whether or not a thread counts them.
    if (known || this.#groups.size < limits.seriesMax + DIRECTIONS.length) return labels;
    const other = { ...labels, ...OTHER_LABELS };
    if (keyOf(other) !== keyOf(labels)) this.#limited++;
    return other;
  }

  /** Series the thread has dropped because nothing happened in them. */
  remove(thread: number, ids: readonly number[]): void {
    for (const id of ids) {
      const part = partKey(thread, id);
      for (const [key, { labels, parts }] of this.#groups) {
        if (!parts.has(part)) continue;
        const stays =
          isPlain(labels) || [...parts.keys()].some((one) => one !== part && one !== RETIRED);
        if (stays) fold(parts, part);
        else this.#groups.delete(key);
      }
    }
  }

  #group(labels: SeriesLabels): Group {
    const key = keyOf(labels);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { id: this.#nextId++, labels, parts: new Map(), retiredMs: 0 };
      this.#groups.set(key, group);
    }
    return group;
  }

  /** Forgets what only threads that died had counted, timeouts.seriesIdleMs after their death. */
  sweep(nowMs: number): void {
    for (const [key, { labels, parts, retiredMs }] of this.#groups) {
      const only = parts.size === 1 && parts.has(RETIRED);
      if (only && !isPlain(labels) && nowMs - retiredMs > timeouts.seriesIdleMs) {
        this.#groups.delete(key);
      }
    }
  }

  /** The thread is gone at `nowMs`; what it counted stays counted. */
  retire(thread: number, nowMs: number): void {
    for (const group of this.#groups.values()) {
      const { parts } = group;
      for (const key of parts.keys()) {
        if (!key.startsWith(`${thread}:`)) continue;
        group.retiredMs = nowMs;
        fold(parts, key);
      }
    }
  }
}

/** A part goes, its counts stay: while a group lives, no count of it shrinks. */
function fold(parts: Map<string, Series>, key: string): void {
  const series = parts.get(key);
  if (series === undefined) return;
  parts.delete(key);
  const retired = parts.get(RETIRED) ?? new Series();
  retired.addAll(series);
  parts.set(RETIRED, retired);
}

/** Labels of what has no destination: all inbound traffic, and outbound requests that name none. */
const plainLabels = (direction: Direction): SeriesLabels => ({
  direction,
  authority: '',
  dstNamespace: '',
  dstService: '',
  dstPort: 0,
  dstWorkloadKind: '',
  dstWorkload: '',
  route: '',
  tls: 'disabled',
});

/** Whether the series of these labels also carries the direction's connection counts. */
export const isPlain = ({ authority, route }: SeriesLabels): boolean =>
  authority === '' && route === '';

const keyOf = (labels: SeriesLabels): string => JSON.stringify(labels);

const partKey = (thread: number, id: number): string => `${thread}:${id}`;
