/**
 * What a run has measured so far, by scenario, phase, arm and figure: one value a round, NaN where
 * the block of that round was lost. Pairs are made by round, so a lost block takes its pair along.
 */
import { type SparseCounts, toSparseCounts } from '../../api/histogram.ts';
import { Rng } from '../../base/rng.ts';
import type {
  ArmName,
  BenchRun,
  BlockTally,
  Comparison,
  Figure,
  LatencyCurve,
  MemorySeries,
  Skip,
  Verdict,
} from '../model.ts';
import { interval } from '../stats/bootstrap.ts';
import { mergeCounts } from '../stats/merge.ts';
import { mergedDifference } from '../stats/merged-difference.ts';
import { type PairedInterval, pairedDifference, pairedRatio } from '../stats/paired.ts';
import { trimmedMeanInterval } from '../stats/trimmed-mean.ts';

/** Level of the intervals people read; gates ask for a higher one. */
export const REPORT_LEVEL = 0.95;

/** Fewer pairs are no comparison. */
const PAIRS_MIN = 3;

/** Figures that are quantiles of latency: their differences are of merged histograms. */
export const LATENCY_FIGURES: Readonly<Record<string, number>> = {
  p50Us: 0.5,
  p90Us: 0.9,
  p99Us: 0.99,
  p999Us: 0.999,
};

/** Where a figure belongs. */
export interface Place {
  readonly scenario: string;
  readonly phase: string;
  readonly arm: ArmName;
}

/** Two arms of one phase, and what is compared. */
export interface Pairing extends Omit<Place, 'arm'> {
  readonly name: string;
  readonly arm: ArmName;
  readonly against: ArmName;
  readonly kind: Comparison['kind'];
}

interface Entry extends Place {
  readonly name: string;
  readonly rounds: readonly number[];
}

/** Collects; knows nothing of how things were measured. */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #latencies = new Map<string, readonly (SparseCounts | undefined)[]>();
  readonly #pairings: Pairing[] = [];
  readonly #seed: number;
  readonly curves: LatencyCurve[] = [];
  readonly memory: MemorySeries[] = [];
  readonly tallies: BlockTally[] = [];
  readonly verdicts: Verdict[] = [];
  readonly skipped: Skip[] = [];
  readonly notes: string[] = [];

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** One value a round. A figure that no round has is left out. */
  add(place: Place, name: string, rounds: readonly number[]): void {
    if (!rounds.some(Number.isFinite)) return;
    const { scenario, phase, arm } = place;
    this.#entries.set(keyOf(place, name), { scenario, phase, arm, name, rounds });
  }

  /** The latencies of each round of an open loop; what an arm adds is told of their sums. */
  addLatencies(place: Place, rounds: readonly (SparseCounts | undefined)[]): void {
    this.#latencies.set(keyOf(place, ''), rounds);
    const { arm, phase, scenario } = place;
    const valid = rounds.filter((counts) => counts !== undefined);
    this.curves.push({ scenario, phase, arm, counts: toSparseCounts(mergeCounts(valid)) });
  }

  /** Reported later, when both arms have the figure. */
  compare(pairing: Pairing): void {
    this.#pairings.push(pairing);
  }

  /** Says once what was left out. */
  skip(what: string, why: string): void {
    if (this.skipped.some((one) => one.what === what && one.why === why)) return;
    this.skipped.push({ what, why });
  }

  /** The rounds of a figure, NaN for lost ones; empty when it was not measured. */
  rounds(place: Place, name: string): readonly number[] {
    return this.#entries.get(keyOf(place, name))?.rounds ?? [];
  }

  /**
   * Median of a figure and its bootstrap interval, as people read it. At another level than theirs
   * the trimmed mean and its interval: far out the bootstrap is too narrow for a gate
   * (docs/decisions/006). Undefined when the figure was not measured.
   */
  figure(place: Place, name: string, level = REPORT_LEVEL): Figure | undefined {
    const entry = this.#entries.get(keyOf(place, name));
    if (entry === undefined) return undefined;
    const blocks = entry.rounds.filter(Number.isFinite);
    const found =
      level === REPORT_LEVEL
        ? interval(blocks, { level, rng: new Rng(this.#seed) })
        : trimmedMeanInterval(blocks, level);
    return found === undefined ? undefined : { ...place, name, ...found, blocks };
  }

  /** One arm against another at `level`; undefined when too few rounds have both. */
  comparison(pairing: Pairing, level = REPORT_LEVEL): Comparison | undefined {
    const { against, arm, kind, name } = pairing;
    const quantile = LATENCY_FIGURES[name];
    if (quantile !== undefined && kind === 'difference') {
      const found = this.#addedLatency(pairing, quantile, level);
      return found && { ...placeOf(pairing), name, arm, against, kind, level, ...found };
    }
    const mine = this.rounds(pairing, name);
    const theirs = this.rounds({ ...pairing, arm: against }, name);
    if (mine.length === 0 || theirs.length === 0) return undefined;
    const compare = kind === 'ratio' ? pairedRatio : pairedDifference;
    const found = compare(theirs, mine, level);
    if (found === undefined || found.pairs < PAIRS_MIN) return undefined;
    return { ...placeOf(pairing), name, arm, against, kind, level, ...found };
  }

  #addedLatency(
    { against, arm, phase, scenario }: Pairing,
    quantile: number,
    level: number,
  ): PairedInterval | undefined {
    const roundsOf = (of: ArmName) => this.#latencies.get(keyOf({ scenario, phase, arm: of }, ''));
    const [a, b] = [roundsOf(against), roundsOf(arm)];
    if (a === undefined || b === undefined) return undefined;
    return mergedDifference(a, b, quantile, { level, rng: new Rng(this.#seed) });
  }

  /** All of it, as a run holds it. */
  content(): Omit<BenchRun, 'conditions'> {
    const { curves, memory, notes, skipped, tallies, verdicts } = this;
    const [figures, comparisons] = [this.#figures(), this.#comparisons()];
    return { figures, comparisons, curves, memory, tallies, verdicts, skipped, notes };
  }

  #figures(): readonly Figure[] {
    return [...this.#entries.values()].flatMap((entry) => this.figure(entry, entry.name) ?? []);
  }

  #comparisons(): readonly Comparison[] {
    return this.#pairings.flatMap((pairing) => this.comparison(pairing) ?? []);
  }
}

const placeOf = ({ phase, scenario }: Pairing): Pick<Pairing, 'scenario' | 'phase'> => ({
  scenario,
  phase,
});

const keyOf = ({ arm, phase, scenario }: Place, name: string): string =>
  JSON.stringify([scenario, phase, arm, name]);
