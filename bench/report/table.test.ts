import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BenchRun } from '../model.ts';
import { sampleRun } from './sample-run.ts';
import { renderTables } from './table.ts';

const run = sampleRun();
const tables = renderTables(run);
const section = (title: string): string[] =>
  (tables.split('\n\n').find((part) => part.startsWith(title)) ?? '').split('\n');

test('tables fit 120 columns and have no trailing blanks', () => {
  for (const line of tables.split('\n')) {
    assert.ok(line.length <= 120, `${line.length}: ${line}`);
    assert.equal(line, line.trimEnd());
  }
});

test('a phase has a row an arm, Culvert before its peers, direct first', () => {
  const rows = section('http1-keepalive, saturation');
  const names = rows.map((row) => /^[a-z]+(?= )/.exec(row)?.[0]).filter((name) => name);
  assert.deepEqual(names.slice(0, 4), ['direct', 'culvert', 'haproxy', 'nginx']);
});

test('a table has only the columns that its phase has a source for', () => {
  const saturation = section('http1-keepalive, saturation').join('\n');
  const paced = section('http1-keepalive, 5000 rps').join('\n');
  assert.match(saturation, /rps\/core/);
  assert.match(saturation, /garbage/);
  assert.doesNotMatch(saturation, /p99/);
  assert.match(paced, /\+p50 us +\+p90 us +\+p99 us +\+p99\.9 us/);
  assert.doesNotMatch(paced, /rps\/core|garbage/);
});

test('a ratio stands with its interval, and HAProxy is 1', () => {
  const rows = section('http1-keepalive, saturation');
  assert.match(rows.find((row) => row.startsWith('culvert')) ?? '', / 1\.2\d? 1\.\d+-1\.\d+ /);
  assert.match(rows.find((row) => row.startsWith('haproxy')) ?? '', / 1 /);
});

test('a percentile without ten values beyond it is not told', () => {
  const few: BenchRun = {
    ...run,
    curves: run.curves.map((curve) => ({ ...curve, counts: { indexDelta: [60], count: [900] } })),
  };
  const table = renderTables(few);
  assert.match(table, /\+p90 us/);
  assert.doesNotMatch(table, /p99/);
});

test('void blocks are told beside the valid ones', () => {
  assert.match(tables, / 12\/14$/m);
});

const inOnePhase = <Item>(items: readonly Item[]): (Item & { phase: string })[] =>
  items.map((item) => ({ ...item, phase: 'all' }));

test('what 120 columns cannot hold goes on below, each part with the names of the arms', () => {
  const wide = renderTables({
    ...run,
    figures: inOnePhase(run.figures),
    comparisons: inOnePhase(run.comparisons),
    curves: inOnePhase(run.curves),
    tallies: [],
    memory: [],
  });
  const [table = ''] = wide.split('\n\n');
  const lines = table.trimEnd().split('\n');
  assert.equal(lines.filter((line) => line.startsWith('haproxy ')).length, 2);
  for (const line of lines) assert.ok(line.length <= 120, `${line.length}: ${line}`);
  assert.match(lines.at(-5) ?? '', /syscalls$/);
});
