/**
 * What a run has measured so far, by scenario, phase, arm and figure: one value a round, NaN where
 * the block of that round was lost. Pairs are made by round, so a lost block takes its pair along.
 */
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
import { pairedDifference, pairedRatio } from '../stats/paired.ts';
import { trimmedMeanInterval } from '../stats/trimmed-mean.ts';

/** Level of the intervals people read; gates ask for a higher one. */
export const REPORT_LEVEL = 0.95;

/** Fewer pairs are no comparison. */
const PAIRS_MIN = 3;

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
    const mine = this.rounds(pairing, name);
    const theirs = this.rounds({ ...pairing, arm: against }, name);
    if (mine.length === 0 || theirs.length === 0) return undefined;
    const compare = kind === 'ratio' ? pairedRatio : pairedDifference;
    const found = compare(theirs, mine, level);
    if (found === undefined || found.pairs < PAIRS_MIN) return undefined;
    const { phase, scenario } = pairing;
    return { scenario, phase, name, arm, against, kind, level, ...found };
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

const keyOf = ({ arm, phase, scenario }: Place, name: string): string =>
  JSON.stringify([scenario, phase, arm, name]);
