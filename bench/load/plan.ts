/**
 * What a load generator is told and what it tells: plain JSON, one line each way.
 *
 *   time  |-- prime --|-- warm-up --|======= window =======|-- drain --|
 *         every       not counted    counted: requests      answers of counted
 *         connection                 that fall due here     requests; nothing
 *         asks once                                         new falls due
 *
 * All times are microseconds unless a name says otherwise.
 */
import type { SparseCounts } from '../../api/histogram.ts';
import type { SocketAddress } from '../../base/settings.ts';

/**
 * A gRPC call (gRPC over HTTP2), with the heads that a caller of today sends: a deadline, a token of
 * its user, a trace. Its answer is good with as many messages as were sent, and grpc-status 0.
 */
export interface GrpcShape {
  /** Length of each message, both ways, without the five bytes before it. */
  readonly messageBytes: number;
  /**
   * Messages each way. 1 is a unary call. Of a longer one each message waits for the answer to the
   * one before, and is what a plan and its result call a request; the last ends the call.
   */
  readonly messages: number;
}

/** One kind of request; `weight` is its share among the shapes of a plan. */
export interface RequestShape {
  readonly method: 'GET' | 'POST';
  /** Origin form: "/bytes/100?x=1". */
  readonly path: string;
  /** Length of the body sent; 0 sends none. */
  readonly bodyBytes: number;
  /** Whole number from 1. */
  readonly weight: number;
  /** Length that every answer's body must have; not checked when absent. */
  readonly answerBytes?: number;
  /** The request is a gRPC call: a POST whose bodies follow from this. */
  readonly grpc?: GrpcShape;
}

/**
 * When requests fall due. `closed`: each connection asks again once it was answered. `fixed` and
 * `poisson` are open loops: requests fall due at `perSecond` whatever the server does.
 */
export type Arrival =
  | { readonly kind: 'closed' }
  | { readonly kind: 'fixed' | 'poisson'; readonly perSecond: number };

/** One run of a generator. */
export interface LoadPlan {
  /** `http2` is cleartext with prior knowledge (RFC 9113 section 3.3). */
  readonly protocol: 'http1' | 'http2';
  /** An IP address and a port. */
  readonly to: SocketAddress;
  /** The Host field. */
  readonly authority: string;
  /** At least one. */
  readonly requests: readonly RequestShape[];
  /** Most connections that carry requests at once; the open loop opens no more than these. */
  readonly connections: number;
  /** HTTP/2: requests that each connection carries at a time; absent: 1. */
  readonly streamsPerConnection?: number;
  /** Every request dials a connection of its own, sends "Connection: close", awaits the end. */
  readonly connectionPerRequest: boolean;
  /** Connections opened beside those before warm-up; each asks once and is held to the end. */
  readonly idleConnections: number;
  readonly arrival: Arrival;
  readonly warmupMs: number;
  readonly durationMs: number;
  readonly seed: number;
  /** Processes whose CPU time is read at both ends of the window. */
  readonly watch: readonly number[];
}

/** CPU time that a process spent in the window, all its threads. */
export interface ProcessCpu {
  readonly pid: number;
  /** In steps of 10,000 us (the kernel's clock tick). */
  readonly userUs: number;
  readonly sysUs: number;
  /** User and system time together, exact: the process's CPU clock. */
  readonly totalUs: number;
}

/** What a run measured. Counts are of requests that fell due in the window, unless said otherwise. */
export interface LoadResult {
  /** Requests that fell due; in a closed loop the same as `sent`. */
  readonly due: number;
  readonly sent: number;
  /** Whole answers with a status below 400; `due` = `answered` + all `errors` but "idle closed". */
  readonly answered: number;
  /**
   * Whole answers with a status below 400 that came within the window, whenever asked: what to
   * divide CPU time by. An answer that is an error is cheap, and no work done.
   */
  readonly completed: number;
  /**
   * By reason: "dial ECONNREFUSED", "reset", "closed", "malformed", "status 503", "body length",
   * "unanswered", "never sent": every connection was busy from when it fell due to the end; HTTP/2:
   * "stream CANCEL" of a stream that was reset, "goaway PROTOCOL_ERROR" of a connection,
   * "grpc-status 14" and "no grpc-status" of a gRPC call.
   */
  readonly errors: Readonly<Record<string, number>>;
  /** Of `answered`: from the intended send (closed loop: the send) to the answer's last byte. */
  readonly latencyUs: SparseCounts;
  /**
   * Of `sent`, open loop: what the generator itself added between the intended and the real send.
   * Waiting for a connection that the server keeps busy is latency, not lateness.
   */
  readonly latenessUs: SparseCounts;
  /** Why the run says nothing about the server; undefined when the generator kept its schedule. */
  readonly late: string | undefined;
  /** Whether the generator ran at real-time priority: open loops where the kernel allows it. */
  readonly realTime: boolean;
  /** Length of the window as it came out. */
  readonly wallUs: number;
  /** Bytes received within the window, heads included. */
  readonly bytesReceived: number;
  /** CPU time of the generator itself in the window. */
  readonly generator: { readonly userUs: number; readonly sysUs: number };
  readonly cpu: readonly ProcessCpu[];
  /** Share of the time of all cores that the host took away in the window, 0 to 1. */
  readonly steal: number;
  /** Share of each core's time that was neither idle nor stolen, by core number. */
  readonly busy: readonly number[];
}

/** What a generator's process answers to a plan. */
export type LoadReply = { readonly result: LoadResult } | { readonly error: string };

