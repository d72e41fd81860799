/**
 * How redirected connections go on: one passage for each address that they were going to, made when
 * the first connection comes and kept while there are any, and some time longer.
 *
 *   link ─ours?─> refused
 *     └─originalDst─> known? ─ no ─> room? ─ no, and none is without connections ─> refused
 *                         │              └─ yes ─> make ─> a reason why not: refused
 *                         └────────────────────────> begin         no connection for 5 min, or never a
 *                                                                   use for it: forgotten
 *
 * Bounded by limits.destinationsMax, as destinations are: clients decide how many addresses there are.
 */
import { formatSocketAddress, type SocketAddress } from '../../base/settings.ts';
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { limits, timeouts } from '../limits.ts';
import { MeshError } from '../model/mesh-error.ts';
import { Http2Server } from '../session/http2-server.ts';
import type { ServerSession, ServerSide } from '../session/server-session.ts';
import type { Link, Peer } from '../transport/link.ts';
import type { Begin } from './downstreams.ts';

/** The way of the connections to one address. */
export interface Passage {
  /** What its sessions do otherwise than those of other passages. */
  readonly side: Pick<ServerSide, 'open' | 'refused'>;
  readonly begin: Begin;
  /** No connection needs it any more. */
  readonly forget?: (() => void) | undefined;
  /** Asked when it has no connection: false forgets it at once. */
  readonly worthKeeping?: (() => boolean) | undefined;
}

/** What the passages of one side need. */
export interface PassagesParts {
  readonly wheel: TimerWheel;
  /** The passage to an address, or why there is none; undefined: nothing redirected the connection. */
  readonly make: (to: SocketAddress | undefined) => Passage | MeshError;
  /** Why a connection is refused that was going to `to`, whatever is there. */
  readonly refuses: (peer: Peer, to: SocketAddress | undefined) => MeshError | undefined;
  /** How connections are refused with an error, in whatever they speak. */
  readonly refusing: (error: MeshError) => Passage;
}

interface Held {
  readonly key: string;
  readonly passage: Passage;
  links: number;
  /** Of its connections that are open. */
  readonly sessions: Set<ServerSession>;
  /** What is there is about to end: each connection ends with its answer. */
  ending: boolean;
  /** When its last connection ended, by the clock of timers. */
  idleSinceMs: number;
  /** What its connections are begun with, by whose they are: mostly of one. */
  served: Served | undefined;
}

/** How the connections of one listener are served on one passage; made once. */
interface Served {
  readonly of: ServerSide;
  readonly side: ServerSide;
  readonly decided: Decided;
  /** One is being begun; the last that ended meanwhile. */
  begins: boolean;
  ended: ServerSession | undefined;
}

type Decided = Parameters<Begin>[2];

const SWEEP_MS = 60_000;

/** The passages of one listener, or of several of one side. */
export class Passages {
  readonly #parts: PassagesParts;
  /** By "address:port"; of those without connections the one that had none for longest first. */
  readonly #held = new Map<string, Held>();
  readonly #sweep = new Timer(() => this.#forgetIdle());
  #overloaded: MeshError | undefined = undefined;

  constructor(parts: PassagesParts) {
    this.#parts = parts;
  }

  /** Addresses that are known. */
  get size(): number {
    return this.#held.size;
  }

  /** HOT: per exchange, where connections are not kept. Begins a connection on its passage. */
  readonly begin: Begin = (side, link, decided) => {
    const held = this.#of(link);
    if (held instanceof MeshError) {
      const refusing = this.#parts.refusing(held);
      return refusing.begin({ ...side, ...refusing.side }, link, decided);
    }
    held.links++;
    const known = held.served;
    const served = known?.of === side ? known : this.#serve(held, side, decided);
    served.begins = true;
    const begun = held.passage.begin(served.side, link, served.decided);
    served.begins = false;
    // It may be over already.
    if (served.ended !== begun) held.sessions.add(begun);
    served.ended = undefined;
    return begun;
  };

  #serve(held: Held, of: ServerSide, decided: Decided): Served {
    const { passage, sessions } = held;
    const served: Served = {
      of,
      side: {
        ...of,
        ...passage.side,
        goodbye: () => held.ending || of.goodbye(),
        closed: (session) => {
          if (served.begins) served.ended = session;
          sessions.delete(session);
          this.#left(held);
          of.closed(session);
        },
      },
      decided: (begun, session) => {
        sessions.delete(begun);
        sessions.add(session);
        decided(begun, session);
      },
      begins: false,
      ended: undefined,
    };
    held.served = served;
    return served;
  }

  /**
   * What is at the address, "10.1.0.9:8080", is about to end, or is not any more. Connections that wait
   * for a request end now, others with their answer: who opens another one asks for a name first. One that
   * has only just been opened is heard out. Those of HTTP/2 end once their clients have heard of it: what is
   * on its way is served. One that is opened later is told nothing: its client would never come to ask.
   */
  ending(key: string, ending: boolean): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    held.ending = ending;
    if (!ending) return;
    for (const session of held.sessions) {
      if (session instanceof Http2Server) session.goodbye();
      else session.closeIfIdle();
    }
  }

  #of({ peer }: Link): Held | MeshError {
    // Asked once: it is a system call.
    const to = peer.originalDst;
    const refusal = this.#parts.refuses(peer, to);
    if (refusal !== undefined) return refusal;
    const key = to === undefined ? '' : formatSocketAddress(to);
    const known = this.#held.get(key);
    if (known !== undefined) return known;
    if (this.#held.size >= limits.destinationsMax && !this.#forgetOne()) return this.#full();
    const passage = this.#parts.make(to);
    // What is refused today may be right tomorrow: an address may come to be.
    if (passage instanceof MeshError) return passage;
    const held = {
      key,
      passage,
      links: 0,
      sessions: new Set<ServerSession>(),
      ending: false,
      idleSinceMs: 0,
      served: undefined,
    };
    this.#held.set(key, held);
    if (!this.#sweep.armed) this.#parts.wheel.set(this.#sweep, SWEEP_MS);
    return held;
  }

  #left(held: Held): void {
    if (--held.links > 0) return;
    if (held.passage.worthKeeping?.() === false) return this.#forget(held);
    held.idleSinceMs = this.#parts.wheel.nowMs;
    this.#held.delete(held.key);
    this.#held.set(held.key, held);
  }

  /** One for all, so that what refuses with it is made once. */
  #full(): MeshError {
    const sentence = `Connections to ${limits.destinationsMax} addresses are open, the limit of a thread.`;
    return (this.#overloaded ??= new MeshError('overloaded', 'proxy', sentence));
  }

  /** Makes room; false when all are in use. */
  #forgetOne(): boolean {
    for (const held of this.#held.values()) {
      if (held.links > 0) continue;
      this.#forget(held);
      return true;
    }
    return false;
  }

  #forgetIdle(): void {
    const beforeMs = this.#parts.wheel.nowMs - timeouts.destinationIdleMs;
    for (const held of this.#held.values()) {
      if (held.links === 0 && held.idleSinceMs <= beforeMs) this.#forget(held);
    }
    if (this.#held.size > 0) this.#parts.wheel.set(this.#sweep, SWEEP_MS);
  }

  #forget({ key, passage }: Held): void {
    this.#held.delete(key);
    passage.forget?.();
  }
}
