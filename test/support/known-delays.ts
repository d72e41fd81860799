/**
 * What a load generator must show of a server whose delays are known: cases as data, used by
 * `bench/load/verify.test.ts` (short) and `npm run prove -- generator` (long and strict).
 */
import {
  LATENCY_SLOTS,
  latencyQuantilesUs,
  visitSparseCounts,
  type SparseCounts,
} from '../../api/histogram.ts';
import type { LoadPlan, LoadResult } from '../../bench/load/plan.ts';
import type { PortDelay } from '../../bench/load/port-delay.ts';

/** A run against one port, and what must be seen. */
export interface KnownDelay {
  readonly name: string;
  readonly delay: PortDelay;
  readonly load: Partial<LoadPlan>;
  /**
   * Quantile, least and most in milliseconds. The histogram's 1 % and the millisecond by which the
   * server's timers may be early widen them, and `slackMs` the most.
   */
  readonly expected: readonly (readonly [quantile: number, leastMs: number, mostMs: number])[];
}

/** How long a case lasts; a stall of 200 ms comes each `stallEveryMs`. */
export interface Lengths {
  readonly durationMs: number;
  readonly stallEveryMs: number;
  readonly perSecond: number;
}

const STALL_MS = 200;

/** The cases. Their bounds hold for any length with some hundred requests and a stall or more. */
export function knownDelays({ durationMs, stallEveryMs, perSecond }: Lengths): KnownDelay[] {
  const stall = { everyMs: stallEveryMs, forMs: STALL_MS };
  const open = { arrival: { kind: 'poisson', perSecond }, durationMs, connections: 128 } as const;
  const http2 = { protocol: 'http2', streamsPerConnection: 16 } as const;
  return [
    {
      name: 'a constant delay shows at every percentile',
      delay: { delayMs: 20 },
      load: open,
      expected: [
        [0.001, 20, 20],
        [0.5, 20, 20],
        [0.99, 20, 20],
      ],
    },
    {
      name: 'a slow tenth of the answers shows in the last tenth of the percentiles',
      delay: { delayMs: 10, slowShare: 0.1, slowFactor: 10 },
      load: open,
      expected: [
        [0.5, 10, 10],
        [0.85, 10, 10],
        [0.95, 100, 100],
        [0.99, 100, 100],
      ],
    },
    {
      name: 'a stall shows in the p99 of an open loop',
      delay: { delayMs: 2, stall },
      // So few connections that most requests of a stall queue in the generator: they must count.
      load: { ...open, connections: 8 },
      // Requests that fall due in the stall wait for what is left of it, half of them for half.
      expected: [
        [0.5, 2, 2],
        [1 - STALL_MS / stallEveryMs / 2, STALL_MS / 4, STALL_MS + 2],
        [0.99, STALL_MS / 2, STALL_MS + 2],
      ],
    },
    {
      name: 'a stall hides from the p99 of a closed loop, which stops asking',
      delay: { delayMs: 2, stall },
      load: { arrival: { kind: 'closed' }, durationMs, connections: 1 },
      expected: [
        [0.5, 2, 2],
        [0.99, 2, 10],
      ],
    },
    {
      name: 'HTTP/2: slow answers hold up no other stream of their connection',
      delay: { delayMs: 10, slowShare: 0.1, slowFactor: 10, protocol: 'http2' },
      load: { ...open, ...http2, connections: 8 },
      expected: [
        [0.5, 10, 10],
        [0.85, 10, 10],
        [0.95, 100, 100],
        [0.99, 100, 100],
      ],
    },
    {
      name: 'HTTP/2: a stall shows in the p99 of an open loop',
      delay: { delayMs: 2, stall, protocol: 'http2' },
      load: { ...open, ...http2, connections: 2, streamsPerConnection: 4 },
      expected: [
        [0.5, 2, 2],
        [1 - STALL_MS / stallEveryMs / 2, STALL_MS / 4, STALL_MS + 2],
        [0.99, STALL_MS / 2, STALL_MS + 2],
      ],
    },
  ];
}

/** Values at `quantiles` of a result's histogram, milliseconds. */
export function quantilesMs(counts: SparseCounts, quantiles: readonly number[]): number[] {
  const slots = new Uint32Array(LATENCY_SLOTS);
  visitSparseCounts(counts, (slot, count) => {
    slots[slot] = count;
  });
  return (latencyQuantilesUs(slots, quantiles) ?? []).map((us) => us / 1e3);
}

/** What a result shows that the delay does not explain; empty when all is as expected. */
export function unexplained(result: LoadResult, known: KnownDelay, slackMs: number): string[] {
  const problems: string[] = [];
  if (result.answered !== result.sent || Object.keys(result.errors).length > 0) {
    problems.push(`${result.answered} of ${result.sent}: ${JSON.stringify(result.errors)}`);
  }
  for (const [quantile, leastMs, mostMs] of known.expected) {
    const [ms] = quantilesMs(result.latencyUs, [quantile]);
    if (ms === undefined || ms < leastMs * 0.99 - 1 || ms > mostMs * 1.01 + slackMs) {
      problems.push(`p${quantile * 100} is ${ms} ms, not ${leastMs} to ${mostMs} ms`);
    }
  }
  return problems;
}
