import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trimmedMean, trimmedMeanInterval } from './trimmed-mean.ts';

test("trimmedMeanInterval below ten values is Student's t of all", () => {
  // Mean 3, standard deviation 1.5811, standard error 0.7071, t(4) at 95 % 2.7764.
  const found = trimmedMeanInterval([1, 2, 3, 4, 5], 0.95);
  assert.equal(found?.value, 3);
  assert.ok(Math.abs(found.high - (3 + 0.70711 * 2.77645)) < 1e-4, String(found.high));
  assert.ok(Math.abs(found.low - (3 - 0.70711 * 2.77645)) < 1e-4, String(found.low));
});

test('trimmedMean of ten leaves out one at each end, and its error winsorises them', () => {
  const { value, standardError, degrees } = trimmedMean([1, 2, 3, 4, 5, 6, 7, 8, 9, 1_000]);
  assert.equal(value, 5.5);
  assert.equal(degrees, 7);
  // Winsorised: 2 2 3 4 5 6 7 8 9 9, squares about 5.5: 66.5; h (h - 1) = 56.
  assert.ok(Math.abs(standardError - Math.sqrt(66.5 / 56)) < 1e-12);
});

test('trimmedMeanInterval does not move with one wild value', () => {
  const calm = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  const wild = [...calm.slice(0, -1), 1e9];
  assert.deepEqual(trimmedMeanInterval(wild, 0.999), trimmedMeanInterval(calm, 0.999));
});

test('trimmedMeanInterval of one value has no bounds, of equal values no width', () => {
  assert.deepEqual(trimmedMeanInterval([4], 0.95), { value: 4, low: -Infinity, high: Infinity });
  assert.deepEqual(trimmedMeanInterval([4, 4, 4], 0.999), { value: 4, low: 4, high: 4 });
  assert.equal(trimmedMeanInterval([], 0.95), undefined);
});
