/**
 * The HTTP/2 connections to one endpoint, and those who wait for a stream of one.
 *
 *   exchange ─take─> stream of the connection with the fewest, among those that have room
 *        │ none has, or none of these is wanted: a replay's may be as dead as the one it lost
 *        └─> queue ── more than limits.pendingPerEndpointMax ─> 503
 *                         │
 *                         ├─ room (a stream ended, SETTINGS, a new connection) ─> stream, in turn
 *                         └─ more wait than dials under way bring streams for ─> another dial, up
 *                            to limits.http2LinksPerEndpointMax connections that take streams
 *
 *   connection:  DIALLING ─opened─> OPEN ─retiring─> RETIRING: its streams live on, others replace it
 *                    └─ failed       └─ no stream for timeouts.http2UpstreamIdleMs ─> closed
 *
 * Tunnels: servers have fewer than streams, and say so only by refusing one. From then on connections take as
 * many as that one has, while there may be others.
 *
 * How many streams a dial will bring is not known before its SETTINGS: as many as another connection
 * to the endpoint has, or else the 100 that RFC 9113 section 6.5.2 asks servers for at least. Who
 * waits is told of a failed dial only when nothing is left that could bring a stream.
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import { limits, timeouts } from '../limits.ts';
import type { Endpoint, StreamSource } from '../model/endpoint.ts';
import type { UpstreamStream } from '../model/exchange.ts';
import type { Http2Limit } from '../model/http2-limit.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { LinkQuota } from '../transport/link-quota.ts';
import type { Link, LinkEvents } from '../transport/link.ts';
import { connectTimeMs } from './connect-time.ts';
import { type DialEvents, type Place, WaitingQueue } from './waiting-queue.ts';

/** One HTTP/2 connection, as those who use its streams see it. */
export interface Http2Connection extends LinkEvents {
  /** Streams that may be opened now; 0 when it is full, draining, behind or dead. */
  readonly capacity: number;
  /** Streams that it may have at a time. */
  readonly streamsMax: number;
  /** Streams that are open. */
  readonly streams: number;
  /** Of these, tunnels. */
  readonly tunnels: number;
  /** Tunnels that it may have at a time, as far as one was refused. */
  readonly tunnelsMax: number;
  /** The link it speaks on, being dialled for `connectMs`; 0: while the system tries. */
  attach(link: Link, connectMs: number): void;
  /** Takes one of the capacity. */
  open(): UpstreamStream;
  /** Ends it when it is idle, else after its last stream. */
  close(): void;
  /** Being dialled, it is not needed; tells nobody. */
  giveUp(): void;
}

/** What the HTTP/2 connections of one pool share. */
export interface Http2LinksParts {
  readonly wheel: TimerWheel;
  readonly quota: LinkQuota;
  readonly newConnection: (owner: Http2Links, host: string) => Http2Connection;
  readonly dial: (endpoint: Endpoint, events: LinkEvents) => Link;
  readonly limitHit: (limit: Http2Limit) => void;
  /** Connections of all endpoints, open or being dialled. */
  readonly all: Set<Http2Connection>;
  /** Those of them that have no stream, and some that had none. */
  readonly idle: Map<Http2Connection, Http2Links>;
  /** One without a stream is kept for the next. */
  keepsIdle: boolean;
}

/** RFC 9113 section 6.5.2: "recommended that this value be no smaller than 100". */
const STREAMS_EXPECTED = 100;
const UNLIMITED = Number.POSITIVE_INFINITY;

/** The connections to one endpoint: they tell it what becomes of them. */
export class Http2Links implements StreamSource {
  readonly wheel: TimerWheel;
  readonly #parts: Http2LinksParts;
  readonly #endpoint: Endpoint;
  readonly #host: string;
  readonly #dialling = new Set<Http2Connection>();
  /** Those that take new streams. */
  readonly #open: Http2Connection[] = [];
  readonly #idleTimers = new Map<Http2Connection, Timer>();
  readonly #queue = new WaitingQueue(() => this.#deserted());
  #streamsExpected = STREAMS_EXPECTED;
  /** One was opened, ever. */
  speaksHttp2 = false;
  readonly streamsLast = false;

