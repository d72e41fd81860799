/**
 * Upstream connections by endpoint: the most recently used idle one first (its peer is the least
 * likely to have closed it), an idle limit shorter than servers' keep-alive, and one dial for each
 * attempt that finds none.
 */
import { formatSocketAddress } from '../../base/settings.ts';
import type { TimerWheel } from '../../base/timer-wheel.ts';
import type { MeshError } from '../model/mesh-error.ts';
import { limits } from '../limits.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { UpstreamSession } from '../model/exchange.ts';
import { type ClientOwner, Http1Client } from '../session/http1-client.ts';
import type { LinkQuota } from '../transport/link-quota.ts';
import type { LinkCounts, Transport } from '../transport/link.ts';

/** Hears of one dial: exactly one of the two, later, or at once when a limit forbids it. */
export interface DialEvents {
  dialled(session: UpstreamSession): void;
  dialFailed(error: MeshError): void;
}

/** What a pool dials with. */
export interface PoolParts {
  readonly transport: Transport;
  readonly wheel: TimerWheel;
  readonly counts: LinkCounts;
  /** Connections of all pools of the thread. */
  readonly quota: LinkQuota;
  /** Source address of dials; undefined lets the system choose. */
  readonly dialFrom: string | undefined;
}

interface Held {
  readonly endpoint: Endpoint;
  waiter: DialEvents | undefined;
}

/** The upstream connections of one side of one thread. */
export class Pool implements ClientOwner {
  readonly wheel: TimerWheel;
  readonly #parts: PoolParts;
  readonly #sessions = new Map<Http1Client, Held>();
  /** Endpoints that have idle connections, and some that had. */
  readonly #idling = new Set<Endpoint>();

  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.wheel = parts.wheel;
    parts.quota.onFull(() => this.#closeOneIdle());
  }

  /** Connections open or being dialled. */
  get size(): number {
    return this.#sessions.size;
  }

  // HOT: per exchange. An idle connection to the endpoint, taken out of the pool.
  take(endpoint: Endpoint): UpstreamSession | undefined {
    return endpoint.idle.pop();
  }

  dial(endpoint: Endpoint, waiter: DialEvents): void {
    const { counts, dialFrom, quota, transport } = this.#parts;
    if (!quota.take()) return waiter.dialFailed(quota.refusal);
    const session = new Http1Client(this, formatSocketAddress(endpoint));
    this.#sessions.set(session, { endpoint, waiter });
    const { host, port } = endpoint;
    session.attach(transport.dial({ host, port, from: dialFrom, counts }, session));
  }

  /** A connection whose attempt went away before it was there: idle, unless there are enough. */
  putBack(session: UpstreamSession): void {
    if (session instanceof Http1Client) this.#toIdle(session);
  }

  /** Closes what idles for an endpoint that no destination names any more. */
  forget(endpoint: Endpoint): void {
    this.#idling.delete(endpoint);
    for (const session of endpoint.idle.splice(0)) session.close();
  }

  opened(session: Http1Client): void {
    const held = this.#sessions.get(session);
    if (held === undefined) return;
    const { endpoint, waiter } = held;
    endpoint.lastDialError = undefined;
    held.waiter = undefined;
    waiter?.dialled(session);
  }

  failed(session: Http1Client, error: MeshError): void {
    const held = this.#sessions.get(session);
    if (held === undefined) return;
    this.#delete(session);
    held.endpoint.lastDialError = error.sentence;
    held.waiter?.dialFailed(error);
  }

  released(session: Http1Client): void {
    this.#toIdle(session);
  }

  closed(session: Http1Client): void {
    const held = this.#sessions.get(session);
    if (held === undefined || held.waiter !== undefined) return;
    this.#delete(session);
    const { idle } = held.endpoint;
    const at = idle.indexOf(session);
    if (at !== -1) idle.splice(at, 1);
  }

  #toIdle(session: Http1Client): void {
    const endpoint = this.#sessions.get(session)?.endpoint;
    if (endpoint === undefined) return session.close();
    const enough = endpoint.idle.length >= limits.idleLinksPerEndpointMax;
    if (enough || endpoint.references === 0) return session.close();
    if (endpoint.idle.length === 0) this.#idling.add(endpoint);
    endpoint.idle.push(session);
  }

  #delete(session: Http1Client): void {
    this.#sessions.delete(session);
    this.#parts.quota.give();
  }

  /** The least recently used one of some endpoint makes room for a dial. */
  #closeOneIdle(): boolean {
    for (const endpoint of this.#idling) {
      const session = endpoint.idle.shift();
      if (session === undefined) this.#idling.delete(endpoint);
      else {
        session.close();
        return true;
      }
    }
    return false;
  }
}
