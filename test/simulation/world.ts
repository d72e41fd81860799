/** What everything in one simulation shares: its seed, its time, its network, its books. */
import { limits, SLAB_BYTES } from '../../proxy/limits.ts';
import { MemoryTransport } from '../../proxy/transport/memory.ts';
import { Random } from '../support/random.ts';
import { Blame } from './blame.ts';
import type { Http2Side } from './http2-side.ts';
import { Met } from './met.ts';
import { Ledger, Violation } from './ledger.ts';
import { SimulatedTime } from './simulated-time.ts';
import { Talks } from './talk.ts';
import { Trace, type TraceOptions } from './trace.ts';

/** Things that happen without time passing have an end, and this is beyond it. */
const STEPS_MAX = 3_000_000;
const FEW_BYTES = 9;

/** A proxy, as its world looks at it. */
interface LivingProxy {
  checkUnsent(mostBytes: number): void;
  kill(silently: boolean): void;
  leftovers(): string[];
  /** Once a minute. */
  sweep(): void;
}

/** The parts of a world. */
export class World {
  readonly random: Random;
  readonly time: SimulatedTime;
  readonly transport: MemoryTransport;
  readonly trace: Trace;
  readonly blame = new Blame();
  readonly ledger: Ledger;
  readonly talks: Talks;
  /** Those that live. */
  readonly proxies = new Set<LivingProxy>();
  /** Ends of HTTP/2 connections that are open. */
  readonly sides = new Set<Http2Side>();
  readonly met = new Met();
  /** Steps of the network so far. */
  steps = 0;
  readonly #unsentBytesMax: number;

  constructor(seed: number, options: TraceOptions) {
    const random = new Random(seed);
    this.random = random;
    this.time = new SimulatedTime(() => this.settle());
    const nowMs = (): number => this.time.nowMs;
    this.trace = new Trace(nowMs, options);
    const { blame, trace } = this;
    const books = { nowMs, blame, trace: (what: string) => trace.add(what) };
    this.ledger = new Ledger(books);
    this.talks = new Talks(books);
    const readBytesMax = random.pick([4_000, 20_000, limits.readBytes]);
    this.transport = new MemoryTransport(this.time.turn, {
      capacityBytes: random.integer(2_000, 64_000),
      readBytes: () =>
        random.chance(0.01) ? random.integer(1, FEW_BYTES) : random.integer(1_000, readBytesMax),
      choose: (count) => (count < 2 ? 0 : random.integer(0, count - 1)),
    });
    // A tunnel is the most patient, and is one read late; an HTTP/2 link has heads beside its data.
    this.#unsentBytesMax = limits.tunnelBufferBytes + limits.readBytes + SLAB_BYTES;
  }

  /** Lets happen what can without time passing. */
  settle(): void {
    let steps = 0;
    while (this.transport.step()) {
      if (++steps > STEPS_MAX) throw new Violation('it goes round in circles');
    }
    if (steps === 0) return;
    this.steps += steps;
    for (const proxy of this.proxies) proxy.checkUnsent(this.#unsentBytesMax);
  }

  /** No wheel turns any more. */
  dispose(): void {
    for (const proxy of this.proxies) proxy.kill(false);
  }

  /** Whole milliseconds, `meanMs` on average, at most ten times that. */
  interval(meanMs: number): number {
    return Math.min(10, -Math.log(1 - this.random.unit())) * meanMs;
  }

  /** For faults in the middle of things: a few steps of the network, and no more. */
  step(count: number): void {
    for (let i = 0; i < count && this.transport.step(); i++) this.steps++;
  }
}
