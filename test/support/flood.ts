/** Thousands of clients that mean no good: they are dialled, held, and dialled again when cut. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { eventually } from './deadline.ts';

/** What each connection does. */
export type FloodKind = 'silent' | 'slow' | 'garbage';

/** So many dials at a time: the accept queue is not what is looked at. */
const DIALS_AT_ONCE = 200;
/**
 * One that was cut comes back after this long, not all of them at once. Many connections are what is
 * looked at, and not many new ones a second: of those a thread takes some thousands, whoever asks.
 */
export const BACK_AFTER_MS = 5_000;
const SLOW_MS = 1_000;
const GARBAGE_BYTES = 512;
const REQUEST = Buffer.from(`GET / HTTP/1.1\r\nHost: web\r\nX-Slow: ${'x'.repeat(200)}\r\n\r\n`);

/** One flood, from `start` to `stop`. */
export class Flood {
  readonly #host: string;
  readonly #port: number;
  readonly kind: FloodKind;
  readonly #open = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #ended = false;
  #dialled = 0;
  /** Connections that were there, dialled again or not. */
  opened = 0;
  /** Those of them that the other side ended. */
  cut = 0;
  /** Dials that came to nothing. */
  refused = 0;

  private constructor(kind: FloodKind, address: string) {
    const at = address.lastIndexOf(':');
    this.#host = address.slice(0, at);
    this.#port = Number(address.slice(at + 1));
    this.kind = kind;
  }

  /** Resolves when so many connections were made. */
  static async start(kind: FloodKind, address: string, connections: number): Promise<Flood> {
    const flood = new Flood(kind, address);
    for (let made = 0; made < connections; made += DIALS_AT_ONCE) {
      const next = Math.min(connections, made + DIALS_AT_ONCE);
      while (flood.#dialled < next) flood.#dial();
      await eventually('the dials', () => flood.opened + flood.refused >= next, 30_000);
    }
    return flood;
  }

  /** Connections that are there now. */
  get size(): number {
    return this.#open.size;
  }

  /** Ends all of it. */
  stop(): void {
    this.#ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of this.#open) socket.destroy();
  }

  #dial(): void {
    this.#dialled++;
    const socket = connect({ host: this.#host, port: this.#port });
    let there = false;
    socket.on('error', () => undefined);
    socket.once('connect', () => {
      // Dialled before the end, there after it: nobody else would close it.
      if (this.#ended) {
        socket.destroy();
        return;
      }
      there = true;
      this.opened++;
      this.#open.add(socket);
      this.#begin(socket);
    });
    socket.once('close', () => {
      this.#open.delete(socket);
      if (this.#ended) return;
      if (there) this.cut++;
      else this.refused++;
      this.#later(BACK_AFTER_MS / 2 + spread(this.cut, BACK_AFTER_MS), () => this.#dial());
    });
    socket.resume();
  }

  #begin(socket: Socket): void {
    if (this.kind === 'garbage') socket.write(randomBytes(GARBAGE_BYTES));
    // Not all at the same moment of each second.
    const afterMs = spread(this.opened, SLOW_MS);
    if (this.kind === 'slow') this.#later(afterMs, () => this.#sendByte(socket, 0));
  }

  #sendByte(socket: Socket, at: number): void {
    if (socket.destroyed || at >= REQUEST.length) return;
    socket.write(REQUEST.subarray(at, at + 1));
    this.#later(SLOW_MS, () => this.#sendByte(socket, at + 1));
  }

  #later(ms: number, what: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      what();
    }, ms);
    this.#timers.add(timer);
  }
}

/** The place of the n-th in a period of `ms`, so that neighbours are far apart. */
const spread = (n: number, ms: number): number => (n * 7_919) % ms;
