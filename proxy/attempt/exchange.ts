/**
 * One downstream request and its attempts.
 *
 *   open ─> RESOLVING ─destination─> ATTEMPTING ─stream─> SENT ─response head─> COMMITTED ─> over
 *              │ none               │      ^ │ dial failed     ├─ reused connection lost ─┐
 *              │                    │      └─┘ other endpoint  ├─ not processed ──────────┤
 *              │                    │                          │           ATTEMPTING <───┘ if held
 *              └────────────────────┴──────────────────────────┴─> failed: answered by errors.ts
 *
 * Nothing is sent twice without a route's leave unless no byte of it was written (another endpoint
 * is tried), the upstream says that it did nothing with it (RFC 9113 section 8.7), or, once, the
 * method is idempotent and a pooled connection died before it answered (RFC 9110 section 9.2.2). In
 * the last two cases the body must be held whole: that of an HTTP/2 attempt is held until the
 * response head comes, while it is short. The body passes while it is sent; what comes before a
 * stream is there is held, and its credit with it, so that reading stops. The deadline of a gRPC
 * call (deadline.ts) fails it wherever it is.
 *
 * A tunnel (docs/upgrades.md) is answered by its head: it is observed as ended then, and from there on
 * counts as an attempt under way, until the server's half has ended; the exchange lasts until both have.
 */
import { MeshError } from '../model/mesh-error.ts';
import { limits } from '../limits.ts';
import type { Destination } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import {
  BODY_TUNNEL,
  type PortProtocol,
  type Protocol,
  type RequestSink,
  type ResponseSink,
  type UpstreamStream,
} from '../model/exchange.ts';
import { Head, TUNNEL_CONNECT, TUNNEL_NONE } from '../model/head.ts';
import { Deadline } from './deadline.ts';
import {
  deadlineError,
  loopError,
  noEndpoint,
  notTaken,
  ofService,
  tunnelStalled,
  unreachable,
} from './exchange-errors.ts';
import type { ExchangeParts, Waiting } from './exchange-parts.ts';
import { attemptProtocol } from './http1-transport.ts';
import { Observed } from './observed.ts';
import { Replay } from './replay.ts';
import { TunnelWatch } from './tunnel-watch.ts';
import { whyUnsayable } from './unsayable.ts';

/** One exchange; recycled through its side's free list when it is over. */
export class Exchange implements RequestSink, ResponseSink {
  readonly #seen: Observed;
  readonly #parts: ExchangeParts;
  readonly #recycle: (over: Exchange) => void;
  readonly #head = new Head();
  readonly #replay = new Replay();
  readonly #tried: Endpoint[] = [];
  readonly #deadline: Deadline;
  /** Guards what comes back late: it belongs to the exchange only while this is unchanged. */
  #generation = 0;
  #body = 0;
  #protocol: Protocol = 'http1';
  #downstream: ResponseSink | undefined = undefined;
  #waiting: Waiting | undefined = undefined;
  #stream: UpstreamStream | undefined = undefined;
  #attempting = false;
  /** Attempts that reached nobody, or that nobody processed. */
  #unserved = 0;
  #over = false;
  #requestEnded = false;
  #clientEnded = false;
  #tunnel: TunnelWatch | undefined = undefined;

  constructor(parts: ExchangeParts, recycle: (over: Exchange) => void) {
    this.#parts = parts;
    this.#seen = new Observed(parts);
    this.#recycle = recycle;
    this.#deadline = new Deadline(parts.wheel, parts.nowUs, () => this.#deadlinePassed());
  }

  // HOT: per exchange.
  open(downstream: ResponseSink, head: Head, body: number, protocol: Protocol): void {
    this.#reset();
    this.#downstream = downstream;
    this.#head.own(head);
    this.#body = body;
    this.#protocol = protocol;
    this.#seen.begin();
    this.#deadline.begin(this.#head, this.#seen.startUs);
    const found = this.#parts.resolve(this.#head);
    if (found !== undefined) this.#resolved(found);
    else this.#waitForDestination();
  }

