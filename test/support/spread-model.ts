/** What the parts of the proof "spread" say to each other, and what their threads share. */
import type { Socket } from 'node:net';
import type { ListenAddress } from '../../proxy/model/thread.ts';

/** How connections reach the threads of a server. */
export const WAYS = ['one-thread', 'reuse-port', 'hand-over', 'shared-queue'] as const;
export type Way = (typeof WAYS)[number];

/** Connections open on each thread: shared memory, a cache line a thread. */
export class OpenCounts {
  readonly shared: SharedArrayBuffer;
  readonly #counts: Int32Array;

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#counts = new Int32Array(shared);
  }

  static for(threads: number): OpenCounts {
    return new OpenCounts(new SharedArrayBuffer(threads * LINE_BYTES));
  }

  readonly of = (thread: number): number => Atomics.load(this.#counts, thread * LINE_NUMBERS);

  add(thread: number, count: number): void {
    Atomics.add(this.#counts, thread * LINE_NUMBERS, count);
  }

  reset(thread: number): void {
    Atomics.store(this.#counts, thread * LINE_NUMBERS, 0);
  }
}

const LINE_BYTES = 64;
const LINE_NUMBERS = LINE_BYTES / Int32Array.BYTES_PER_ELEMENT;

/** What a thread is told at its start. */
export interface ThreadTask {
  readonly way: Way;
  readonly thread: number;
  /** Undefined: it is handed every connection. */
  readonly listen: ListenAddress | undefined;
  readonly open: SharedArrayBuffer;
  readonly neighbours: SharedArrayBuffer;
}

export type ToSpreadThread =
  | { readonly type: 'take'; readonly socket: Socket }
  | { readonly type: 'stall'; readonly ms: number };

export type FromSpreadThread =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'pass'; readonly to: number; readonly socket: Socket };

/** From the proof to the server: a question, or what one thread is to suffer. */
export type ToSpreadServer =
  | { readonly type: 'figures' }
  | { readonly type: 'stall'; readonly thread: number; readonly ms: number };

export type FromSpreadServer =
  | { readonly type: 'ready'; readonly port: number }
  /** A thread has died and another serves in its place. */
  | { readonly type: 'replaced' }
  | { readonly type: 'figures'; readonly cpuUs: number; readonly open: readonly number[] };