  /** `host`: "address:port" of the endpoint. */
  constructor(parts: Http2LinksParts, endpoint: Endpoint, host: string) {
    this.#parts = parts;
    this.#endpoint = endpoint;
    this.#host = host;
    this.wheel = parts.wheel;
  }

  /** Exchanges that wait for a stream. */
  get waiting(): number {
    return this.#queue.length;
  }

  // HOT: per exchange. Of none that `avoids` has, nor, to tunnel, of one that has enough of these.
  take(tunnels = false, avoids?: readonly unknown[]): UpstreamStream | undefined {
    const open = this.#open;
    const tunnelsMax = tunnels ? this.#tunnelsMax : 0;
    let best: Http2Connection | undefined;
    for (let i = 0; i < open.length; i++) {
      const one = open[i]!;
      if (one.capacity === 0 || (best !== undefined && one.streams >= best.streams)) continue;
      if (tunnels && one.tunnels >= tunnelsMax) continue;
      if (avoids === undefined || !avoids.includes(one)) best = one;
    }
    return best?.open();
  }

  /**
   * A stream for the waiter in its turn; undefined when it has heard already. Who comes though
   * `take` has one wants it of a connection that was not open before, if one may be dialled.
   */
  want(waiter: DialEvents): Place | undefined {
    if (this.#queue.length >= limits.pendingPerEndpointMax) {
      waiter.dialFailed(queueFull(this.#host));
      return undefined;
    }
    const refused = this.#open.some(({ capacity }) => capacity > 0);
    const place = this.#queue.add(waiter, refused ? [...this.#open] : undefined);
    this.#dialWhatIsMissing();
    if (refused) this.#settle();
    return place.queue === undefined ? undefined : place;
  }

  /** No destination names the endpoint any more: what is open ends with its streams. */
  forget(): void {
    // Each tells that it retires: who waits is dialled for.
    for (const connection of this.#open.splice(0)) this.#close(connection);
  }

  /** Closes a connection that must make room for another; false when it is in use after all. */
  reclaim(connection: Http2Connection): boolean {
    if (connection.streams > 0 || this.#queue.length > 0) return false;
    this.#end(connection);
    return true;
  }

  // ---- what connections tell ----

  opened(connection: Http2Connection): void {
    if (!this.#dialling.delete(connection)) return;
    this.speaksHttp2 = true;
    this.#endpoint.dialled();
    this.#open.push(connection);
    this.#serve();
    if (connection.streams === 0) this.idle(connection);
  }

  failed(connection: Http2Connection, error: MeshError): void {
    if (!this.#dialling.delete(connection)) return;
    this.#leaves(connection);
    this.#endpoint.dialFailed(error.sentence, this.wheel.nowMs);
    this.#failIfHopeless(error);
    this.#settle();
  }

  /** It may open streams again. */
  available(_connection: Http2Connection): void {
    this.#serve();
  }

  /** It opens no stream any more; those that are open live on. */
  retiring(connection: Http2Connection): void {
    this.#takeOut(connection);
    this.#serve();
  }

  /** Its last stream has ended. */
  idle(connection: Http2Connection): void {
    const timer = this.#idleTimers.get(connection);
    if (timer === undefined) return;
    const wanted =
      this.#parts.keepsIdle && this.#open.includes(connection) && this.#endpoint.references > 0;
    if (!wanted) return this.#end(connection);
    this.#parts.idle.set(connection, this);
    this.#parts.wheel.set(timer, timeouts.http2UpstreamIdleMs);
  }

  /** It must not be used any more. */
  closed(connection: Http2Connection): void {
    this.#takeOut(connection);
    this.#leaves(connection);
    this.#serve();
  }

  limitHit(limit: Http2Limit): void {
    this.#parts.limitHit(limit);
  }

  // ---- the queue ----

  #serve(): void {
    const queue = this.#queue;
    for (let place = queue.first; place !== undefined; place = queue.first) {
      const stream = this.take(place.waiter.tunnels, place.avoids);
      if (stream === undefined) break;
      queue.shift()?.dialled(stream);
    }
    this.#dialWhatIsMissing();
    this.#settle();
  }

  /** While nothing is dialled nothing better can come than any stream. */
  #settle(): void {
    const queue = this.#queue;
    while (queue.length > 0 && this.#dialling.size === 0) {
      const stream = this.take();
      if (stream === undefined) return;
      queue.shift()?.dialled(stream);
    }
  }

  #dialWhatIsMissing(): void {
    const [known] = this.#open;
    if (known !== undefined) this.#streamsExpected = Math.max(1, known.streamsMax);
    while (
      this.#queue.length > this.#dialling.size * this.#expected &&
      this.#open.length + this.#dialling.size < limits.http2LinksPerEndpointMax
    ) {
      if (!this.#parts.quota.take()) return this.#failIfHopeless(this.#parts.quota.refusal);
      this.#dial();
    }
  }

  /** Of one dial, for the next of those who wait. */
  get #expected(): number {
    const tunnels = this.#queue.first?.waiter.tunnels === true;
    return tunnels ? Math.min(this.#streamsExpected, this.#tunnelsMax) : this.#streamsExpected;
  }

  get #tunnelsMax(): number {
    return this.#open.reduce((least, one) => Math.min(least, one.tunnelsMax), UNLIMITED);
  }

  #dial(): void {
    const connection = this.#parts.newConnection(this, this.#host);
    this.#dialling.add(connection);
    this.#parts.all.add(connection);
    this.#idleTimers.set(connection, new Timer(() => this.#idleTooLong(connection)));
    const link = this.#parts.dial(this.#endpoint, connection);
    connection.attach(link, connectTimeMs(this.#endpoint));
  }

  /** A dial that lasts as long as the system likes is not for who may come yet. */
  #deserted(): void {
    if (!this.#endpoint.outside) return;
    for (const connection of this.#dialling) {
      this.#dialling.delete(connection);
      this.#leaves(connection);
      connection.giveUp();
    }
  }

  /** Nothing is left that could bring a stream. */
  #failIfHopeless(error: MeshError): void {
    if (this.#open.length > 0 || this.#dialling.size > 0) return;
    // Whoever waits from here on, because of these, waits for a dial of its own.
    for (let waiting = this.#queue.length; waiting > 0; waiting--) {
      this.#queue.shift()?.dialFailed(error);
    }
  }

  // ---- ends ----

  #idleTooLong(connection: Http2Connection): void {
    if (connection.streams === 0) this.#end(connection);
  }

  /** It counts no more from here on, though its link may take a while to close. */
  #end(connection: Http2Connection): void {
    this.#takeOut(connection);
    this.#leaves(connection);
    connection.close();
  }

  #close(connection: Http2Connection): void {
    if (connection.streams === 0) this.#leaves(connection);
    connection.close();
  }

  #takeOut(connection: Http2Connection): void {
    const at = this.#open.indexOf(connection);
    if (at !== -1) this.#open.splice(at, 1);
  }

  #leaves(connection: Http2Connection): void {
    const timer = this.#idleTimers.get(connection);
    if (timer === undefined) return;
    this.#parts.wheel.cancel(timer);
    this.#idleTimers.delete(connection);
    this.#parts.idle.delete(connection);
    this.#parts.all.delete(connection);
    this.#parts.quota.give();
  }
}

const queueFull = (host: string): MeshError =>
  new MeshError(
    'overloaded',
    'proxy',
    `${limits.pendingPerEndpointMax} requests wait for a stream to ${host}, the limit.`,
  );