  #waitForDestination(): void {
    const generation = this.#generation;
    this.#parts.whenResolved(this.#head, (later) => {
      if (generation === this.#generation) this.#resolved(later);
    });
  }

  #resolved(found: Destination | MeshError): void {
    if (found instanceof MeshError) return this.#fail(found);
    this.#seen.destination = found;
    this.#seen.route = found.routes.nameOf(this.#head);
    const endpoint = found.picker.pick(this.#tried);
    if (endpoint === undefined) this.#fail(noEndpoint(found, this.#parts.wheel.nowMs));
    else this.#attempt(endpoint, false);
  }

  /** `fresh`: not on a connection that idled, which may be as dead as the last one. */
  #attempt(endpoint: Endpoint, fresh: boolean): void {
    this.#seen.endpoint = endpoint;
    if (endpoint.loops) return this.#fail(loopError(endpoint));
    const head = this.#head;
    const raw = head.tunnel === TUNNEL_CONNECT && this.#parts.connects;
    const protocol = raw
      ? 'opaque'
      : attemptProtocol(this.#seen.destination?.http1Transport, endpoint, this.#protocol, head);
    const unsayable = whyUnsayable(head, this.#body, protocol);
    if (unsayable !== undefined) return this.#fail(unsayable);
    endpoint.pending++;
    this.#attempting = true;
    this.#seen.attemptStarts();
    // What a tunnel needs for itself had better not be dead: it would not be tried again.
    const tunnels = head.tunnel !== TUNNEL_NONE;
    const own = fresh || (tunnels && protocol === 'http1');
    const stream = own ? undefined : this.#parts.take(endpoint, protocol, tunnels);
    if (stream !== undefined) this.#send(stream);
    else this.#dial(endpoint, protocol, tunnels);
  }

  #dial(endpoint: Endpoint, protocol: PortProtocol, tunnels: boolean): void {
    const generation = this.#generation;
    const waiting = this.#parts.dial(endpoint, protocol, {
      tunnels,
      dialled: (stream) => {
        if (generation !== this.#generation) return this.#parts.putBack(stream);
        this.#waiting = undefined;
        this.#send(stream);
      },
      dialFailed: (error) => {
        if (generation !== this.#generation) return;
        this.#waiting = undefined;
        if (error.retry === 'unsent') this.#tryAgain(endpoint, error);
        else this.#fail(error);
      },
    });
    // Told at once, it may wait elsewhere already.
    if (waiting !== undefined) this.#waiting = waiting;
    if (this.#clientEnded) waiting?.hurry();
  }

  /** Nobody has processed the request: another endpoint may, or another connection to this one. */
  #tryAgain(endpoint: Endpoint, error: MeshError): void {
    this.#attemptOver();
    this.#tried.push(endpoint);
    const refused = error.retry === 'unprocessed' ? endpoint : undefined;
    const next =
      ++this.#unserved < limits.dialsPerExchangeMax
        ? (this.#seen.destination?.picker.pick(this.#tried) ?? refused)
        : undefined;
    if (next === undefined) return this.#fail(this.#unreached(endpoint, error));
    this.#replay.again();
    this.#attempt(next, false);
  }

  /** The last failure as the downstream hears it: the application, or a peer's sidecar. */
  #unreached(last: Endpoint, error: MeshError): MeshError {
    const { destination } = this.#seen;
    if (error.retry !== 'unsent' || destination === undefined) return error;
    if (this.#parts.direction === 'inbound') return notTaken(last, error);
    return unreachable(destination, last, error, this.#parts.wheel.nowMs);
  }

  #send(stream: UpstreamStream): void {
    if (!this.#deadline.passOn(this.#head)) {
      this.#parts.putBack(stream);
      return this.#deadlinePassed();
    }
    this.#stream = stream;
    this.#replay.begin(stream, this.#head);
    stream.request(this.#head, this.#body, this);
    // A stream may fail at any call, and another have taken its place.
    if (this.#stream === stream) this.#replay.sendTo(stream);
    if (this.#stream !== stream) return;
    this.#replay.sent();
    if (this.#requestEnded) stream.requestEnd();
  }

  // ---- from the downstream ----

  requestData(bytes: Buffer, start: number, end: number): void {
    const stream = this.#stream;
    if (stream === undefined) return this.#replay.wait(bytes, start, end);
    this.#replay.hold(bytes, start, end);
    this.#moved();
    stream.requestData(bytes, start, end);
  }

  requestTrailers(trailers: Head): void {
    if (this.#stream === undefined || this.#replay.holding) this.#replay.addTrailers(trailers);
    this.#stream?.requestTrailers(trailers);
  }

  requestEnd(): void {
    this.#requestEnded = true;
    this.#tunnel?.halfClosed();
    this.#stream?.requestEnd();
    if (this.#over) this.#release();
  }

  clientEnded(): void {
    this.#clientEnded = true;
    this.#waiting?.hurry();
  }

  requestReset(error: MeshError): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (!this.#over) {
      const left = error.code === 'cancelled';
      const late = left && this.#deadline.isUp;
      this.#seen.cancelled = left && !late;
      // What a drain's end cuts was answered long ago.
      const drained = this.#tunnel !== undefined && error.code === 'past-drain';
      if (!left && !drained) this.#parts.failed(error);
      this.#seen.fails(late ? this.#late(stream) : error, this.#head, this.#protocol);
      this.#end();
    }
    stream?.requestReset(error);
    this.#release();
  }

  responseCredit(bytes: number): void {
    this.#moved();
    this.#stream?.responseCredit(bytes);
  }

  // ---- from the upstream ----

  responseInformational(head: Head): void {
    if (this.#replay.holding) this.#replay.letGo();
    this.#downstream?.responseInformational(head);
  }

  responseHead(head: Head, body: number): void {
    if (this.#replay.holding) this.#replay.letGo();
    this.#seen.headOut(head);
    if (body === BODY_TUNNEL) this.#beginTunnel();
    this.#downstream?.responseHead(head, body);
  }

  /** Hours of a tunnel are no latency: what was asked is answered. */
  #beginTunnel(): void {
    this.#observeEnd();
    this.#requestEnded = false;
    this.#tunnel = new TunnelWatch(this.#parts.wheel, (ms) => this.#stalled(ms));
  }

  #stalled(ms: number): void {
    const stream = this.#stream;
    const error = tunnelStalled(ms);
    this.#parts.failed(error);
    this.responseReset(error);
    stream?.requestReset(error);
  }

  #moved(): void {
    if (this.#tunnel !== undefined) this.#tunnel.moved = true;
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    this.#moved();
    this.#downstream?.responseData(bytes, start, end);
  }

  responseTrailers(trailers: Head): void {
    this.#seen.readGrpc(trailers);
    this.#downstream?.responseTrailers(trailers);
  }

  responseEnd(): void {
    this.#end();
    this.#tunnel?.halfClosed();
    if (this.#requestEnded) this.#stream = undefined;
    this.#downstream?.responseEnd();
    if (this.#requestEnded) this.#release();
  }

  responseReset(error: MeshError): void {
    // The answer was complete: only the rest of the request is lost.
    if (this.#over) return this.requestUnwanted();
    this.#stream = undefined;
    const endpoint = this.#seen.endpoint;
    if (!this.#replay.holding || endpoint === undefined) return this.#fail(error);
    if (error.retry === 'unprocessed') return this.#tryAgain(endpoint, error);
    if (error.retry !== 'if-reused' || !this.#replay.mayRepeat) return this.#fail(error);
    this.#attemptOver();
    this.#replay.repeat();
    this.#tried.push(endpoint);
    this.#attempt(this.#seen.destination?.picker.pick(this.#tried) ?? endpoint, true);
  }

  requestCredit(bytes: number): void {
    this.#moved();
    const left = this.#replay.credit(bytes);
    if (left > 0) this.#downstream?.requestCredit(left);
  }

  requestUnwanted(): void {
    const downstream = this.#downstream;
    this.#release();
    downstream?.requestUnwanted();
  }

  // ---- ends ----

  #deadlinePassed(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    const error = this.#late(stream);
    stream?.requestReset(error);
    this.#fail(error);
  }

  #late(stream: UpstreamStream | undefined): MeshError {
    return deadlineError(this.#deadline.timeoutMs, this.#seen.endpoint, stream !== undefined);
  }

  #fail(failure: MeshError): void {
    const outbound = this.#parts.direction === 'outbound';
    const error = outbound ? ofService(this.#seen.destination, failure) : failure;
    // A tunnel's reset is its sides' affair, and passes as one.
    if (this.#tunnel === undefined) this.#parts.failed(error);
    this.#seen.fails(error, this.#head, this.#protocol);
    this.#end();
    const downstream = this.#downstream;
    this.#release();
    downstream?.responseReset(error);
  }

  #attemptOver(): void {
    if (!this.#attempting || this.#seen.endpoint === undefined) return;
    this.#attempting = false;
    this.#seen.endpoint.pending--;
  }

  /** The answer is complete, failed or not wanted any more. */
  #end(): void {
    this.#over = true;
    this.#attemptOver();
    if (this.#tunnel === undefined) this.#observeEnd();
  }

  #observeEnd(): void {
    this.#deadline.end();
    this.#seen.end();
  }

  #reset(): void {
    if (this.#tried.length > 0) this.#tried.length = 0;
    this.#stream = undefined;
    this.#attempting = false;
    this.#unserved = 0;
    this.#over = false;
    this.#requestEnded = false;
    this.#clientEnded = false;
  }

  /** Nothing refers to this exchange any more; the next request may have it. */
  #release(): void {
    if (this.#downstream === undefined) return;
    this.#downstream = undefined;
    this.#stream = undefined;
    this.#waiting?.leave();
    this.#waiting = undefined;
    this.#tunnel?.end();
    this.#tunnel = undefined;
    this.#generation++;
    this.#replay.clear();
    this.#head.trim();
    this.#recycle(this);
  }
}
