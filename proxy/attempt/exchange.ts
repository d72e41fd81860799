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
 */
import { hasStatusField, isGrpc } from '../codec/grpc/content-type.ts';
import { statusOf } from '../errors.ts';
import { MeshError } from '../model/mesh-error.ts';
import { limits } from '../limits.ts';
import type { Destination } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type {
  Direction,
  Protocol,
  RequestSink,
  ResponseSink,
  UpstreamStream,
} from '../model/exchange.ts';
import { Head } from '../model/head.ts';
import {
  EVENT_ATTEMPT_START,
  EVENT_END,
  EVENT_HEAD_IN,
  EVENT_HEAD_OUT,
  NO_GRPC_STATUS,
  type ObservedExchange,
} from '../model/observation.ts';
import { Deadline } from './deadline.ts';
import { deadlineError, loopError, noEndpoint, unreachable } from './exchange-errors.ts';
import type { ExchangeParts, Waiting } from './exchange-parts.ts';
import { GRPC_UNIMPLEMENTED, grpcStatusSeen, readGrpcStatus } from './grpc-status.ts';
import { HeldBody } from './held-body.ts';
import { attemptProtocol } from './http1-transport.ts';
import { isIdempotent } from './idempotent.ts';
import { whyUnsayable } from './unsayable.ts';

/** One exchange; recycled through its side's free list when it is over. */
export class Exchange implements RequestSink, ResponseSink, ObservedExchange {
  readonly direction: Direction;
  destination: Destination | undefined = undefined;
  endpoint: Endpoint | undefined = undefined;
  route = '';
  startUs = 0;
  firstByteUs = 0;
  endUs = 0;
  status = 0;
  grpcStatus: number = NO_GRPC_STATUS;
  grpc = false;
  failed = false;
  cancelled = false;
  readonly #parts: ExchangeParts;
  readonly #recycle: (over: Exchange) => void;
  readonly #head = new Head();
  readonly #held = new HeldBody();
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
  #committed = false;
  #over = false;
  #requestEnded = false;
  /** All of the body so far is held, for it may have to be sent again. */
  #holding = false;
  /** So may what was perhaps processed. */
  #replayable = false;
  #replayed = false;
  #credited = 0;
  /** Credit for bytes that are sent a second time: it was returned before. */
  #swallow = 0;

