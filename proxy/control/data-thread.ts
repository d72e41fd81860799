/**
 * One data thread under piscina (architecture, decision 15): started with a deadline, told and
 * heard through a port of its own, started again when it dies. On a busy machine a start is slow and
 * no death: the deadline is for one that never ends.
 *
 *   waiting ─its turn─> starting ─ready─> serving ─dies─> waiting (back off when it dies at once)
 *                          └─deadline─> aborted      ├─hangs─> aborted ─exit─> waiting
 *                                                    └─drained, stop─> ended
 */
import type { Socket } from 'node:net';
import { setTimeout as setTimeoutAsync } from 'node:timers/promises';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { Log } from '../../base/log.ts';
import type { BoundListeners, FromThread, ThreadConfig, ToThread } from '../model/thread.ts';
import type { StartQueue } from './start-queue.ts';

const STOP_GRACE_MS = 500;
/** One that is deep in the system may take so long to end; then its next life begins all the same. */
const EXIT_GRACE_MS = 5_000;
/** The id of a worker that is no more. */
const EXITED = -1;
const BACKOFF_MIN_MS = 10;
const BACKOFF_MAX_MS = 5_000;
/** A thread that served so long did not die of its start. */
const HEALTHY_MS = 10_000;
/**
 * Young generation of about three semi-spaces, 4 MB each. With 256 connections at 10,000 requests a
 * second 24 kept 8 MB more resident; 6 saves 1 MB more and collects twice as often. Buffers are not
 * counted here.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 12, maxOldGenerationSizeMb: 256 };

type PoolWorker = Piscina['threads'][number];
type TransferList = NonNullable<NonNullable<Parameters<Piscina['run']>[1]>['transferList']>;

/** What the process hears of its thread. */
export interface DataThreadEvents {
  /** Serving on these addresses; also after each new start. */
  ready(listeners: BoundListeners): void;
  /** The first start failed for a reason that starting again does not cure. */
  failed(reason: string): void;
  /** Its worker is gone; it will be started again. */
  died(): void;
  heard(message: FromThread): void;
}

/** How a thread that hangs, or does not come up, is noticed; milliseconds. */
export interface ThreadTimes {
  /** Between two looks at it. */
  readonly watchMs: number;
  /** Once it serves, a loop that does not turn for so long is not coming back: the thread is ended. */
  readonly hangMs: number;
  /** A start that takes longer is said to be slow, and the next thread has its turn. */
  readonly slowStartMs: number;
  /** A start that takes longer is not coming to its end: the thread is ended. */
  readonly startMsMax: number;
}

/** A start takes 0.1 s of an idle machine; 5 s have been seen at 18 runnable threads on 2 cores. */
const THREAD_TIMES: ThreadTimes = {
  watchMs: 1_000,
  hangMs: 10_000,
  slowStartMs: 5_000,
  startMsMax: 60_000,
};

/** What a start may take. */
interface StartLimits {
  clear(): void;
  end(problem: string): void;
  /** Why it was ended; undefined when it was not. */
  problem(): string | undefined;
}

/** The thread in one place of the process; it outlives its deaths. */
export class DataThread {
  readonly #log: Log;
  readonly #events: DataThreadEvents;
  readonly #pool: Piscina;
  readonly #config: () => ThreadConfig;
  #port: MessagePort | undefined = undefined;
  #served = false;
  #stopping = false;
  #backoffMs = 0;
  /** Settles when the current task has ended, however. */
  #task: Promise<void> = Promise.resolve();
  #restarts = 0;
  #abort = new AbortController();
  readonly #ticks: () => number;
  readonly #starts: StartQueue;
  readonly #times: ThreadTimes;
  #seenTicks = 0;
  /** Looks in a row that found no tick. */
  #stillLooks = 0;
  /** Before it serves its loop has nothing that ticks. */
  #serving = false;

