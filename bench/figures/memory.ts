/** Memory of processes, from /proc of Linux (proc_pid_status(5), proc_pid_smaps(5)). */
import { readFileSync } from 'node:fs';
import type { MemoryPoint } from '../model.ts';
import { isGone } from './process-stat.ts';

/** Kilobytes, summed over processes. */
export type Memory = Omit<MemoryPoint, 'atMs'>;

/**
 * Memory of `pids` now. RSS counts a page once in each process that maps it; PSS shares it out
 * among all processes that do; RssAnon is what only these processes have. PSS is NaN where
 * smaps_rollup cannot be read. Throws when one of them has ended.
 */
export function memoryOf(pids: readonly number[]): Memory {
  const parts = pids.map(memoryOfOne);
  const sum = (read: (one: Memory) => number): number =>
    parts.reduce((total, one) => total + read(one), 0);
  return {
    rssKb: sum(({ rssKb }) => rssKb),
    rssAnonKb: sum(({ rssAnonKb }) => rssAnonKb),
    pssKb: sum(({ pssKb }) => pssKb),
  };
}

function memoryOfOne(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return {
    rssKb: kilobytes(status, 'VmRSS'),
    rssAnonKb: kilobytes(status, 'RssAnon'),
    pssKb: pssOf(pid),
  };
}

function pssOf(pid: number): number {
  try {
    return kilobytes(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'), 'Pss');
  } catch (error) {
    if (isGone(error) && process.platform === 'linux') throw error;
    return Number.NaN;
  }
}

/** The value of "NAME:  123 kB" in `text`; NaN when there is no such line. */
export function kilobytes(text: string, name: string): number {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
  return Number(match?.[1] ?? Number.NaN);
}

/** Looks at the memory of processes each `periodMs` until it is stopped. */
export class MemorySampler {
  readonly #pids: readonly number[];
  readonly #startedMs = performance.now();
  readonly #points: MemoryPoint[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(pids: readonly number[], periodMs: number) {
    this.#pids = pids;
    this.#timer = setInterval(() => this.#look(), periodMs);
    this.#look();
  }

  /** Looks once more; what was seen, by time. A process that ended gives no more points. */
  stop(): readonly MemoryPoint[] {
    clearInterval(this.#timer);
    this.#look();
    return this.#points;
  }

  #look(): void {
    const atMs = Math.round(performance.now() - this.#startedMs);
    try {
      this.#points.push({ atMs, ...memoryOf(this.#pids) });
    } catch (error) {
      if (!isGone(error)) throw error;
      clearInterval(this.#timer);
    }
  }
}
