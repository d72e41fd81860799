/**
 * Upstream connections by endpoint and protocol. HTTP/1: the most recently used idle one first (its
 * peer is the least likely to have closed it), an idle limit shorter than servers' keep-alive, and
 * one dial for each attempt that finds none. One about to idle too long goes before it where recent
 * peaks needed as many: else every burst dials what the quiet after it closes. HTTP/2: http2-links.ts.
 */
import { formatSocketAddress } from '../../base/settings.ts';
import type { TimerWheel } from '../../base/timer-wheel.ts';
import type { MeshError } from '../model/mesh-error.ts';
import { limits } from '../limits.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Protocol, UpstreamStream } from '../model/exchange.ts';
import type { Http2Limit } from '../model/http2-limit.ts';
import { type ClientOwner, Http1Client } from '../session/http1-client.ts';
import { Http2Client } from '../session/http2-client.ts';
import type { LinkQuota } from '../transport/link-quota.ts';
import type { Link, LinkCounts, LinkEvents, Transport } from '../transport/link.ts';
import { connectTimeMs } from './connect-time.ts';
import { type Http2Connection, Http2Links, type Http2LinksParts } from './http2-links.ts';
import type { DialEvents } from './waiting-queue.ts';

/** What a pool dials with. */
export interface PoolParts {
  readonly transport: Transport;
  readonly wheel: TimerWheel;
  readonly counts: LinkCounts;
  /** Connections of all pools of the thread. */
  readonly quota: LinkQuota;
  /** Source address of dials; undefined lets the system choose. */
  readonly dialFrom: string | undefined;
  /** A server went over a limit of HTTP/2. */
  readonly limitHit: (limit: Http2Limit) => void;
}

interface Held {
  readonly endpoint: Endpoint;
  waiter: DialEvents | undefined;
}

/** A dial, or a place in a queue, of one waiter. */
export interface WaitingDial {
  /** The waiter hears nothing any more. */
  leave(): void;
  /** Its client may be gone: a dial that lasts as long as the system likes has a limit from here on. */
  hurry(): void;
}

/** The upstream connections of one side of one thread. */
export class Pool implements ClientOwner {
  readonly wheel: TimerWheel;
  readonly #parts: PoolParts;
  readonly #sessions = new Map<Http1Client, Held>();
  /** Endpoints that have idle connections, and some that had. */
  readonly #idling = new Set<Endpoint>();
  readonly #http2: Http2LinksParts;

  constructor(parts: PoolParts) {
    this.#parts = parts;
    this.wheel = parts.wheel;
    const { limitHit, quota, wheel } = parts;
    this.#http2 = {
      wheel,
      quota,
      limitHit,
      newConnection: (owner, host) => new Http2Client(owner, host),
      dial: (endpoint, events) => this.#connect(endpoint, events),
      all: new Set<Http2Connection>(),
      idle: new Map<Http2Connection, Http2Links>(),
      keepsIdle: true,
    };
    parts.quota.onFull(() => this.#closeOneIdle());
  }

  /** Connections open or being dialled. */
  get size(): number {
    return this.#sessions.size + this.#http2.all.size;
  }

  /** HTTP/2 streams that are open: their last bytes may wait for a window of their peer's. */
  get http2Streams(): number {
    let streams = 0;
    for (const connection of this.#http2.all) streams += connection.streams;
    return streams;
  }

  // HOT: per exchange. An idle connection to the endpoint, taken out of the pool, or a stream.
  take(endpoint: Endpoint, protocol: Protocol, tunnels = false): UpstreamStream | undefined {
    return protocol === 'http1' ? this.#takeIdle(endpoint) : endpoint.http2?.take(tunnels);
  }

  /**
   * Tells the waiter of a stream, or why there is none, later or at once. Returns its place where it
   * has one in a queue, to leave it; an HTTP/1 connection that nobody waits for any more is put back.
   * But a dial that lasts as long as the system likes is given up when its waiter leaves.
   */
  dial(endpoint: Endpoint, protocol: Protocol, waiter: DialEvents): WaitingDial | undefined {
    if (protocol === 'http2') return this.#http2Of(endpoint).want(waiter);
    const { quota } = this.#parts;
    if (!quota.take()) {
      waiter.dialFailed(quota.refusal);
      return undefined;
    }
    const session = new Http1Client(this, formatSocketAddress(endpoint));
    this.#sessions.set(session, { endpoint, waiter });
    session.attach(this.#connect(endpoint, session), connectTimeMs(endpoint));
    if (!endpoint.outside) return undefined;
    return { leave: () => this.#giveUp(session), hurry: () => session.hurry() };
  }

  #giveUp(session: Http1Client): void {
    const held = this.#sessions.get(session);
    if (held?.waiter === undefined) return;
    held.waiter = undefined;
    session.close();
  }

  /** What its attempt went away from before it was used. */
  putBack(stream: UpstreamStream): void {
    // HTTP/1: idle, unless there are enough.
    if (stream instanceof Http1Client) this.#toIdle(stream);
    else stream.close();
  }

  /** Closes what idles for an endpoint that no destination names any more. */
  forget(endpoint: Endpoint): void {
    this.#idling.delete(endpoint);
    for (const session of endpoint.idle.splice(0)) session.close();
    if (endpoint.http2 instanceof Http2Links) endpoint.http2.forget();
  }

  /**
   * Closes what idles, and keeps nothing idle from here on: an application that ends waits for
   * connections to it that others keep.
   */
  stopKeeping(): void {
    this.#http2.keepsIdle = false;
    for (const endpoint of this.#idling) {
      for (const session of endpoint.idle.splice(0)) session.close();
    }
    this.#idling.clear();
    for (const [connection, links] of this.#http2.idle) links.reclaim(connection);
  }

  opened(session: Http1Client): void {
    const held = this.#sessions.get(session);
    if (held === undefined) return;
    const { endpoint, waiter } = held;
    endpoint.dialled();
    held.waiter = undefined;
    waiter?.dialled(session);
  }

  failed(session: Http1Client, error: MeshError): void {
    const held = this.#sessions.get(session);
    if (held === undefined) return;
    this.#delete(session);
    held.endpoint.dialFailed(error.sentence, this.wheel.nowMs);
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

  #takeIdle(endpoint: Endpoint): UpstreamStream | undefined {
    const { idle, peak, pending } = endpoint;
    const needed = peak.note(pending, this.wheel.tickedMs);
    const [oldest] = idle;
    // The attempt that asks is pending already.
    const spare = idle.length + pending - 1 > needed;
    if (spare || !(oldest instanceof Http1Client && oldest.stale)) return idle.pop();
    return idle.shift();
  }

  #connect({ host, port }: Endpoint, events: LinkEvents): Link {
    const { counts, dialFrom, transport } = this.#parts;
    return transport.dial({ host, port, from: dialFrom, counts }, events);
  }

  #http2Of(endpoint: Endpoint): Http2Links {
    if (endpoint.http2 instanceof Http2Links) return endpoint.http2;
    const links = new Http2Links(this.#http2, endpoint, formatSocketAddress(endpoint));
    endpoint.http2 = links;
    return links;
  }

  #toIdle(session: Http1Client): void {
    const endpoint = this.#sessions.get(session)?.endpoint;
    if (endpoint === undefined) return session.close();
    const enough = endpoint.idle.length >= limits.idleLinksPerEndpointMax;
    const kept = this.#http2.keepsIdle && endpoint.references > 0;
    if (enough || !kept) return session.close();
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
    for (const [connection, links] of this.#http2.idle) {
      this.#http2.idle.delete(connection);
      if (links.reclaim(connection)) return true;
    }
    return false;
  }
}