  constructor(parts: ExchangeParts, recycle: (over: Exchange) => void) {
    this.#parts = parts;
    this.direction = parts.direction;
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
    this.startUs = this.#parts.nowUs();
    this.#deadline.begin(this.#head, this.startUs);
    this.#parts.observe?.(this, EVENT_HEAD_IN);
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
    this.destination = found;
    this.route = found.routes.nameOf(this.#head);
    const endpoint = found.picker.pick(this.#tried);
    if (endpoint === undefined) this.#fail(noEndpoint(found, this.#parts.wheel.nowMs));
    else this.#attempt(endpoint, false);
  }

  /** `fresh`: not on a connection that idled, which may be as dead as the last one. */
  #attempt(endpoint: Endpoint, fresh: boolean): void {
    this.endpoint = endpoint;
    if (endpoint.loops) return this.#fail(loopError(endpoint));
    const transport = this.destination?.http1Transport;
    const protocol = attemptProtocol(transport, endpoint, this.#protocol, this.#head);
    const unsayable = whyUnsayable(this.#head, protocol);
    if (unsayable !== undefined) return this.#fail(unsayable);
    endpoint.pending++;
    this.#attempting = true;
    this.#parts.observe?.(this, EVENT_ATTEMPT_START);
    const stream = fresh ? undefined : this.#parts.take(endpoint, protocol);
    if (stream !== undefined) this.#send(stream);
    else this.#dial(endpoint, protocol);
  }

  #dial(endpoint: Endpoint, protocol: Protocol): void {
    const generation = this.#generation;
    const waiting = this.#parts.dial(endpoint, protocol, {
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
  }

  /** Nobody has processed the request: another endpoint may, or another connection to this one. */
  #tryAgain(endpoint: Endpoint, error: MeshError): void {
    this.#attemptOver();
    this.#tried.push(endpoint);
    const refused = error.retry === 'unprocessed' ? endpoint : undefined;
    const next =
      ++this.#unserved < limits.dialsPerExchangeMax
        ? (this.destination?.picker.pick(this.#tried) ?? refused)
        : undefined;
    if (next === undefined) return this.#fail(this.#named(endpoint, error));
    this.#swallow = this.#credited;
    this.#attempt(next, false);
  }

  /** To the application one dial is one of a service's; what the other side dials has one name. */
  #named(endpoint: Endpoint, error: MeshError): MeshError {
    const destination = this.destination;
    const named = error.retry === 'unsent' && this.direction === 'outbound';
    if (!named || destination === undefined) return error;
    return unreachable(destination, endpoint, error, this.#parts.wheel.nowMs);
  }

  #send(stream: UpstreamStream): void {
    if (!this.#deadline.passOn(this.#head)) {
      this.#parts.putBack(stream);
      return this.#deadlinePassed();
    }
    this.#stream = stream;
    this.#replayable = stream.served > 0 && !this.#replayed && isIdempotent(this.#head);
    this.#holding = this.#replayable || stream.protocol === 'http2';
    stream.request(this.#head, this.#body, this);
    // A stream may fail at any call, and another have taken its place.
    if (this.#stream === stream) this.#held.replayTo(stream);
    if (this.#stream !== stream) return;
    // What came before there was a stream was bounded by its credit, which it has from here on.
    if (!this.#holding || this.#held.length > limits.replayBytesMax) this.#letGo();
    if (this.#requestEnded) stream.requestEnd();
  }

  // ---- from the downstream ----

  requestData(bytes: Buffer, start: number, end: number): void {
    const stream = this.#stream;
    if (stream === undefined) return this.#held.add(bytes, start, end);
    if (this.#holding) this.#hold(bytes, start, end);
    stream.requestData(bytes, start, end);
  }

  #hold(bytes: Buffer, start: number, end: number): void {
    if (this.#held.length + end - start <= limits.replayBytesMax) {
      this.#held.add(bytes, start, end);
    } else this.#letGo();
  }

  /** What was sent will not be sent again. */
  #letGo(): void {
    this.#holding = false;
    this.#replayable = false;
    this.#held.clear();
  }

  requestTrailers(trailers: Head): void {
    if (this.#stream === undefined || this.#holding) this.#held.addTrailers(trailers);
    this.#stream?.requestTrailers(trailers);
  }

  requestEnd(): void {
    this.#requestEnded = true;
    this.#stream?.requestEnd();
    if (this.#over) this.#release();
  }

  requestReset(error: MeshError): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (!this.#over) {
      const left = error.code === 'cancelled';
      const late = left && this.#deadline.isUp;
      this.cancelled = left && !late;
      if (!left) this.#parts.failed(error);
      this.#answeredWith(late ? this.#late(stream) : error);
      this.#end();
    }
    stream?.requestReset(error);
    this.#release();
  }

  responseCredit(bytes: number): void {
    this.#stream?.responseCredit(bytes);
  }

  // ---- from the upstream ----

  responseInformational(head: Head): void {
    if (this.#holding) this.#letGo();
    this.#downstream?.responseInformational(head);
  }

  responseHead(head: Head, body: number): void {
    this.#committed = true;
    if (this.#holding) this.#letGo();
    this.firstByteUs = this.#parts.nowUs();
    this.status = head.status;
    this.#readGrpc(head);
    this.#parts.observe?.(this, EVENT_HEAD_OUT);
    this.#downstream?.responseHead(head, body);
  }

  responseData(bytes: Buffer, start: number, end: number): void {
    this.#downstream?.responseData(bytes, start, end);
  }

  responseTrailers(trailers: Head): void {
    this.#readGrpc(trailers);
    this.#downstream?.responseTrailers(trailers);
  }

  responseEnd(): void {
    this.#end();
    if (this.#requestEnded) this.#stream = undefined;
    this.#downstream?.responseEnd();
    if (this.#requestEnded) this.#release();
  }

  responseReset(error: MeshError): void {
    // The answer was complete: only the rest of the request is lost.
    if (this.#over) return this.requestUnwanted();
    this.#stream = undefined;
    const endpoint = this.endpoint;
    if (!this.#holding || endpoint === undefined) return this.#fail(error);
    if (error.retry === 'unprocessed') return this.#tryAgain(endpoint, error);
    if (error.retry !== 'if-reused' || !this.#replayable) return this.#fail(error);
    this.#attemptOver();
    this.#replayed = true;
    this.#swallow = this.#credited;
    this.#tried.push(endpoint);
    this.#attempt(this.destination?.picker.pick(this.#tried) ?? endpoint, true);
  }

  requestCredit(bytes: number): void {
    const again = Math.min(bytes, this.#swallow);
    this.#swallow -= again;
    this.#credited += bytes - again;
    if (bytes > again) this.#downstream?.requestCredit(bytes - again);
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
    return deadlineError(this.#deadline.timeoutMs, this.endpoint, stream !== undefined);
  }

  #fail(error: MeshError): void {
    this.#parts.failed(error);
    this.#answeredWith(error);
    this.#end();
    const downstream = this.#downstream;
    this.#release();
    downstream?.responseReset(error);
  }

  /** The downstream gets `error` for an answer, or a cut one when its head has left already. */
  #answeredWith(error: MeshError): void {
    this.failed = this.#committed;
    if (isGrpc(this.#head)) this.grpcStatus = grpcStatusSeen(error, this.#protocol);
    if (!this.#committed) this.status = statusOf(error);
  }

  #attemptOver(): void {
    if (!this.#attempting || this.endpoint === undefined) return;
    this.#attempting = false;
    this.endpoint.pending--;
  }

  /** The answer is complete, failed or not wanted any more. */
  #end(): void {
    this.#over = true;
    this.#deadline.end();
    this.#attemptOver();
    this.endUs = this.#parts.nowUs();
    const missing = this.status === 404 || this.grpcStatus === GRPC_UNIMPLEMENTED;
    if (this.destination !== undefined) {
      this.route = this.destination.routes.settle(this.route, !missing && this.#committed);
    }
    this.#parts.observe?.(this, EVENT_END);
  }

  #readGrpc(head: Head): void {
    const status = readGrpcStatus(head);
    if (status !== NO_GRPC_STATUS) this.grpcStatus = status;
    this.grpc ||= hasStatusField(head);
  }

  #reset(): void {
    this.destination = undefined;
    this.endpoint = undefined;
    this.route = '';
    this.firstByteUs = 0;
    this.endUs = 0;
    this.status = 0;
    this.grpcStatus = NO_GRPC_STATUS;
    this.grpc = false;
    this.failed = false;
    this.cancelled = false;
    if (this.#tried.length > 0) this.#tried.length = 0;
    this.#stream = undefined;
    this.#attempting = false;
    this.#unserved = 0;
    this.#committed = false;
    this.#over = false;
    this.#requestEnded = false;
    this.#holding = false;
    this.#replayable = false;
    this.#replayed = false;
    this.#credited = 0;
    this.#swallow = 0;
  }

  /** Nothing refers to this exchange any more; the next request may have it. */
  #release(): void {
    if (this.#downstream === undefined) return;
    this.#downstream = undefined;
    this.#stream = undefined;
    this.#waiting?.leave();
    this.#waiting = undefined;
    this.#generation++;
    this.#held.clear();
    this.#head.trim();
    this.#recycle(this);
  }
}
