/** What the blocks of one arm in one phase said, round by round, and how it becomes figures. */
import type { LoadPlan, LoadResult } from '../load/plan.ts';
import type { BlockTally, MemoryPoint } from '../model.ts';
import type { Arm } from '../peers/peer.ts';
import type { Block } from './block.ts';
import { figuresOf } from './figures-of.ts';
import type { Ledger, Place } from './ledger.ts';

const MEMORY_FIGURES = ['rssKb', 'rssAnonKb', 'pssKb'] as const;

/** Filled a round at a time. */
export class ArmSeries {
  readonly arm: Arm;
  readonly #rounds: (LoadResult | undefined)[] = [];
  readonly #voided: string[] = [];
  /** Looks of each round. */
  readonly #memory: (readonly MemoryPoint[])[] = [];

  constructor(arm: Arm) {
    this.arm = arm;
  }

  add(block: Block, memory: readonly MemoryPoint[]): void {
    this.#rounds.push(block.result);
    this.#voided.push(...block.voided);
    // Memory of a block that was void says nothing of the load it is said to be of.
    if (block.result !== undefined) this.#memory.push(memory);
  }

  /** Figures, latency curve (open loop), memory and tally go into the ledger. */
  write(ledger: Ledger, place: Place, load: Pick<LoadPlan, 'arrival'>, loadCore: number): void {
    const carries = this.arm.pids.length > 0;
    for (const [name, values] of figuresOf(this.#rounds, load.arrival, { carries, loadCore })) {
      ledger.add(place, name, values);
    }
    ledger.tallies.push(this.#tally(place));
    if (carries) writeMemory(ledger, place, this.#memory);
    if (load.arrival.kind !== 'closed') {
      ledger.addLatencies(
        place,
        this.#rounds.map((result) => result?.latencyUs),
      );
    }
  }

  #tally(place: Place): BlockTally {
    const valid = this.#rounds.filter((result) => result !== undefined);
    const errors = valid.flatMap((result) => Object.values(result.errors));
    const voided: Record<string, number> = {};
    for (const why of this.#voided) voided[why] = (voided[why] ?? 0) + 1;
    return {
      ...place,
      valid: valid.length,
      voided,
      requests: valid.reduce((sum, { completed }) => sum + completed, 0),
      errors: errors.reduce((sum, count) => sum + count, 0),
    };
  }
}

/** Looks at memory, as one series; the most of each round is what that round needed. */
export function writeMemory(
  ledger: Ledger,
  place: Place,
  rounds: readonly (readonly MemoryPoint[])[],
): void {
  const points = rounds.flat();
  if (points.length === 0) return;
  ledger.memory.push({ ...place, points });
  for (const name of MEMORY_FIGURES) {
    const most = rounds.map((looks) => Math.max(...looks.map((look) => look[name])));
    ledger.add(place, name, most);
  }
}