/** How long the connections may take to be there and have asked once. */
export const PRIME_MS = 30_000;
/** How long answers to counted requests are waited for after the window. */
export const DRAIN_MS = 2_000;
/** Most connections of one plan, all kinds together: what one loopback address has ports for. */
export const CONNECTIONS_MAX = 20_000;
/** Most streams of all connections of a plan together. */
const STREAMS_MAX = 1_000_000;
/** Most requests a second of an open loop; far above what a core can send. */
export const RATE_MAX = 1_000_000;
/** Longest warm-up or window. */
export const PHASE_MS_MAX = 3_600_000;

const isWhole = (value: number, min: number, max: number): boolean =>
  Number.isInteger(value) && value >= min && value <= max;

/** What is wrong with `plan`, one sentence; undefined when it can be run. */
export function planProblem(plan: LoadPlan): string | undefined {
  const { to, requests, connections, idleConnections, arrival } = plan;
  if (plan.protocol !== 'http1' && plan.protocol !== 'http2') {
    return `protocol "${String(plan.protocol)}" is neither http1 nor http2`;
  }
  if (!isWhole(to.port, 1, 65_535)) return `port ${to.port} is not 1 to 65535`;
  if (requests.length === 0) return 'requests is empty';
  if (!isWhole(connections, 1, CONNECTIONS_MAX)) {
    return `connections ${connections} is not 1 to ${CONNECTIONS_MAX}`;
  }
  if (!isWhole(idleConnections, 0, CONNECTIONS_MAX - connections)) {
    return `idleConnections ${idleConnections} with ${connections} is not 0 to ${CONNECTIONS_MAX} together`;
  }
  const streamsProblem = problemOfStreams(plan);
  if (streamsProblem !== undefined) return streamsProblem;
  if (plan.connectionPerRequest && idleConnections > 0) {
    return 'idleConnections cannot be held when every request closes its connection';
  }
  if (arrival.kind !== 'closed' && !(arrival.perSecond > 0 && arrival.perSecond <= RATE_MAX)) {
    return `perSecond ${arrival.perSecond} is not above 0 and at most ${RATE_MAX}`;
  }
  if (!isWhole(plan.warmupMs, 0, PHASE_MS_MAX)) return `warmupMs ${plan.warmupMs} is out of range`;
  if (!isWhole(plan.durationMs, 1, PHASE_MS_MAX)) {
    return `durationMs ${plan.durationMs} is out of range`;
  }
  if (!Number.isSafeInteger(plan.seed)) return `seed ${plan.seed} is not a whole number`;
  if (!/^[\w.:[\]-]+$/.test(plan.authority)) return `authority "${plan.authority}" is not a host`;
  return requests.map(shapeProblem).find((problem) => problem !== undefined) ?? grpcProblem(plan);
}

function grpcProblem({ protocol, requests }: LoadPlan): string | undefined {
  if (requests.every(({ grpc }) => grpc === undefined)) return undefined;
  if (protocol !== 'http2') return 'gRPC is of http2';
  if (requests.some(({ grpc }) => grpc === undefined)) return 'some requests are no gRPC calls';
  const streams = requests.some(({ grpc }) => grpc !== undefined && grpc.messages > 1);
  return streams && requests.length > 1 ? 'calls of many messages are of one shape' : undefined;
}

function problemOfStreams(plan: LoadPlan): string | undefined {
  const { connectionPerRequest, protocol, streamsPerConnection: streams = 1 } = plan;
  const connections = plan.connections + plan.idleConnections;
  const most = protocol === 'http1' ? 1 : Math.floor(STREAMS_MAX / connections);
  if (!isWhole(streams, 1, most)) {
    return `streamsPerConnection ${streams} of ${protocol} is not 1 to ${most} on ${connections}`;
  }
  return protocol === 'http2' && connectionPerRequest
    ? 'connectionPerRequest is of http1: an HTTP/2 connection carries many requests'
    : undefined;
}

/** Longest body that a request may send: it is held in memory once a shape. */
const BODY_BYTES_MAX = 1 << 26;
const WEIGHT_MAX = 1_000_000;
const MESSAGES_MAX = 1_000_000;

function shapeProblem(shape: RequestShape): string | undefined {
  if (shape.method !== 'GET' && shape.method !== 'POST') return `method is not GET or POST`;
  if (!/^\/[\x21-\x7e]*$/.test(shape.path)) return `path "${shape.path}" is not an origin form`;
  if (!isWhole(shape.bodyBytes, 0, BODY_BYTES_MAX)) {
    return `bodyBytes ${shape.bodyBytes} is not 0 to ${BODY_BYTES_MAX}`;
  }
  if (!isWhole(shape.weight, 1, WEIGHT_MAX)) {
    return `weight ${shape.weight} is not 1 to ${WEIGHT_MAX}`;
  }
  return shape.grpc === undefined ? undefined : callProblem(shape, shape.grpc);
}

function callProblem(
  shape: RequestShape,
  { messageBytes, messages }: GrpcShape,
): string | undefined {
  if (shape.method !== 'POST' || shape.bodyBytes > 0 || shape.answerBytes !== undefined) {
    return 'a gRPC call is a POST without bodyBytes and answerBytes';
  }
  if (!isWhole(messageBytes, 0, BODY_BYTES_MAX)) {
    return `messageBytes ${messageBytes} is not 0 to ${BODY_BYTES_MAX}`;
  }
  return isWhole(messages, 1, MESSAGES_MAX)
    ? undefined
    : `messages ${messages} is not 1 to ${MESSAGES_MAX}`;
}
