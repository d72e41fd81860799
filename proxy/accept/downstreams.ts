/**
 * The downstream connections of one side of the proxy: counted, limited, and told goodbye.
 *
 *   open ─drain─> goodbye: still accepting, each answer closes its connection
 *                   ├─ no new connection for quietMs ─> closed: listeners shut, idle ones ended
 *                   └─ nothing upstream accepts connections ─> closed
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { limits } from '../limits.ts';
import type { MeshError } from '../model/mesh-error.ts';
import type { ServerSession, ServerSide } from '../session/server-session.ts';
import type { ThreadQuotas } from '../transport/link-quota.ts';
import { type Link, type LinkEvents, type Listener, NOBODY } from '../transport/link.ts';

/** Makes what hears of a new connection first; `decided` hears which session takes its place. */
export type Begin = (
  side: ServerSide,
  link: Link,
  decided: (begun: ServerSession, session: ServerSession) => void,
) => ServerSession;

/** What the downstream connections of one side need. */
export interface DownstreamsParts {
  readonly wheel: TimerWheel;
  readonly side: Omit<ServerSide, 'goodbye' | 'closed'>;
  readonly begin: Begin;
  /** Downstream connections of the process, without those being refused; one just come included. */
  readonly links: () => number;
  readonly quotas: Pick<ThreadQuotas, 'refused'>;
  /** A connection was refused because the process has limits.downstreamLinksMax. */
  readonly refusedLink: () => void;
  /** The last connection is gone after `close`, or has gone away since. */
  readonly emptied: () => void;
  /** No listener is open any more. */
  readonly listenersClosed?: (() => void) | undefined;
  /** Open upstream streams of this side; one outlives its downstream while last words wait in it. */
  readonly upstreamStreams?: () => number;
}

/** Accepts connections and gives each its server session. */
export class Downstreams {
  readonly #parts: DownstreamsParts;
  readonly #side: ServerSide;
  readonly #sessions = new Set<ServerSession>();
  /** Those of them that are one too many, until they are gone. */
  readonly #refused = new Set<ServerSession>();
  readonly #listeners: Listener[] = [];
  readonly #quiet: Timer;
  #quietMs = 0;
  #goodbye = false;

  constructor(parts: DownstreamsParts) {
    this.#parts = parts;
    this.#quiet = new Timer(() => this.close());
    this.#side = {
      ...parts.side,
      goodbye: () => this.#goodbye,
      closed: (session) => this.#closed(session),
    };
  }

  /** No listener is open any more. */
  get closed(): boolean {
    return this.#listeners.length === 0;
  }

  /** Each connection is told goodbye, and new ones are still accepted. */
  get draining(): boolean {
    return this.#goodbye && !this.closed;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Upstream streams that are open, with or without a downstream connection. */
  get upstreamStreams(): number {
    return this.#parts.upstreamStreams?.() ?? 0;
  }

  add(listener: Listener): void {
    this.#listeners.push(listener);
  }

  readonly accept = (link: Link): LinkEvents => {
    if (this.#quiet.armed) this.#parts.wheel.set(this.#quiet, this.#quietMs);
    const { links, quotas } = this.#parts;
    const { refused } = quotas;
    const over = links() > limits.downstreamLinksMax;
    if (over && !refused.take()) {
      // There is not even room for an answer.
      this.#parts.refusedLink();
      this.#side.refused(refused.refusal);
      link.reset();
      return NOBODY;
    }
    const session = this.#parts.begin(this.#side, link, this.#decided);
    this.#sessions.add(session);
    if (over) {
      this.#parts.refusedLink();
      this.#refused.add(session);
      session.requestFault(refused.refusal);
    }
    return session;
  };

  readonly #decided = (begun: ServerSession, session: ServerSession): void => {
    this.#sessions.delete(begun);
    this.#sessions.add(session);
    if (this.#refused.delete(begun)) this.#refused.add(session);
    if (this.#goodbye) session.goodbye();
  };

  /** Says goodbye on each connection, and closes when none has come for `quietMs`. */
  drain(quietMs: number): void {
    this.#sayGoodbye();
    this.#quietMs = quietMs;
    this.#parts.wheel.set(this.#quiet, quietMs);
  }

  /**
   * What is upstream accepts no connections. Draining, that is for good: who is refused here looks
   * for another endpoint, who is answered with a failure does not.
   */
  upstreamRefuses(): void {
    if (this.draining) this.close();
  }

  /** No new connections, and none that waits for a request. */
  close(): void {
    this.#sayGoodbye();
    this.#parts.wheel.cancel(this.#quiet);
    const listeners = this.#listeners.splice(0);
    for (const listener of listeners) listener.close();
    if (listeners.length > 0) this.#parts.listenersClosed?.();
    for (const session of this.#sessions) session.closeIfIdle();
    if (this.#sessions.size === 0) this.#parts.emptied();
  }

  /** Answers `error` where an answer is owed and ends every connection. */
  abort(error: MeshError): void {
    this.close();
    for (const session of this.#sessions) session.abort(error);
  }

  /** Once to each; those that come later hear it when their session begins. */
  #sayGoodbye(): void {
    if (this.#goodbye) return;
    this.#goodbye = true;
    for (const session of this.#sessions) session.goodbye();
  }

  #closed(session: ServerSession): void {
    this.#sessions.delete(session);
    if (this.#refused.delete(session)) this.#parts.quotas.refused.give();
    if (this.#sessions.size === 0) this.#parts.emptied();
  }
}
