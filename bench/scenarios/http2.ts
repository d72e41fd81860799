/** Small HTTP/2 exchanges, many at a time on few connections: cleartext, HTTP/2 on both sides. */
import { H2load, missingH2load } from '../load/h2load.ts';
import type { RequestShape } from '../load/plan.ts';
import { missingHttp2Backend, startHttp2Backends } from '../peers/http2-backend.ts';
import { NODE_HTTP2 } from '../peers/node-http2.ts';
import type { Topology } from '../peers/peer.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
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
interface Side {
  readonly direction: Topology['direction'];
  readonly about: string;
  /** Servers behind it; several are balanced. */
  readonly backends: number;
  /** Open loop, requests a second. */
  readonly rates: readonly number[];
  /** Of these, what `--quick` measures. */
  readonly quickRates: readonly number[];
}

const scenario = (side: Side): Scenario => ({
  name: `http2-multiplex/${side.direction}`,
  about: side.about,
  quick: false,
  // One side: CI has eight minutes for all of its gate.
  gated: side.direction === 'inbound',
  seconds: 90 + 60 * (1 + side.rates.length),
  quickSeconds: 45 + 32 * side.quickRates.length,
  run: (stage) => withHttp2(stage, side, (more, topology) => runSide(more, side, topology)),
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
  const backends = await startHttp2Backends(count, loadCore);
  try {
    await use(stage.withPeers([...peers, NODE_HTTP2]), {
      direction,
      hops: 1,
      protocol: 'http2',
      backends: backends.addresses,
      authority: AUTHORITY,
      threads: 1,
    });
  } finally {
    await backends.stop();
  }
}

async function runSide(stage: Stage, side: Side, topology: Topology): Promise<void> {
  const { ledger, loadCore, quick } = stage.parts;
  await stage.withArms(topology, async (arms) => {
    const carriers = arms.filter(({ pids }) => pids.length > 0);
    await stage.warm(arms, MULTIPLEX);
    await stage.measure('saturation', carriers, MULTIPLEX);
    for (const perSecond of quick ? side.quickRates : side.rates) {
      const arrival = { kind: 'poisson', perSecond } as const;
      await stage.measure(`${perSecond} rps`, arms, { ...MULTIPLEX, arrival });
    }
    if (!quick) {
      const missing = missingH2load();
      if (missing === undefined) {
        await using h2load = await H2load.start(loadCore);
        const other = stage.withLoader(h2load);
        await other.measure('closed loop by h2load', carriers, MULTIPLEX);
      } else {
        ledger.skip(`h2load in ${stage.scenario}`, missing);
      }
    }
    await stage.probe('saturation', carriers, MULTIPLEX);
  });
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
