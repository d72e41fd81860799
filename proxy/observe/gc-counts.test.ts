import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eventually } from '../../test/support/deadline.ts';
import { GC_BOUNDS_SECONDS, GcCounts, shareGcCounts, watchGc } from './gc-counts.ts';

test('GcCounts keeps count, sum, longest and a histogram of each kind apart', () => {
  const shared = shareGcCounts();
  const counts = new GcCounts(shared);
  for (const seconds of [0.0004, 0.0015, 0.002, 0.5]) counts.add('minor', seconds);
  counts.add('weakcb', 0.01);
  const { count, cumulative, max, sum } = new GcCounts(shared).pauses('minor');
  assert.deepEqual([count, max], [4, 0.5]);
  assert.ok(Math.abs(sum - 0.5039) < 1e-9);
  assert.deepEqual(cumulative, [1, 1, 3, 3, 3, 3, 3, 3]);
  assert.equal(counts.pauses('weakcb').count, 1);
  assert.deepEqual(
    counts.pauses('major').cumulative,
    GC_BOUNDS_SECONDS.map(() => 0),
  );
});

test('watchGc counts the collections of its thread until it is told to stop', async () => {
  const shared = shareGcCounts();
  const counts = new GcCounts(shared);
  const unwatch = watchGc(shared);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void;
  setFlagsFromString('--no-expose-gc');
  collect();
  collect({ type: 'minor' });
  await eventually('both collections to be counted', () =>
    ['major', 'minor'].every((kind) => counts.pauses(kind as 'major').count > 0),
  );
  assert.ok(counts.pauses('major').max > 0);
  unwatch();
  const { count } = counts.pauses('major');
  collect();
  await new Promise(setImmediate);
  assert.equal(counts.pauses('major').count, count);
});
