/** What a run needs before anything can be measured, and takes away again: generator, backends. */
import { Rng } from '../../base/rng.ts';
import { Generator } from '../load/generator.ts';
import { missingBackend, startBackends } from '../peers/backend.ts';
import type { Peer } from '../peers/peer.ts';
import { Ledger } from './ledger.ts';
import type { Pace, StageParts } from './stage.ts';

/** Where the proxies run, alone. */
export const PROXY_CORE = 0;
/** Where generator and backends run. */
export const LOAD_CORE = 1;
/** As many as any scenario balances over. */
const BACKENDS = 3;

/** What differs from run to run. */
export interface BenchOptions {
  readonly peers: readonly Peer[];
  readonly pace: Pace;
  readonly quick: boolean;
  readonly gate: boolean;
  readonly seed: number;
  readonly say: (what: string) => void;
}

/** Why nothing can be measured here, one sentence; undefined when it can. */
export function whyNoBench(cores: number): string | undefined {
  if (process.platform !== 'linux') return 'The bench reads /proc: it runs on Linux only.';
  if (cores < 2) return 'The bench needs two cores: one for the proxies, one for the load.';
  return missingBackend();
}

/** Starts generator and backends for `use`, and ends them whatever happens. */
export async function withBench<T>(
  options: BenchOptions,
  use: (parts: StageParts) => Promise<T>,
): Promise<T> {
  const { gate, pace, peers, quick, say, seed } = options;
  await using generator = await Generator.start(LOAD_CORE);
  const backends = await startBackends(BACKENDS, LOAD_CORE);
  try {
    return await use({
      generator,
      ledger: new Ledger(seed),
      peers,
      backends: backends.addresses,
      pace,
      quick,
      gate,
      rng: new Rng(seed),
      proxyCore: PROXY_CORE,
      loadCore: LOAD_CORE,
      say,
    });
  } finally {
    await backends.stop();
  }
}
