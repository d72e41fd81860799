import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRuns, withoutSeries, writeRun } from './json-lines.ts';
import { sampleRun } from './sample-run.ts';

const first = sampleRun();
const second = sampleRun({ seed: 2, daysAfter: 1 });

test('runs come back as they were written, also several from one file', () => {
  assert.deepEqual(readRuns(writeRun(first) + writeRun(second)), {
    runs: [first, second],
    problems: [],
  });
});

test('every line is an object that says its type and its run', () => {
  const lines = writeRun(first).trimEnd().split('\n');
  const types = new Set<unknown>();
  for (const line of lines) {
    const { type, run } = JSON.parse(line) as Record<string, unknown>;
    assert.equal(run, first.conditions.startedAt);
    types.add(type);
  }
  assert.equal(types.size, 9);
});

test('bounds without end come back', () => {
  const [figure] = first.figures;
  assert.ok(figure !== undefined);
  const unbounded = { ...figure, low: -Infinity, high: Infinity };
  const { runs } = readRuns(writeRun({ ...first, figures: [unbounded] }));
  assert.deepEqual(runs[0]?.figures, [unbounded]);
});

const conditions = writeRun(first).split('\n')[0] ?? '';
const started = first.conditions.startedAt;
const bad: readonly (readonly [line: string, problem: RegExp])[] = [
  ['{"type":', /^line 2: not a JSON object$/],
  ['[1]', /^line 2: not a JSON object$/],
  ['{"type":"toString","run":"x"}', /^line 2: there is no type "toString"$/],
  ['{"type":"note","text":"a"}', /^line 2: no "run" says which run it is of$/],
  [`{"type":"skip","run":"${started}","what":"a"}`, /^line 2: skip: "why" is not text$/],
  [
    `{"type":"memory","run":"${started}","scenario":"s","phase":"p","arm":"a","points":[{}]}`,
    /^line 2: memory: "points" is not points$/,
  ],
  [
    '{"type":"note","run":"other","text":"a"}',
    /^line 2: no conditions of the run of other before it$/,
  ],
  [conditions, /^line 2: a second run of /],
];
for (const [line, problem] of bad) {
  test(`readRuns names a bad line and reads on: ${line.slice(0, 40)}`, () => {
    const note = `{"type":"note","run":"${started}","text":"after"}`;
    const { runs, problems } = readRuns(`${conditions}\n${line}\n${note}\n`);
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', problem);
    assert.deepEqual(runs[0]?.notes, ['after']);
  });
}

test('withoutSeries is a small part of the run and keeps its comparisons', () => {
  const kept = withoutSeries(first);
  assert.ok(writeRun(kept).length < writeRun(first).length / 3);
  assert.deepEqual(kept.comparisons, first.comparisons);
});
