/** What the JSON lines of a run must hold, checked when they are read: files live longer than code. */

/** What a field may be. */
type Shape =
  | 'text'
  | 'number'
  | 'numbers'
  | 'counts'
  | 'points'
  | 'numbers by name'
  | 'texts by name';

/** Types of lines. */
export type LineType =
  | 'conditions'
  | 'figure'
  | 'comparison'
  | 'curve'
  | 'memory'
  | 'tally'
  | 'verdict'
  | 'skip'
  | 'note';

const place = { scenario: 'text', phase: 'text', arm: 'text' } as const;
const interval = { value: 'number', low: 'number', high: 'number' } as const;

/** Fields of each type of line; others may follow in later versions and are kept. */
export const LINE_SHAPES: Readonly<Record<LineType, Readonly<Record<string, Shape>>>> = {
  conditions: {
    startedAt: 'text',
    commit: 'text',
    seed: 'number',
    cpuModel: 'text',
    cores: 'number',
    memoryMb: 'number',
    kernel: 'text',
    versions: 'texts by name',
    proxyCore: 'number',
    loadCore: 'number',
  },
  figure: { ...place, name: 'text', ...interval, blocks: 'numbers' },
  comparison: {
    ...place,
    name: 'text',
    against: 'text',
    kind: 'text',
    ...interval,
    level: 'number',
    pairs: 'number',
  },
  curve: { ...place, counts: 'counts' },
  memory: { ...place, points: 'points' },
  tally: {
    ...place,
    valid: 'number',
    voided: 'numbers by name',
    requests: 'number',
    errors: 'number',
  },
  verdict: { outcome: 'text', what: 'text', measured: 'text', budget: 'text' },
  skip: { what: 'text', why: 'text' },
  note: { text: 'text' },
};

const isNumber = (value: unknown): boolean => typeof value === 'number';
const isText = (value: unknown): boolean => typeof value === 'string';
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isListOf = (value: unknown, is: (item: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every(is);
const isNamed = (value: unknown, is: (item: unknown) => boolean): boolean =>
  isObject(value) && Object.values(value).every(is);

const FITS: Readonly<Record<Shape, (value: unknown) => boolean>> = {
  text: isText,
  number: isNumber,
  numbers: (value) => isListOf(value, isNumber),
  counts: (value) =>
    isObject(value) &&
    isListOf(value['indexDelta'], isNumber) &&
    isListOf(value['count'], isNumber),
  points: (value) =>
    isListOf(
      value,
      (point) =>
        isObject(point) &&
        ['atMs', 'rssKb', 'rssAnonKb', 'pssKb'].every((field) => isNumber(point[field])),
    ),
  'numbers by name': (value) => isNamed(value, isNumber),
  'texts by name': (value) => isNamed(value, isText),
};

/** The first field of `result` that is not as `shapes` wants it, in words. */
export function misfit(
  result: Readonly<Record<string, unknown>>,
  shapes: Readonly<Record<string, Shape>>,
): string | undefined {
  const wrong = Object.entries(shapes).find(([field, shape]) => !FITS[shape](result[field]));
  return wrong === undefined ? undefined : `"${wrong[0]}" is not ${wrong[1]}`;
}
