/** Small HTTP/2 exchanges, many at a time on few connections: cleartext, HTTP/2 on both sides. */
import { ForeignLoader } from '../load/foreign-loader.ts';
import { H2LOAD, missingH2load } from '../load/h2load.ts';
import type { RequestShape } from '../load/plan.ts';
import { missingHttp2Backend, startHttp2Backends } from '../peers/http2-backend.ts';
import { NODE_HTTP2 } from '../peers/node-http2.ts';
import type { Arm, Topology } from '../peers/peer.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
import { type Rates, runCourse, withBackends } from './course.ts';
import type { Scenario } from './scenario.ts';

const GET: RequestShape = { method: 'GET', path: '/', bodyBytes: 0, weight: 1 };

/** 8 connections of 16 streams each, small answers. */
export const MULTIPLEX: Load = {
  protocol: 'http2',
  requests: [GET],
  connections: 8,
  streamsPerConnection: 16,
  connectionPerRequest: false,
  idleConnections: 0,
  arrival: { kind: 'closed' },
};

/** What tells one direction from the other. */
interface Side extends Rates {
  readonly direction: Topology['direction'];
  readonly about: string;
  /** Servers behind it; several are balanced. */
  readonly backends: number;
}

const scenario = (side: Side): Scenario => ({
  name: `http2-multiplex/${side.direction}`,
  about: side.about,
  quick: false,
  // One side: CI has eight minutes for all of its gate.
  gated: side.direction === 'inbound',
  seconds: 60 + 38 * (1 + side.rates.length),
  quickSeconds: 45 + 32 * side.quickRates.length,
  run: (stage) =>
    withHttp2(stage, side, (more, topology) =>
      runCourse(more, topology, { ...side, load: MULTIPLEX }, byH2load),
    ),
});

/**
 * Runs `use` with HTTP/2 backends on the load's core and with the proxy on node:http2 among the
 * peers; leaves the scenario out, and says why, when there is no such backend.
 */
export async function withHttp2(
  stage: Stage,
  { backends: count, direction }: Pick<Side, 'backends' | 'direction'>,
  use: (stage: Stage, topology: Topology) => Promise<void>,
): Promise<void> {
  const { ledger, loadCore, peers } = stage.parts;
  const missing = missingHttp2Backend();
  if (missing !== undefined) return ledger.skip(stage.scenario, missing);
  await withBackends(startHttp2Backends(count, loadCore), (backends) =>
    use(stage.withPeers([...peers, NODE_HTTP2]), {
      direction,
      hops: 1,
      protocol: 'http2',
      backends,
      authority: AUTHORITY,
      threads: 1,
    }),
  );
}

/** The closed loop once more, by code that is not ours. */
async function byH2load(stage: Stage, carriers: readonly Arm[]): Promise<void> {
  const { ledger, loadCore } = stage.parts;
  const missing = missingH2load();
  if (missing !== undefined) return ledger.skip(`h2load in ${stage.scenario}`, missing);
  await using h2load = await ForeignLoader.start(H2LOAD, loadCore);
  await stage.withLoader(h2load).measure('closed loop by h2load', carriers, MULTIPLEX);
}

/** In the order in which they run. */
export const HTTP2_SCENARIOS: readonly Scenario[] = [
  scenario({
    direction: 'inbound',
    about: 'HTTP/2 on 8 connections of 16 streams towards one application, small answers.',
    backends: 1,
    rates: [2_000, 5_000],
    quickRates: [5_000],
  }),
  scenario({
    direction: 'outbound',
    about: 'HTTP/2 on 8 connections of 16 streams, balanced over two replicas by authority.',
    backends: 2,
    rates: [5_000],
    quickRates: [],
  }),
];
