/** The data threads of a process, from 0: started, told, and drained together. */
import { availableParallelism } from 'node:os';
import type { Log } from '../../base/log.ts';
import type { BoundListeners, FromThread, ThreadConfig, ToThread } from '../model/thread.ts';
import type { Neighbours } from '../accept/neighbours.ts';
import { GAUGE_LOOP_TICKS, type SharedCounts } from '../observe/shared-counts.ts';
import { DataThread } from './data-thread.ts';
import { StartQueue } from './start-queue.ts';

/** What the process hears of its threads. */
export interface DataThreadsEvents {
  /** A thread serves; also after each new start of it. */
  ready(thread: number, listeners: BoundListeners): void;
  /** A thread cannot serve, for a reason that starting again does not cure. */
  failed(reason: string): void;
  died(thread: number): void;
  heard(thread: number, message: FromThread): void;
  /** Draining: no thread accepts inbound connections any more. */
  inboundClosed(): void;
  /** Draining: no thread has a downstream connection left. */
  drained(): void;
}

interface Slot {
  readonly thread: DataThread;
  state: 'starting' | 'serving';
  inboundClosed: boolean;
  drained: boolean;
}

/** All data threads. */
export class DataThreads {
  readonly #slots: readonly Slot[];
  readonly #neighbours: Neighbours;
  readonly #events: DataThreadsEvents;
  #draining = false;

  /** One thread for each of `counts`; `config` is asked at each start of a thread. */
  constructor(
    counts: readonly SharedCounts[],
    neighbours: Neighbours,
    config: (thread: number) => ThreadConfig,
    log: Log,
    events: DataThreadsEvents,
  ) {
    this.#events = events;
    this.#neighbours = neighbours;
    const starts = new StartQueue(availableParallelism());
    this.#slots = counts.map((own, n) => {
      const ticks = (): number => own.gauge(GAUGE_LOOP_TICKS);
      const thread = new DataThread(() => config(n), log, this.#eventsOf(n), ticks, starts);
      return { thread, state: 'starting', inboundClosed: false, drained: false };
    });
  }

  /** How many there are. */
  get size(): number {
    return this.#slots.length;
  }

  /** How many of them serve now. */
  get serving(): number {
    return this.#slots.filter((_, n) => this.isServing(n)).length;
  }

  /** The thread of this number; undefined when there is none. */
  at(thread: number): DataThread | undefined {
    return this.#slots[thread]?.thread;
  }

  isServing(thread: number): boolean {
    const slot = this.#slots[thread];
    return slot?.state === 'serving' && slot.thread.hears;
  }

  start(): void {
    for (const { thread } of this.#slots) thread.start();
  }

  /** Tells every thread that is there. */
  tell(message: ToThread): void {
    for (const { thread } of this.#slots) thread.tell(message);
  }

  /** Says goodbye on every connection; threads that start from now on do so too. */
  drain(): void {
    this.#draining = true;
    this.tell({ type: 'drain' });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#slots.map(({ thread }) => thread.stop()));
  }

  #eventsOf(n: number): ConstructorParameters<typeof DataThread>[2] {
    const slot = (): Slot => this.#slots[n]!;
    return {
      ready: (listeners) => {
        this.#neighbours.began(n);
        Object.assign(slot(), { state: 'serving', inboundClosed: false, drained: false });
        if (this.#draining) slot().thread.tell({ type: 'drain' });
        this.#events.ready(n, listeners);
      },
      failed: (reason) => this.#events.failed(reason),
      died: () => {
        Object.assign(slot(), { state: 'starting', inboundClosed: false, drained: false });
        this.#events.died(n);
      },
      heard: (message) => this.#heard(n, slot(), message),
    };
  }

  #heard(n: number, slot: Slot, message: FromThread): void {
    if (message.type === 'inbound-closed') {
      slot.inboundClosed = true;
      if (this.#slots.every(({ inboundClosed }) => inboundClosed)) this.#events.inboundClosed();
    } else if (message.type === 'drained') {
      slot.drained = message.drained;
      if (this.#slots.every(({ drained }) => drained)) this.#events.drained();
    } else if (message.type === 'pass') this.#pass(message);
    else this.#events.heard(n, message);
  }

  /** To the thread it is for; when that has died meanwhile, to the least busy of the others. */
  #pass({ to, listener, socket }: Extract<FromThread, { type: 'pass' }>): void {
    let taker: number | undefined = to;
    if (!this.isServing(to)) {
      taker = this.#neighbours.least((thread) => this.isServing(thread));
      if (taker !== undefined) this.#neighbours.passed(taker);
    }
    if (taker === undefined) socket.destroy();
    else this.at(taker)?.tell({ type: 'take', listener, socket }, [socket]);
  }
}
