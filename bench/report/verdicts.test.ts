import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRun } from './sample-run.ts';
import { renderVerdicts } from './verdicts.ts';

test('each verdict is a line that begins with its outcome and names what, measured and budget', () => {
  const lines = renderVerdicts(sampleRun().verdicts).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['pass', 'FAIL', 'undecided'],
  );
  assert.match(lines[1] ?? '', /p99Us of culvert - direct +1420 \(.*\), budget <= 1000$/);
});

test('no verdicts are no lines', () => {
  assert.equal(renderVerdicts([]), '');
});
