/** Looks things up in a run by where they belong, and orders them for readers. */
import type {
  ArmName,
  BenchRun,
  BlockTally,
  Comparison,
  Figure,
  LatencyCurve,
  MemorySeries,
} from '../model.ts';

/** A scenario's phase and the arms that were measured in it, in the order of ARM_ORDER. */
export interface PhasePlace {
  readonly scenario: string;
  readonly phase: string;
  readonly arms: readonly ArmName[];
}

/** One arm in a phase. */
export interface ArmPlace {
  readonly scenario: string;
  readonly phase: string;
  readonly arm: ArmName;
}

/** Whom the reader compares with: these first, the others as they came. */
const ARM_ORDER: readonly ArmName[] = [
  'direct',
  'culvert',
  'haproxy',
  'nginx',
  'nghttpx',
  'envoy',
  'linkerd2-proxy',
];

const keyOf = (place: ArmPlace, ...more: readonly string[]): string =>
  JSON.stringify([place.scenario, place.phase, place.arm, ...more]);

function rankOf(arm: ArmName): number {
  const known = ARM_ORDER.indexOf(arm.startsWith('culvert') ? 'culvert' : arm);
  return known === -1 ? ARM_ORDER.length : known;
}

/** All of a run, by place. */
export class RunIndex {
  readonly run: BenchRun;
  readonly #figures: ReadonlyMap<string, Figure>;
  readonly #comparisons: ReadonlyMap<string, Comparison>;
  readonly #curves: ReadonlyMap<string, LatencyCurve>;
  readonly #tallies: ReadonlyMap<string, BlockTally>;
  readonly #memory: ReadonlyMap<string, MemorySeries>;

  constructor(run: BenchRun) {
    this.run = run;
    this.#figures = new Map(run.figures.map((each) => [keyOf(each, each.name), each]));
    this.#comparisons = new Map(
      run.comparisons.map((each) => [keyOf(each, each.name, each.against, each.kind), each]),
    );
    this.#curves = new Map(run.curves.map((each) => [keyOf(each), each]));
    this.#tallies = new Map(run.tallies.map((each) => [keyOf(each), each]));
    this.#memory = new Map(run.memory.map((each) => [keyOf(each), each]));
  }

  figure(place: ArmPlace, name: string): Figure | undefined {
    return this.#figures.get(keyOf(place, name));
  }

  comparison(
    place: ArmPlace,
    name: string,
    against: ArmName,
    kind: Comparison['kind'],
  ): Comparison | undefined {
    return this.#comparisons.get(keyOf(place, name, against, kind));
  }

  curve(place: ArmPlace): LatencyCurve | undefined {
    return this.#curves.get(keyOf(place));
  }

  tally(place: ArmPlace): BlockTally | undefined {
    return this.#tallies.get(keyOf(place));
  }

  memory(place: ArmPlace): MemorySeries | undefined {
    return this.#memory.get(keyOf(place));
  }

  /** Every phase of the run in the order it was measured, the phases of a scenario together. */
  phases(): PhasePlace[] {
    const { figures, curves, tallies, memory } = this.run;
    const scenarios = new Map<string, Map<string, Set<ArmName>>>();
    for (const { scenario, phase, arm } of [...figures, ...curves, ...tallies, ...memory]) {
      const phases = scenarios.get(scenario) ?? new Map<string, Set<ArmName>>();
      scenarios.set(scenario, phases);
      phases.set(phase, (phases.get(phase) ?? new Set()).add(arm));
    }
    return [...scenarios].flatMap(([scenario, phases]) =>
      [...phases].map(([phase, arms]) => ({
        scenario,
        phase,
        arms: [...arms].toSorted((a, b) => rankOf(a) - rankOf(b)),
      })),
    );
  }

  /** Every arm of the run, in the order of its rows. */
  arms(): ArmName[] {
    const arms = new Set(this.phases().flatMap((phase) => phase.arms));
    return [...arms].toSorted((a, b) => rankOf(a) - rankOf(b));
  }
}
