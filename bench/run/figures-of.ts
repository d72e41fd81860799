/** The figures of an arm in a phase, from the results of its blocks. */
import { latencyQuantilesUs } from '../../api/histogram.ts';
import type { Arrival, LoadResult } from '../load/plan.ts';
import { mergeCounts } from '../stats/merge.ts';
import { LATENCY_FIGURES } from './ledger.ts';

type Read = (result: LoadResult) => number;

const completedPerSecond: Read = ({ completed, wallUs }) => (completed * 1e6) / wallUs;

const cpuUs = ({ cpu }: LoadResult): number => cpu.reduce((sum, { totalUs }) => sum + totalUs, 0);

const perRequest =
  (total: Read): Read =>
  (result) =>
    result.completed > 0 ? total(result) / result.completed : Number.NaN;

/** Of the processes that carry the traffic, all threads. */
const COST: Readonly<Record<string, Read>> = {
  cpuUsPerRequest: perRequest(cpuUs),
  userUsPerRequest: perRequest(({ cpu }) => cpu.reduce((sum, one) => sum + one.userUs, 0)),
  sysUsPerRequest: perRequest(({ cpu }) => cpu.reduce((sum, one) => sum + one.sysUs, 0)),
  /** Busy cores, of which one thread can use one. */
  utilisation: (result) => cpuUs(result) / result.wallUs,
};

const quantile =
  (q: number): Read =>
  ({ latencyUs }) =>
    latencyQuantilesUs(mergeCounts([latencyUs]), [q])?.[0] ?? Number.NaN;

const LATENCY: Readonly<Record<string, Read>> = Object.fromEntries(
  Object.entries(LATENCY_FIGURES).map(([name, q]) => [name, quantile(q)]),
);

/** Name and one value a round (NaN: the round was lost) of every figure that the phase has. */
export function figuresOf(
  rounds: readonly (LoadResult | undefined)[],
  arrival: Arrival,
  options: { readonly carries: boolean; readonly loadCore: number },
): ReadonlyMap<string, readonly number[]> {
  const reads: Record<string, Read> = {
    ratePerSecond: completedPerSecond,
    loadCoreBusy: ({ busy }) => busy[options.loadCore] ?? Number.NaN,
    ...(arrival.kind === 'closed' ? {} : LATENCY),
    ...(options.carries ? COST : {}),
    // What one core could carry at this cost; it is reached when utilisation is near 1.
    ...(options.carries && arrival.kind === 'closed'
      ? { maxRatePerCore: (result: LoadResult) => (result.completed * 1e6) / cpuUs(result) }
      : {}),
  };
  return new Map(
    Object.entries(reads).map(([name, read]) => [
      name,
      rounds.map((result) => (result === undefined ? Number.NaN : read(result))),
    ]),
  );
}
