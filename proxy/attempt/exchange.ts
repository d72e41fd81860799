/**
 * One downstream request and its attempts.
 *
 *   open ─> RESOLVING ─destination─> ATTEMPTING ─session─> SENT ─response head─> COMMITTED ─> over
 *              │ none               │      ^ │ dial failed      │ reused connection lost
 *              │                    │      └─┘ other endpoint   └──> ATTEMPTING, once, if replayable
 *              └────────────────────┴─> failed: answered by the funnel (errors.ts)
 *
 * Nothing is replayed without a route's leave unless no byte of the request was written (another
 * endpoint is tried), or the method is idempotent, its body is held whole, and a pooled connection
 * died before it answered (RFC 9110 section 9.2.2). The request body passes while it is sent; what
 * comes before a session is there is held, and its credit with it, so that reading stops.
 */
import { isGrpc } from '../codec/grpc/content-type.ts';
import { isMethod } from '../codec/http1/request-target.ts';
import { grpcStatusOf, statusOf } from '../errors.ts';
import { MeshError } from '../model/mesh-error.ts';
import { limits } from '../limits.ts';
import type { Destination } from '../model/destination.ts';
import type { Endpoint } from '../model/endpoint.ts';
import type { Direction, RequestSink, ResponseSink, UpstreamSession } from '../model/exchange.ts';
import { FIELD_GRPC_STATUS } from '../model/field.ts';
import { Head } from '../model/head.ts';
import {
  EVENT_ATTEMPT_START,
  EVENT_END,
  EVENT_HEAD_IN,
  EVENT_HEAD_OUT,
  NO_GRPC_STATUS,
  type Observe,
  type ObservedExchange,
} from '../model/observation.ts';
import { HeldBody } from './held-body.ts';

/** Hears of one dial: exactly one of the two. */
export interface DialWaiter {
  dialled(session: UpstreamSession): void;
  dialFailed(error: MeshError): void;
}

