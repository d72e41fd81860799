/** Scenarios of plain HTTP/1.1 exchanges, one standard course: warm, saturate, fixed rates, probe. */
import { AUTOCANNON } from '../load/autocannon.ts';
import { ForeignLoader } from '../load/foreign-loader.ts';
import type { RequestShape } from '../load/plan.ts';
import { AUTHORITY, type Load, type Stage } from '../run/stage.ts';
import type { Scenario } from './scenario.ts';

const GET: RequestShape = { method: 'GET', path: '/', bodyBytes: 0, weight: 1 };

/** 32 connections that stay open, small answers: the cost of one exchange and nothing else. */
export const KEEP_ALIVE: Load = {
  requests: [GET],
  connections: 32,
  connectionPerRequest: false,
  idleConnections: 0,
  arrival: { kind: 'closed' },
};

/** What tells one standard scenario from the next. */
interface Standard {
  readonly name: string;
  readonly about: string;
  readonly quick: boolean;
  readonly direction: 'inbound' | 'outbound';
  readonly hops: 1 | 2;
  /** Servers behind it; several are balanced. */
  readonly backends: number;
  readonly load: Load;
  /** Open loop, requests a second; "highest" is what the load core sustains, the same for all. */
  readonly rates: readonly (number | 'highest')[];
  /**
   * Also a closed loop by autocannon, a second opinion; beside a backend on its core it reaches a
   * third of our own generator's rate, so only what is dear is saturated by it.
   */
  readonly autocannon?: true;
  /** Of these, what `--quick` measures. */
  readonly quickRates: readonly number[];
}

const scenario = (standard: Standard): Scenario => ({
  name: standard.name,
  about: standard.about,
  quick: standard.quick,
  seconds: 20 + 38 * (1 + standard.rates.length),
  quickSeconds: 33 + 25 * standard.quickRates.length,
  run: (stage) => runStandard(stage, standard),
});

async function runStandard(stage: Stage, standard: Standard): Promise<void> {
  const { direction, hops, load } = standard;
  const backends = stage.parts.backends.slice(0, standard.backends);
  const topology = { direction, hops, backends, authority: AUTHORITY, threads: 1 } as const;
  await stage.withArms(topology, async (arms) => {
    const carriers = arms.filter(({ pids }) => pids.length > 0);
    stage.sampleMemory('started', carriers);
    await stage.warm(arms, load);
    await stage.measure('saturation', carriers, load);
    for (const rate of stage.parts.quick ? standard.quickRates : standard.rates) {
      const perSecond = rate === 'highest' ? await stage.highestRate(arms, load) : rate;
      if (perSecond === undefined) {
        stage.parts.ledger.skip(`highest rate of ${stage.scenario}`, 'no rate leaves room');
        continue;
      }
      const arrival = { kind: 'poisson', perSecond } as const;
      await stage.measure(`${perSecond} rps`, arms, { ...load, arrival });
    }
    if (standard.autocannon === true && !stage.parts.quick) {
      await using autocannon = await ForeignLoader.start(AUTOCANNON, stage.parts.loadCore);
      const other = stage.withLoader(autocannon);
      await other.measure('closed loop by autocannon', carriers, load);
    }
    await stage.probe('saturation', carriers, load);
    stage.sampleMemory('after', carriers);
  });
}

/** In the order in which they run. */
export const HTTP1_SCENARIOS: readonly Scenario[] = [
  scenario({
    name: 'http1-keepalive/inbound',
    about: 'Small requests on 32 kept connections towards one application.',
    quick: true,
    direction: 'inbound',
    hops: 1,
    backends: 1,
    load: KEEP_ALIVE,
    rates: [1_000, 2_000, 5_000, 10_000, 'highest'],
    quickRates: [2_000, 5_000],
    autocannon: true,
  }),
  scenario({
    name: 'http1-keepalive/outbound',
    about: 'Small requests on 32 kept connections, balanced over two replicas by authority.',
    quick: true,
    direction: 'outbound',
    hops: 1,
    backends: 2,
    load: KEEP_ALIVE,
    rates: [5_000],
    quickRates: [5_000],
  }),
  scenario({
    name: 'mesh-pair',
    about: "Small requests through two proxies, the caller's and the server's.",
    quick: true,
    direction: 'outbound',
    hops: 2,
    backends: 2,
    load: KEEP_ALIVE,
    rates: [5_000],
    quickRates: [],
  }),
  scenario({
    name: 'http1-connection-per-request',
    about: 'A new connection for each request: accept, dial or reuse, close.',
    quick: false,
    direction: 'inbound',
    hops: 1,
    backends: 1,
    load: { ...KEEP_ALIVE, connectionPerRequest: true },
    rates: [1_000],
    quickRates: [],
  }),
  scenario({
    name: 'http1-large-body',
    about: 'Answers of 1 MB on 8 kept connections.',
    quick: false,
    direction: 'inbound',
    hops: 1,
    backends: 1,
    load: { ...KEEP_ALIVE, connections: 8, requests: [{ ...GET, path: '/1m' }] },
    rates: [],
    quickRates: [],
  }),
  scenario({
    name: 'mixed-sizes',
    about: 'Answers of 65 B to 100 kB, and requests with bodies of 1 and 10 kB.',
    quick: false,
    direction: 'outbound',
    hops: 1,
    backends: 2,
    load: {
      ...KEEP_ALIVE,
      requests: [
        { ...GET, weight: 40 },
        { ...GET, path: '/bytes/1k', weight: 30 },
        { ...GET, path: '/bytes/10k', weight: 12 },
        { ...GET, path: '/bytes/100k', weight: 3 },
        { method: 'POST', path: '/', bodyBytes: 1_000, weight: 10 },
        { method: 'POST', path: '/', bodyBytes: 10_000, weight: 5 },
      ],
    },
    rates: [2_000],
    quickRates: [],
  }),
];