  /**
   * `config` is asked at each start of the thread, once it has its turn in `starts`; `ticks` grows
   * about once a second while the thread's loop turns.
   */
  constructor(
    config: () => ThreadConfig,
    log: Log,
    events: DataThreadEvents,
    ticks: () => number,
    starts: StartQueue,
    times: ThreadTimes = THREAD_TIMES,
  ) {
    this.#ticks = ticks;
    this.#starts = starts;
    this.#times = times;
    this.#config = config;
    this.#log = log;
    this.#events = events;
    this.#pool = new Piscina({
      filename: new URL('../worker.ts', import.meta.url).href,
      name: 'run',
      minThreads: 1,
      maxThreads: 1,
      atomics: 'disabled',
      recordTiming: false,
      resourceLimits: RESOURCE_LIMITS,
    });
    // Of a worker that dies before it is up the pool tells no more than this.
    this.#pool.on('error', (error: unknown) => this.#log.error(`data thread: ${String(error)}`));
    setInterval(() => this.#watch(), times.watchMs).unref();
  }

  /** Times the thread was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** The worker behind it, for profiles and loop figures; undefined while it starts. */
  get worker(): PoolWorker | undefined {
    return this.#pool.threads[0];
  }

  /** It hears what it is told: it has begun to start, and its task has not ended since. */
  get hears(): boolean {
    return this.#port !== undefined;
  }

  /** What is in `transfer` is the thread's from then on. */
  tell(message: ToThread, transfer: readonly (Socket | MessagePort)[] = []): void {
    this.#port?.postMessage(message, [...transfer]);
  }

  start(): void {
    this.#task = this.#runTask();
  }

  /** One life of the thread, from its start to its end, however it ends. */
  async #runTask(): Promise<void> {
    const endStart = await this.#starts.enter();
    if (this.#stopping) return endStart();
    const startedMs = performance.now();
    const abort = new AbortController();
    this.#abort = abort;
    this.#stillLooks = 0;
    const { port1, port2 } = new MessageChannel();
    const limits = this.#limitStart(abort, endStart);
    this.#port = port1;
    port1.on('message', (message: FromThread) => {
      if (message.type === 'ready' || message.type === 'failed') {
        limits.clear();
        endStart();
      }
      this.#hear(message);
    });
    const config = this.#config();
    const task = { port: port2, config };
    // Piscina takes this type from an overload that Node's types have since changed.
    const transferList = [port2] as object as TransferList;
    let problem = 'its task ended';
    const over = this.#pool.run(task, { transferList, signal: abort.signal });
    const worker = this.worker;
    const exited = (): void => {
      if (!this.#serving) limits.end('its worker ended before it was up');
    };
    worker?.once('exit', exited);
    try {
      await over;
    } catch (error) {
      problem = limits.problem() ?? (error instanceof Error ? error.message : String(error));
    }
    const livedMs = performance.now() - startedMs;
    limits.clear();
    worker?.off('exit', exited);
    port1.close();
    this.#port = undefined;
    this.#serving = false;
    // What the next life counts and holds must be its own.
    if (worker !== undefined) await this.#exited(worker);
    endStart();
    this.#ended(config.thread, problem, livedMs);
  }

  /** Says that a start is slow, and ends one that goes on for too long, until it is cleared. */
  #limitStart(abort: AbortController, endStart: () => void): StartLimits {
    const { slowStartMs, startMsMax } = this.#times;
    let problem: string | undefined = undefined;
    const slow = setTimeout(() => {
      this.#log.warn('a data thread is slow to start', { forMs: slowStartMs });
      endStart();
    }, slowStartMs);
    const end = (why: string): void => {
      problem ??= why;
      abort.abort();
    };
    const last = setTimeout(() => end(`it did not start within ${startMsMax} ms`), startMsMax);
    return {
      end,
      clear: () => {
        clearTimeout(slow);
        clearTimeout(last);
      },
      problem: () => problem,
    };
  }

  /** Resolves once a worker that the pool ends is gone: its task is over before that. */
  async #exited(worker: PoolWorker): Promise<void> {
    if (worker.threadId === EXITED || this.#pool.threads.includes(worker)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    worker.once('exit', () => resolve());
    const limit = setTimeout(() => {
      this.#log.error('a data thread that was ended is still there', { afterMs: EXIT_GRACE_MS });
      resolve();
    }, EXIT_GRACE_MS);
    await promise;
    clearTimeout(limit);
  }

  /** Ends the thread's task, then the thread; a task that does not end is killed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.tell({ type: 'stop' });
    await Promise.race([this.#task, setTimeoutAsync(STOP_GRACE_MS, undefined, { ref: false })]);
    await this.#pool.destroy();
  }

  /** A thread that hangs answers nothing and does not die by itself. */
  #watch(): void {
    if (!this.#serving) return;
    const ticks = this.#ticks();
    // Looks, not time: a process that was stopped as a whole has not looked meanwhile.
    this.#stillLooks = ticks === this.#seenTicks ? this.#stillLooks + 1 : 0;
    this.#seenTicks = ticks;
    const stillMs = this.#stillLooks * this.#times.watchMs;
    if (stillMs <= this.#times.hangMs || this.#stopping) return;
    this.#log.error('the data thread hangs and is ended', { forMs: stillMs });
    this.#stillLooks = 0;
    this.#abort.abort();
  }

  #hear(message: FromThread): void {
    if (message.type === 'ready') this.#ready(message.listeners);
    else if (message.type === 'failed') this.#failed(message.reason);
    else this.#events.heard(message);
  }

  #ready(listeners: BoundListeners): void {
    this.#served = true;
    this.#serving = true;
    this.#events.ready(listeners);
  }

  #failed(reason: string): void {
    if (this.#served) this.#log.error(`data thread cannot serve: ${reason}`);
    else this.#events.failed(reason);
  }

  #ended(thread: number, problem: string, livedMs: number): void {
    if (this.#stopping) return;
    this.#events.died();
    this.#restarts++;
    const again = livedMs < HEALTHY_MS && this.#restarts > 1;
    this.#backoffMs = again
      ? Math.min(BACKOFF_MAX_MS, Math.max(BACKOFF_MIN_MS, this.#backoffMs * 2))
      : 0;
    this.#log.error(`data thread died: ${problem}`, {
      thread,
      afterMs: Math.round(livedMs),
      againInMs: this.#backoffMs,
    });
    setTimeout(() => {
      if (!this.#stopping) this.start();
    }, this.#backoffMs);
  }
}
