/** What one request is to be like, at both ends; all of it follows from the seed. */
import type { Protocol } from '../../proxy/model/exchange.ts';
import type { Random } from '../support/random.ts';

/** What the application does wrong, or in another way than most. */
export type Mishap =
  | 'none'
  /** Never answers. */
  | 'silent'
  /** Breaks off: the connection, or the stream where there are streams. */
  | 'reset'
  /** HTTP/1.1: ends the connection in order in the middle of its answer, or before it. */
  | 'end'
  /** HTTP/1.1: sends more than an answer, at once or later. */
  | 'excess'
  /** HTTP/1.1: says that this is the connection's last answer. */
  | 'close'
  /** HTTP/1.1: closes the connection soon after the answer. */
  | 'idle-close'
  /** HTTP/2: REFUSED_STREAM, the first time. */
  | 'refuse'
  /** HTTP/2: GOAWAY that leaves this request out, the first time. */
  | 'goaway';

/** How an answer's end is told; HTTP/2 tells all in one way. */
export type Framing = 'length' | 'chunked' | 'close';

/** One request and its answer. */
export interface Plan {
  readonly method: 'GET' | 'PUT' | 'POST';
  /** What the client speaks. */
  readonly protocol: Protocol;
  readonly grpc: boolean;
  /** The deadline of a gRPC call. */
  readonly grpcTimeoutMs: number | undefined;
  readonly requestBytes: number;
  readonly requestChunked: boolean;
  /** The body leaves in so many pieces, so far apart. */
  readonly requestPieces: number;
  readonly requestGapMs: number;
  readonly thinkMs: number;
  readonly responseBytes: number;
  readonly framing: Framing;
  readonly responsePieces: number;
  readonly responseGapMs: number;
  /** The answer does not wait for the request's body. */
  readonly early: boolean;
  /** Once it has a head, the one end or the other reads nothing for so long. */
  readonly clientStallMs: number;
  readonly applicationStallMs: number;
  /** The client gives up after so long. */
  readonly cancelAfterMs: number | undefined;
  /** HTTP/1.1: FIN behind the request. */
  readonly halfCloses: boolean;
  readonly mishap: Mishap;
}

/** More than any buffer holds. */
const LONG_BYTES = 400_000;

const HTTP1_MISHAPS: readonly Mishap[] = [
  'silent',
  'reset',
  'end',
  'excess',
  'close',
  'idle-close',
];
const HTTP2_MISHAPS: readonly Mishap[] = ['silent', 'reset', 'refuse', 'goaway'];

function sizeOf(random: Random): number {
  const kind = random.unit();
  if (kind < 0.3) return 0;
  if (kind < 0.75) return random.integer(1, 2_000);
  if (kind < 0.99) return random.integer(2_000, 120_000);
  return random.integer(500_000, 2_500_000);
}

/** Milliseconds that are mostly few. */
const pauseOf = (random: Random, probability: number, mostMs: number): number =>
  random.chance(probability) ? random.integer(1, random.chance(0.8) ? 500 : mostMs) : 0;

/** Long bodies are stalled more often: they fill what may be filled. */
const stallOf = (random: Random, bytes: number): number =>
  random.chance(bytes > LONG_BYTES ? 0.4 : 0.03) ? random.integer(100, 60_000) : 0;

/** Who speaks what, and whether things may go wrong now. */
export interface PlanOptions {
  readonly client: Protocol;
  readonly application: Protocol;
  readonly mishaps: boolean;
}

/** A request at random. */
export function randomPlan(random: Random, options: PlanOptions): Plan {
  const { application, client, mishaps } = options;
  const grpc = client === 'http2' && application === 'http2' && random.chance(0.3);
  const method = grpc ? 'POST' : random.pick(['GET', 'GET', 'PUT', 'POST', 'POST'] as const);
  const requestBytes = method === 'GET' ? 0 : sizeOf(random);
  const responseBytes = sizeOf(random);
  const of = application === 'http1' ? HTTP1_MISHAPS : HTTP2_MISHAPS;
  const mishap = mishaps && random.chance(0.06) ? random.pick(of) : 'none';
  const framing = random.pick(['length', 'length', 'chunked', 'close'] as const);
  return {
    method,
    protocol: client,
    grpc,
    grpcTimeoutMs: grpc && random.chance(0.7) ? random.integer(500, 100_000) : undefined,
    requestBytes,
    requestChunked: random.chance(0.4),
    requestPieces: random.chance(0.3) ? random.integer(2, 5) : 1,
    requestGapMs: pauseOf(random, 0.7, 5_000),
    thinkMs: pauseOf(random, 0.5, 4_000),
    responseBytes,
    // What ends with the connection cannot be told from what was cut by an orderly end.
    framing: framing === 'close' && mishap !== 'none' ? 'chunked' : framing,
    responsePieces: random.chance(0.3) ? random.integer(2, 5) : 1,
    responseGapMs: pauseOf(random, 0.7, 5_000),
    early: random.chance(0.03),
    clientStallMs: stallOf(random, responseBytes),
    applicationStallMs: stallOf(random, requestBytes),
    cancelAfterMs: random.chance(0.05) ? random.integer(0, 2_000) : undefined,
    halfCloses: client === 'http1' && random.chance(0.1),
    mishap,
  };
}

/** Milliseconds that both ends take for themselves. */
export const plannedMs = (plan: Plan): number =>
  plan.requestPieces * plan.requestGapMs +
  plan.thinkMs +
  plan.responsePieces * plan.responseGapMs +
  plan.clientStallMs +
  plan.applicationStallMs;