/** What exchanges of one side are made of; `stack.ts` puts it together. */
export interface ExchangeParts {
  readonly direction: Direction;
  readonly nowUs: () => number;
  /** The destination, why there is none, or undefined: then `whenResolved` tells. */
  readonly resolve: (head: Head) => Destination | MeshError | undefined;
  readonly whenResolved: (head: Head, tell: (found: Destination | MeshError) => void) => void;
  /** An idle connection, or undefined: then `dial` makes one. */
  readonly take: (endpoint: Endpoint) => UpstreamSession | undefined;
  readonly dial: (endpoint: Endpoint, waiter: DialWaiter) => void;
  /** A dialled connection nobody waits for any more. */
  readonly putBack: (session: UpstreamSession) => void;
  readonly observe: Observe;
  readonly failed: (error: MeshError) => void;
}

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
  /** Guards what comes back late: it belongs to the exchange only while this is unchanged. */
  #generation = 0;
  #body = 0;
  #downstream: ResponseSink | undefined = undefined;
  #session: UpstreamSession | undefined = undefined;
  #attempting = false;
  #committed = false;
  #over = false;
  #requestEnded = false;
  #replayable = false;
  #replayed = false;
  #credited = 0;
  /** Credit for bytes that are sent a second time: it was returned before. */
  #swallow = 0;

  constructor(parts: ExchangeParts, recycle: (over: Exchange) => void) {
    this.#parts = parts;
    this.direction = parts.direction;
    this.#recycle = recycle;
  }

  // HOT: per exchange.
  open(downstream: ResponseSink, head: Head, body: number): void {
    this.#reset();
    this.#downstream = downstream;
    this.#head.own(head);
    this.#body = body;
    this.startUs = this.#parts.nowUs();
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
    if (endpoint === undefined) this.#fail(noEndpoint(found));
    else this.#attempt(endpoint, this.#parts.take(endpoint));
  }

  #attempt(endpoint: Endpoint, idle: UpstreamSession | undefined): void {
    this.endpoint = endpoint;
    if (endpoint.loops) return this.#fail(loopError(endpoint));
    endpoint.pending++;
    this.#attempting = true;
    this.#parts.observe?.(this, EVENT_ATTEMPT_START);
    if (idle !== undefined) this.#send(idle);
    else this.#dial(endpoint);
  }

  #dial(endpoint: Endpoint): void {
    const generation = this.#generation;
    this.#parts.dial(endpoint, {
      dialled: (session) => {
        if (generation === this.#generation) this.#send(session);
        else this.#parts.putBack(session);
      },
      dialFailed: (error) => {
        if (generation === this.#generation) this.#dialFailed(endpoint, error);
      },
    });
  }

  /** No byte was written: another endpoint may serve the request. */
  #dialFailed(endpoint: Endpoint, error: MeshError): void {
    this.#attemptOver();
    this.#tried.push(endpoint);
    const next =
      error.retry === 'unsent' && this.#tried.length < limits.dialsPerExchangeMax
        ? this.destination?.picker.pick(this.#tried)
        : undefined;
    if (next === undefined) this.#fail(error);
    else this.#attempt(next, this.#parts.take(next));
  }

  #send(session: UpstreamSession): void {
    this.#session = session;
    this.#replayable = session.served > 0 && !this.#replayed && isIdempotent(this.#head);
    session.request(this.#head, this.#body, this);
    this.#held.replayTo(session);
    if (this.#requestEnded) session.requestEnd();
    if (!this.#replayable) this.#held.clear();
  }

  // ---- from the downstream ----

  requestData(bytes: Buffer, start: number, end: number): void {
    if (this.#session === undefined) this.#held.add(bytes, start, end);
    else if (this.#replayable) this.#holdForReplay(bytes, start, end);
    this.#session?.requestData(bytes, start, end);
  }

  #holdForReplay(bytes: Buffer, start: number, end: number): void {
    if (this.#held.length + end - start <= limits.replayBytesMax) {
      this.#held.add(bytes, start, end);
    } else {
      this.#replayable = false;
      this.#held.clear();
    }
  }

  requestTrailers(trailers: Head): void {
    if (this.#session === undefined || this.#replayable) this.#held.addTrailers(trailers);
    this.#session?.requestTrailers(trailers);
  }

  requestEnd(): void {
    this.#requestEnded = true;
    this.#session?.requestEnd();
    if (this.#over) this.#release();
  }

  requestReset(error: MeshError): void {
    const session = this.#session;
    this.#session = undefined;
    if (!this.#over) {
      this.cancelled = error.code === 'cancelled';
      if (!this.cancelled) this.#parts.failed(error);
      this.#answeredWith(error);
      this.#end();
    }
    session?.requestReset(error);
    this.#release();
  }

  responseCredit(bytes: number): void {
    this.#session?.responseCredit(bytes);
  }

  // ---- from the upstream ----

  responseInformational(head: Head): void {
    this.#replayable = false;
    this.#downstream?.responseInformational(head);
  }

  responseHead(head: Head, body: number): void {
    this.#committed = true;
    this.#replayable = false;
    if (this.#held.length > 0) this.#held.clear();
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
    if (this.#requestEnded) this.#session = undefined;
    this.#downstream?.responseEnd();
    if (this.#requestEnded) this.#release();
  }

  responseReset(error: MeshError): void {
    // The answer was complete: only the rest of the request is lost.
    if (this.#over) return this.requestUnwanted();
    this.#session = undefined;
    const endpoint = this.endpoint;
    if (!this.#committed && error.retry === 'if-reused' && this.#replayable && endpoint) {
      this.#attemptOver();
      this.#replayed = true;
      this.#swallow = this.#credited;
      // Not another pooled connection: it may be as dead as this one.
      return this.#attempt(this.destination?.picker.pick(this.#tried) ?? endpoint, undefined);
    }
    this.#fail(error);
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
    if (this.#committed) return;
    this.status = statusOf(error);
    if (isGrpc(this.#head)) this.grpcStatus = grpcStatusOf(error);
  }

  #attemptOver(): void {
    if (!this.#attempting || this.endpoint === undefined) return;
    this.#attempting = false;
    this.endpoint.pending--;
  }

  /** The answer is complete, failed or not wanted any more. */
  #end(): void {
    this.#over = true;
    this.#attemptOver();
    this.endUs = this.#parts.nowUs();
    const missing = this.status === 404 || this.grpcStatus === GRPC_UNIMPLEMENTED;
    if (this.destination !== undefined) {
      this.route = this.destination.routes.settle(this.route, !missing && this.#committed);
    }
    this.#parts.observe?.(this, EVENT_END);
  }

  #readGrpc(head: Head): void {
    const status = head.find(FIELD_GRPC_STATUS);
    if (status !== -1) {
      const value = head.value(status);
      this.grpcStatus = /^\d{1,2}$/.test(value) ? Number(value) : GRPC_UNKNOWN;
    }
    this.grpc ||= isGrpc(head);
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
    this.#session = undefined;
    this.#attempting = false;
    this.#committed = false;
    this.#over = false;
    this.#requestEnded = false;
    this.#replayable = false;
    this.#replayed = false;
    this.#credited = 0;
    this.#swallow = 0;
  }

  /** Nothing refers to this exchange any more; the next request may have it. */
  #release(): void {
    if (this.#downstream === undefined) return;
    this.#downstream = undefined;
    this.#session = undefined;
    this.#generation++;
    this.#held.clear();
    this.#head.trim();
    this.#recycle(this);
  }
}

const GRPC_UNKNOWN = 2;
const GRPC_UNIMPLEMENTED = 12;

const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'] as const;

function isIdempotent(head: Head): boolean {
  for (const method of IDEMPOTENT) if (isMethod(head, method)) return true;
  return false;
}

const loopError = (endpoint: Endpoint): MeshError =>
  new MeshError('proxy-loop', 'proxy', `${endpoint.host}:${endpoint.port} is this proxy itself.`);

function noEndpoint(destination: Destination): MeshError {
  const { authority, endpoints, readyCount } = destination;
  const last = endpoints.find((endpoint) => endpoint.lastDialError !== undefined)?.lastDialError;
  const because = last === undefined ? '' : ` Last dial error: ${last}`;
  const sentence = `${authority} has ${readyCount} of ${endpoints.length} endpoints ready.${because}`;
  return new MeshError('no-endpoint', 'upstream', sentence);
}
