import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentPeak } from './recent-peak.ts';

test('RecentPeak is the highest value of the last one to two periods', () => {
  const peak = new RecentPeak(10);
  const seen = [
    [100, 5],
    [101, 3],
    [109, 9],
    [110, 1],
    [119, 1],
    [120, 2],
    [121, 1],
  ].map(([now, value]) => peak.note(value!, now!));
  assert.deepEqual(seen, [5, 5, 9, 9, 9, 2, 2]);
});

test('RecentPeak forgets what is older than two periods, however long nothing was noted', () => {
  const peak = new RecentPeak(10);
  assert.equal(peak.note(8, 100), 8);
  assert.equal(peak.note(1, 119), 8);
  assert.equal(peak.note(2, 1_000), 2);
});
