/**
 * HTTP/2 towards the downstream (RFC 9113), on a link whose client spoke the preface.
 *
 *   preface ─> SETTINGS both ways ─> each HEADERS of a new stream begins an exchange
 *   goodbye: GOAWAY(2^31-1) and PING ─ its ack, or a second ─> GOAWAY(last) ─ last stream ─> closed
 */
import { Timer, type TimerWheel } from '../../base/timer-wheel.ts';
import {
  type Http2Fault,
  NO_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
} from '../codec/http2/error-code.ts';
import { STREAM_ID_MAX } from '../codec/http2/frame.ts';
import { CLIENT_PREFACE, matchPreface } from '../codec/http2/preface.ts';
import { ownSettings } from '../codec/http2/settings.ts';
import { limits, timeouts } from '../limits.ts';
import { TUNNEL_NONE } from '../model/head.ts';
import type { Http2Limit } from '../model/http2-limit.ts';
import { MeshError } from '../model/mesh-error.ts';
import type { Link } from '../transport/link.ts';
import { HeldBytes } from './held-bytes.ts';
import { Http2Connection } from './http2-connection.ts';
import { WINDOW_BYTES_START } from './http2-output.ts';
import type { Http2Role } from './http2-role.ts';
import { Http2ServerStream, type StreamHost } from './http2-server-stream.ts';
import { FREE_STREAMS_MAX, type Http2Stream } from './http2-stream.ts';
import type { ServerSession, ServerSide } from './server-session.ts';

/** How long the last streams of a client that does not answer our PING may be under way. */
const GOODBYE_MS = 1_000;
const GOODBYE_PING = Buffer.from('culvert!');

/** One downstream connection. */
export class Http2Server implements ServerSession, Http2Role, StreamHost {
  readonly wheel: TimerWheel;
  readonly #side: ServerSide;
  readonly #connection: Http2Connection;
  readonly #timer = new Timer(() => this.#timeout());
  /** The preface until it is whole. */
  readonly #held = new HeldBytes();
  #greeted = false;
  /** The client's SETTINGS came: from here on it may be idle. */
  #settled = false;
  /** Streams that asked for a tunnel, if any ever did: no time bounds one, so their number must be. */
  #tunnels: Set<Http2Stream> | undefined = undefined;
  /** Streams that are over, for those to come. */
  readonly #free: Http2ServerStream[] = [];
  /** Highest id of the client's streams, and of those that were not refused after our GOAWAY. */
  #highest = -1;
  #last = 0;
  /** 'no' until the first GOAWAY, then 'soon' until the second. */
  #leaving: 'no' | 'soon' | 'yes' = 'no';

