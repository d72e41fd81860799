/** The numbers of a recording: by stage, and by function. */
import { nodesOf } from './call-tree.ts';
import { type Frame, movedKey } from './frames.ts';
import { type Recording, type Unit, unitOf } from './recording.ts';
import { STAGES, type StageName } from './stages.ts';

/** One row: a stage or a function, itself only; in the unit of the summary. */
export interface Share<T> {
  readonly of: T;
  readonly now: number;
  /** 0 where nothing is compared. */
  readonly before: number;
}

/** What a recording comes to. */
export interface Summary {
  readonly unit: Unit;
  /** Without what is idle. */
  readonly busy: Share<'all'>;
  /** In the order of STAGES, without those that have nothing; idle is the last. */
  readonly stages: readonly Share<StageName>[];
  /** All functions, the largest first; of two recordings, those that changed most. */
  readonly functions: readonly Share<Frame>[];
}

/** Sums over the threads of `recording` that `wanted` names; absent: all. */
export function summarize(recording: Recording, wanted?: (thread: string) => boolean): Summary {
  const unit = unitOf(recording);
  const stages = new Map<StageName, Weights>();
  const functions = new Map<string, Weights & { readonly frame: Frame }>();
  const busy = { now: 0, before: 0 };
  for (const { name, root } of recording.threads) {
    if (wanted?.(name) === false) continue;
    for (const { before, frame, self } of nodesOf(root)) {
      const weights = { now: self / unit.divisor, before: before / unit.divisor };
      add(
        entry(stages, frame.stage, () => ({ now: 0, before: 0 })),
        weights,
      );
      if (frame.stage === 'idle') continue;
      add(busy, weights);
      add(
        entry(functions, movedKey(frame), () => ({ frame, now: 0, before: 0 })),
        weights,
      );
    }
  }
  const rank = recording.compared ? change : largest;
  return {
    unit,
    busy: { of: 'all', ...busy },
    stages: STAGES.flatMap(({ name }) => {
      const weights = stages.get(name);
      return weights === undefined || weights.now + weights.before === 0
        ? []
        : [{ of: name, ...weights }];
    }),
    functions: [...functions.values()]
      .filter(({ before, now }) => now + before > 0)
      .map(({ before, frame, now }) => ({ of: frame, now, before }))
      .toSorted((one, other) => rank(other) - rank(one)),
  };
}

interface Weights {
  now: number;
  before: number;
}

const largest = ({ now }: Share<unknown>): number => now;
const change = ({ before, now }: Share<unknown>): number => Math.abs(now - before);

function add(to: Weights, { before, now }: Weights): void {
  to.now += now;
  to.before += before;
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
