/**
 * A run as JSON lines, one result a line, and back. Each line has a `type` and, in `run`, when its
 * run was started, so that a file takes many runs and any line can be told to its run. Numbers that
 * JSON does not know (an unbounded interval) are the strings "Infinity", "-Infinity", "NaN".
 */
import type { BenchRun } from '../model.ts';
import { LINE_SHAPES, misfit } from './line-shapes.ts';
import type { LineType } from './line-shapes.ts';

/** Runs in the order of the file, and what could not be read, a sentence each. */
export interface RunsRead {
  readonly runs: readonly BenchRun[];
  readonly problems: readonly string[];
}

/** Where the lines of each type are kept in a run; conditions and notes are not lists of objects. */
const LISTS = {
  figure: 'figures',
  comparison: 'comparisons',
  curve: 'curves',
  memory: 'memory',
  tally: 'tallies',
  verdict: 'verdicts',
  skip: 'skipped',
} as const satisfies Partial<Record<LineType, keyof BenchRun>>;

type ListType = keyof typeof LISTS;
const LIST_TYPES = Object.keys(LISTS) as ListType[];

/** The run as lines, its conditions first. */
export function writeRun(run: BenchRun): string {
  const started = run.conditions.startedAt;
  const line = (type: LineType, result: object): string =>
    `${JSON.stringify({ type, run: started, ...result }, asJson)}\n`;
  return [
    line('conditions', run.conditions),
    ...LIST_TYPES.flatMap((type) => run[LISTS[type]].map((result) => line(type, result))),
    ...run.notes.map((text) => line('note', { text })),
  ].join('');
}

/** The run without what is long and only drawn for itself: what a history of runs keeps. */
export function withoutSeries(run: BenchRun): BenchRun {
  return { ...run, curves: [], memory: [], figures: run.figures.map(withoutBlocks) };
}

function withoutBlocks(figure: BenchRun['figures'][number]): BenchRun['figures'][number] {
  return { ...figure, blocks: [] };
}

type Draft = {
  -readonly [Key in keyof BenchRun]: BenchRun[Key] extends readonly (infer Item)[]
    ? Item[]
    : BenchRun[Key];
};

/**
 * Reads what writeRun wrote, of any number of runs. A line that is none is left out and named by
 * its number; so is a line of a run whose conditions did not come before it.
 */
export function readRuns(text: string): RunsRead {
  const runs = new Map<string, Draft>();
  const problems: string[] = [];
  for (const [i, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const problem = readLine(line, runs);
    if (problem !== undefined) problems.push(`line ${i + 1}: ${problem}`);
  }
  return { runs: [...runs.values()], problems };
}

/** Puts one line into its run; says why it cannot. */
function readLine(line: string, runs: Map<string, Draft>): string | undefined {
  const result = parse(line);
  if (result === undefined) return 'not a JSON object';
  const { type, run: started, ...rest } = result;
  if (typeof type !== 'string' || !Object.hasOwn(LINE_SHAPES, type)) {
    return `there is no type ${JSON.stringify(type)}`;
  }
  if (typeof started !== 'string') return 'no "run" says which run it is of';
  const wrong = misfit(rest, LINE_SHAPES[type as LineType]);
  if (wrong !== undefined) return `${type}: ${wrong}`;
  if (type === 'conditions') {
    if (runs.has(started)) return `a second run of ${started}`;
    runs.set(started, emptyRun(rest as unknown as BenchRun['conditions']));
    return undefined;
  }
  const run = runs.get(started);
  if (run === undefined) return `no conditions of the run of ${started} before it`;
  if (type === 'note') run.notes.push(String(rest['text']));
  else (run[LISTS[type as ListType]] as unknown[]).push(rest);
  return undefined;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line, fromJson);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function emptyRun(conditions: BenchRun['conditions']): Draft {
  return {
    conditions,
    figures: [],
    comparisons: [],
    curves: [],
    memory: [],
    tallies: [],
    verdicts: [],
    skipped: [],
    notes: [],
  };
}

const UNKNOWN_TO_JSON = new Map(
  [Infinity, -Infinity, Number.NaN].map((each) => [String(each), each]),
);

function asJson(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}

function fromJson(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? (UNKNOWN_TO_JSON.get(value) ?? value) : value;
}
