import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingOf } from '../test/support/recordings.ts';
import { diff } from './diff.ts';
import { summarize } from './summary.ts';
import { amount, renderText, signed } from './text.ts';

const SKETCH = [
  '(root)',
  0,
  ['(idle)', 500],
  ['a', 40, ['writeBuffer', 30], ['(write)', 20, ['a', 10]]],
] as const;

test('summarize divides by requests, leaves idle out, counts recursion once', () => {
  const { busy, functions, stages, unit } = summarize(recordingOf(SKETCH));
  assert.equal(unit.label, 'us/request');
  assert.equal(busy.now, 10);
  assert.deepEqual(
    stages.map(({ now, of }) => [of, now]),
    [
      ['session', 8],
      ['native', 2],
      ['idle', 50],
    ],
  );
  assert.deepEqual(
    functions.map(({ now, of }) => [of.name, now]),
    [
      ['a', 5],
      ['writeBuffer', 3],
      ['(write)', 2],
    ],
  );
});

test('summarize says milliseconds or KiB where nobody counted requests', () => {
  const cpu = summarize(recordingOf(SKETCH, { requests: undefined }));
  assert.deepEqual([cpu.unit.label, cpu.busy.now.toFixed(6)], ['ms', '0.100000']);
  const bytes = summarize(recordingOf(SKETCH, { requests: undefined, kind: 'allocations' }));
  assert.deepEqual([bytes.unit.label, bytes.busy.now.toFixed(6)], ['KiB', (100 / 1024).toFixed(6)]);
});

test('summarize ranks what changed most first, grown or shrunk', () => {
  const before = recordingOf(['(root)', 0, ['a', 10], ['b', 90], ['c', 50]]);
  const now = recordingOf(['(root)', 0, ['a', 40], ['b', 20], ['c', 50]]);
  const { functions } = summarize(diff(before, now));
  assert.deepEqual(
    functions.map((one) => [one.of.name, one.before, one.now]),
    [
      ['b', 9, 2],
      ['a', 1, 4],
      ['c', 5, 5],
    ],
  );
});

test('summarize takes the threads that are wanted', () => {
  const { busy } = summarize(recordingOf(SKETCH), (name) => name !== 'data thread 0');
  assert.equal(busy.now, 0);
});

test('renderText says the stages, then the functions', () => {
  const text = renderText(recordingOf(SKETCH));
  assert.match(text, /^a recording\n\nus\/request +share\nsession +8\.00 +80\.0 %\n/);
  assert.match(text, /\nall +10\.0 +100\.0 %\n\n +5\.00 +50\.0 % {2}a proxy\/session\/a\.ts:7\n/);
  assert.doesNotMatch(text, /idle/);
});

test('renderText says before, now and change of a comparison', () => {
  const a = recordingOf(['(root)', 0, ['a', 10]]);
  const text = renderText(diff(a, recordingOf(['(root)', 0, ['a', 25]])));
  assert.match(text, /us\/request +before +now +change\nsession +1\.00 +2\.50 +\+1\.50\n/);
});

test('amount says three figures', () => {
  const texts = [0, 0.0416, 1.234, 12.34, 99.96, 123.4].map(amount);
  assert.deepEqual(texts, ['0', '0.042', '1.23', '12.3', '100.0', '123']);
  assert.deepEqual([signed(-1.5), signed(2)], ['-1.50', '+2.00']);
});