  constructor(side: ServerSide, link: Link) {
    this.wheel = side.wheel;
    this.#side = side;
    this.#connection = new Http2Connection(this, link, 'client');
    this.#connection.lastPeerStream = () => this.#last;
    const { output } = this.#connection;
    output.settings(ownSettings('server', limits.concurrentStreamsMax));
    output.windowUpdate(0, limits.connectionWindowBytes - WINDOW_BYTES_START);
    side.wheel.set(this.#timer, timeouts.headTimeoutMs);
  }

  /** No exchange. */
  get idle(): boolean {
    return this.#connection.streams.size === 0;
  }

  /** The drain begins: no more new streams once the client has heard of it. */
  goodbye(): void {
    if (this.#leaving !== 'no' || this.#connection.gone) return;
    this.#leaving = 'soon';
    this.#connection.output.goaway(STREAM_ID_MAX, NO_ERROR, 'draining');
    this.#connection.output.ping(GOODBYE_PING);
    this.wheel.set(this.#timer, GOODBYE_MS);
  }

  closeIfIdle(): void {
    this.#leave();
  }

  /** Every open exchange is answered with `error`, or cut. */
  abort(error: MeshError): void {
    for (const stream of this.#connection.streams.values()) stream.events.streamLost(error);
    this.#connection.end(NO_ERROR, error.sentence, error);
  }

  /** The connection is one too many. */
  requestFault(error: MeshError): void {
    this.#side.refused(error);
    this.#connection.end(REFUSED_STREAM, error.sentence, error);
  }

  /** GOAWAY with the last stream that is served; the link ends with it. */
  #leave(): void {
    if (this.#connection.gone || this.#leaving === 'yes') return;
    this.#leaving = 'yes';
    if (this.idle) return this.#end();
    this.#connection.output.goaway(this.#last, NO_ERROR, 'draining');
  }

  #end(): void {
    this.#connection.end(NO_ERROR, 'goodbye', GOODBYE);
  }

  // ---- the link ----

  onOpen(): void {}

  onBytes(bytes: Buffer, start: number, end: number): void {
    if (this.#greeted) return this.#connection.onBytes(bytes, start, end);
    this.#held.add(bytes, start, end);
    const { bytes: held, start: from, end: to } = this.#held;
    switch (matchPreface(held, from, to)) {
      case 'more':
        return;
      case 'no':
        return this.#connection.fault({
          code: PROTOCOL_ERROR,
          sentence: 'Not the HTTP/2 preface.',
        });
      default:
        this.#greeted = true;
        this.#held.clear();
        if (to - from > CLIENT_PREFACE.length) {
          this.#connection.onBytes(held, from + CLIENT_PREFACE.length, to);
        }
    }
  }

  onSent(): void {
    this.#connection.onSent();
  }

  onEnd(): void {
    this.#connection.onEnd();
  }

  onClose(error: MeshError | undefined): void {
    this.#connection.onClose(error);
  }

  // ---- the connection ----

  // HOT: per exchange.
  headers(
    id: number,
    stream: Http2Stream | undefined,
    block: Buffer,
    start: number,
    end: number,
    endStream: boolean,
  ): void {
    const connection = this.#connection;
    if (stream !== undefined)
      return connection.input.trailers(stream, block, start, end, endStream);
    if (id <= this.#highest || id % 2 === 0) {
      if (connection.input.dropBlock(block, start, end)) connection.input.closedFrame(id);
      return;
    }
    if (id > this.#highest + 2) connection.closedStreams.skipped(this.#highest + 2, id - 2);
    this.#highest = id;
    // Above GOAWAY's last stream nothing needs to be said (RFC 9113 6.8), but a reset is faster.
    if (this.#leaving === 'yes') return void this.#turnAway(id, block, start, end);
    this.#last = id;
    if (connection.streams.size >= limits.concurrentStreamsMax) {
      this.limitHit('streams');
      if (this.#turnAway(id, block, start, end)) connection.input.countReset();
      return;
    }
    const head = connection.input.heads.request(block, start, end);
    if (head === 'compression-error') return void connection.input.compressionFault();
    const tunnels = typeof head !== 'string' && head.tunnel !== TUNNEL_NONE;
    if (tunnels && (this.#tunnels?.size ?? 0) >= limits.tunnelsPerLinkMax) {
      return this.#refuseTunnel(id);
    }
    const next = this.#free.pop() ?? new Http2ServerStream(this.#side, connection, this);
    if (tunnels) (this.#tunnels ??= new Set()).add(next.stream);
    next.begin(id, head, endStream);
  }

  streamFree(over: Http2ServerStream): void {
    if (this.#free.length < FREE_STREAMS_MAX) this.#free.push(over);
  }

  unused(): void {
    this.#free.length = 0;
  }

  #refuseTunnel(id: number): void {
    this.limitHit('tunnels');
    this.#connection.refuse(id, REFUSED_STREAM);
    this.#connection.input.countReset();
  }

  /** REFUSED_STREAM: false when its block ended the connection. */
  #turnAway(id: number, block: Buffer, start: number, end: number): boolean {
    const { input } = this.#connection;
    if (!input.dropBlock(block, start, end)) return false;
    this.#connection.refuse(id, REFUSED_STREAM);
    return true;
  }

  mayBe(id: number): boolean {
    return id % 2 === 1 && id <= this.#highest;
  }

  settingsChanged(): void {
    if (this.#settled) return;
    this.#settled = true;
    if (this.#leaving === 'no') this.wheel.set(this.#timer, this.#idleMs);
  }

  pingAcked(payload: Buffer, start: number): void {
    if (this.#leaving !== 'soon') return;
    // Not the answer to a PING before our GOAWAY, which says nothing of that.
    const { length } = GOODBYE_PING;
    if (GOODBYE_PING.compare(payload, start, start + length) === 0) this.#leave();
  }

  /** The client opens no streams any more: those that are open are answered. */
  goaway(): void {
    this.#leave();
  }

  silent(): void {}

  fault(fault: Http2Fault): MeshError {
    const code = fault.limit === undefined ? 'malformed-request' : 'overloaded';
    const error = new MeshError(code, 'downstream', fault.sentence);
    this.#side.refused(error);
    return error;
  }

  limitHit(limit: Http2Limit): void {
    this.#side.limitHit(limit);
  }

  slow(sentence: string): MeshError {
    const error = new MeshError('head-timeout', 'downstream', sentence);
    this.#side.refused(error);
    return error;
  }

  resetSent(): void {}

  streamOver(stream: Http2Stream): void {
    this.#tunnels?.delete(stream);
    if (!this.idle || this.#connection.gone) return;
    if (this.#leaving === 'yes') return this.#end();
    if (this.#leaving === 'no') this.wheel.set(this.#timer, this.#idleMs);
  }

  closed(): void {
    this.wheel.cancel(this.#timer);
    this.#side.closed(this);
  }

  get #idleMs(): number {
    return this.#side.idleMs ?? timeouts.downstreamIdleMs;
  }

  #timeout(): void {
    // What has left meanwhile is the connection's to watch.
    if (this.#connection.gone) return;
    if (this.#leaving === 'soon') return this.#leave();
    if (!this.idle) return;
    if (this.#connection.input.started && !this.#connection.input.inFrame) return this.#end();
    const sentence = `No whole frame came within ${timeouts.headTimeoutMs} ms.`;
    this.#connection.end(NO_ERROR, sentence, this.slow(sentence));
  }
}

const GOODBYE = new MeshError('cancelled', 'downstream', 'The connection has ended.');
