/** gRPC on few connections, with the heads of a busy caller: no two requests say the same. */
import type { RequestShape } from '../load/plan.ts';
import { startGrpcBackends } from '../peers/grpc-backend.ts';
import { NODE_HTTP2 } from '../peers/node-http2.ts';
import type { Topology } from '../peers/peer.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
import { type Course, runCourse, withBackends } from './course.ts';
import { MULTIPLEX } from './http2.ts';
import type { Scenario } from './scenario.ts';

const MESSAGE_BYTES = 64;
/** Each way, in a call of many. */
const MESSAGES = 100;

const method = (name: string, messages: number, weight: number): RequestShape => ({
  method: 'POST',
  path: `/bench.v1.Parcels/${name}`,
  bodyBytes: 0,
  weight,
  grpc: { messageBytes: MESSAGE_BYTES, messages },
});

/** 8 connections of 16 calls each, of three methods: one small message each way. */
const UNARY: Load = {
  ...MULTIPLEX,
  requests: [method('GetParcel', 1, 6), method('Quote', 1, 3), method('Send', 1, 1)],
};

/** The same connections; each message of a call waits for the answer to the one before. */
const STREAM: Load = { ...MULTIPLEX, requests: [method('Track', MESSAGES, 1)] };

/** What tells one scenario from the next. */
interface Calls extends Course {
  readonly name: string;
  readonly about: string;
  readonly direction: Topology['direction'];
  /** Servers behind it; several are balanced. */
  readonly backends: number;
}

const scenario = (calls: Calls): Scenario => ({
  name: calls.name,
  about: calls.about,
  quick: false,
  seconds: 20 + 38 * (1 + calls.rates.length),
  quickSeconds: 45 + 32 * calls.quickRates.length,
  run: (stage) => runCalls(stage, calls),
});

async function runCalls(stage: Stage, calls: Calls): Promise<void> {
  const { loadCore, peers } = stage.parts;
  const more = stage.withPeers([...peers, NODE_HTTP2]);
  await withBackends(startGrpcBackends(calls.backends, loadCore, MESSAGE_BYTES), (backends) => {
    const topology: Topology = {
      direction: calls.direction,
      hops: 1,
      protocol: 'http2',
      backends,
      authority: AUTHORITY,
      threads: 1,
    };
    return runCourse(more, topology, calls);
  });
}

/** In the order in which they run. */
export const GRPC_SCENARIOS: readonly Scenario[] = [
  scenario({
    name: 'grpc-unary/inbound',
    about: 'Unary gRPC calls towards one application: trace, token and deadline vary.',
    direction: 'inbound',
    backends: 1,
    load: UNARY,
    rates: [2_000, 5_000],
    quickRates: [5_000],
  }),
  scenario({
    name: 'grpc-unary/outbound',
    about: 'Unary gRPC calls, balanced over two replicas by authority.',
    direction: 'outbound',
    backends: 2,
    load: UNARY,
    rates: [5_000],
    quickRates: [],
  }),
  scenario({
    name: 'grpc-stream',
    about: 'gRPC calls of 100 small messages each way; all its figures are of a message.',
    direction: 'inbound',
    backends: 1,
    load: STREAM,
    rates: [5_000],
    quickRates: [],
  }),
];
