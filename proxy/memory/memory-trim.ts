/**
 * When a sidecar gives memory back: once after its start, and whenever traffic has ceased.
 *
 *   settling ─settleMs, quiet─> collecting ─a look later: trims─> watching
 *       └─settleMs, traffic: drops pages only─> watching
 *                                   ^── traffic, then none for idleMs ──┘
 *
 * To trim is: data threads collect their garbage; one look later the main thread collects its own,
 * free malloc memory goes back to the kernel, and clean pages of files are dropped (page-trim.ts):
 * those last, since all of the others run code of such files. What pauses a thread or holds malloc's locks waits for a quiet look. Looking costs a sum
 * of counters.
 */
import * as libc from '../../base/libc.ts';
import type { Log } from '../../base/log.ts';
import { allowCollections, collectGarbage } from './collect-garbage.ts';
import { type DropPages, dropAll, droppablePages, readOwnMappings } from './page-trim.ts';

/** What it needs of its process. */
export interface MemoryTrimParts {
  readonly log: Log;
  /** Grows with traffic, and stands still without. */
  readonly activity: () => number;
  /** Tells every data thread to collect its garbage. */
  readonly collectInThreads: () => void;
  /** Given by tests; otherwise this process and its C library. */
  readonly system?: MemorySystem;
}

/** What a trim does to the process. */
export interface MemorySystem {
  readonly readMappings: () => string;
  readonly dropPages: DropPages;
  readonly trimMalloc: () => boolean;
  readonly allowCollections: (allowed: boolean) => void;
  readonly collectGarbage: () => void;
}

/** When it is done, milliseconds. */
export interface MemoryTrimTimes {
  /** From ready to the first trim: the control link is up by then. */
  readonly settleMs: number;
  /** Without traffic for so long a sidecar is idle. */
  readonly idleMs: number;
}

const LOOK_MS = 1_000;
const TIMES: MemoryTrimTimes = { settleMs: 3_000, idleMs: 60_000 };
const OWN_SYSTEM: MemorySystem = {
  readMappings: readOwnMappings,
  dropPages: libc.dropPages,
  trimMalloc: libc.trimMalloc,
  allowCollections,
  collectGarbage,
};

/** What /metrics says of it. */
export interface MemoryTrimFigures {
  readonly trims: number;
  /** Resident bytes dropped, of all trims. */
  readonly bytes: number;
}

/** The trimming of one process. After a failure it does nothing any more, and has said why. */
export class MemoryTrim {
  readonly #parts: MemoryTrimParts;
  readonly #times: MemoryTrimTimes;
  readonly #system: MemorySystem;
  readonly #startedMs: number;
  #looks: NodeJS.Timeout | undefined = undefined;
  #activity: number;
  /** When traffic was last noticed. */
  #activeMs = Number.NEGATIVE_INFINITY;
  /** Something has happened since garbage was collected last. */
  #stirred = true;
  #stage: 'settling' | 'watching' | 'collecting' | 'failed' = 'settling';
  #trims = 0;
  #bytes = 0;

  constructor(parts: MemoryTrimParts, nowMs: number, times: MemoryTrimTimes = TIMES) {
    this.#parts = parts;
    this.#times = times;
    this.#system = parts.system ?? OWN_SYSTEM;
    this.#startedMs = nowMs;
    this.#activity = parts.activity();
  }

  get figures(): MemoryTrimFigures {
    return { trims: this.#trims, bytes: this.#bytes };
  }

  /** Looks once a second from now on; keeps no process alive. */
  start(): void {
    this.#looks = setInterval(() => this.look(performance.now()), LOOK_MS).unref();
  }

  stop(): void {
    clearInterval(this.#looks);
  }

  /** One look, and what follows from it. Never throws. */
  look(nowMs: number): void {
    const activity = this.#parts.activity();
    const quiet = activity === this.#activity;
    this.#activity = activity;
    if (!quiet) {
      this.#activeMs = nowMs;
      this.#stirred = true;
    }
    try {
      if (this.#stage === 'collecting') this.#trim(quiet);
      else if (this.#isDue(nowMs)) this.#collect(quiet);
    } catch (error) {
      this.stop();
      if (this.#stage === 'collecting') this.#system.allowCollections(false);
      this.#stage = 'failed';
      this.#parts.log.debug('gives no memory back', { reason: String(error) });
    }
  }

  #isDue(nowMs: number): boolean {
    if (this.#stage === 'settling') return nowMs - this.#startedMs >= this.#times.settleMs;
    const idle = nowMs - this.#activeMs >= this.#times.idleMs;
    return this.#stage === 'watching' && this.#stirred && idle;
  }

  #collect(quiet: boolean): void {
    const { dropPages, readMappings } = this.#system;
    if (!quiet) return this.#done(dropAll(droppablePages(readMappings()), dropPages));
    this.#stage = 'collecting';
    this.#system.allowCollections(true);
    this.#parts.collectInThreads();
  }

  #trim(quiet: boolean): void {
    const { allowCollections, collectGarbage, dropPages, readMappings, trimMalloc } = this.#system;
    // Before: reading the mappings leaves a megabyte of garbage.
    const pages = droppablePages(readMappings());
    if (quiet) {
      collectGarbage();
      trimMalloc();
      this.#stirred = false;
    }
    allowCollections(false);
    this.#done(dropAll(pages, dropPages));
  }

  #done(bytes: number): void {
    this.#bytes += bytes;
    this.#trims++;
    this.#parts.log.debug('gave memory back', { droppedBytes: bytes });
    this.#stage = 'watching';
  }
}
