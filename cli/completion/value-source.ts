/** Where the completions of a value come from, by the word that stands for it in the help. */
import { ALL_KINDS, STAT_TYPES } from '../stat/stat-kind.ts';
import type { ValueShape } from './command-shape.ts';

/** How a script completes a value. */
export interface ValueSource {
  /** Words that the script holds. */
  readonly words: readonly string[];
  /** The running mesh is asked: always, or for what follows a slash only. */
  readonly asks: 'never' | 'always' | 'after-slash';
  readonly files: boolean;
}

const NOTHING: ValueSource = { words: [], asks: 'never', files: false };

const BY_NAME: Readonly<Record<string, ValueSource>> = {
  file: { ...NOTHING, files: true },
  namespace: { ...NOTHING, asks: 'always' },
  name: { ...NOTHING, asks: 'always' },
  type: { ...NOTHING, words: [...STAT_TYPES, ALL_KINDS], asks: 'after-slash' },
  // The name may be left out, but hardly ever is: the slash comes with the type.
  resource: { ...NOTHING, words: STAT_TYPES.map((type) => `${type}/`), asks: 'after-slash' },
};

/** The source of a value; one that is not known has no completions. */
export function valueSource({ name, choices }: ValueShape): ValueSource {
  if (choices.length > 0) return { ...NOTHING, words: choices };
  return BY_NAME[name] ?? NOTHING;
}
