import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rng } from './rng.ts';

const draw = (seed: number, count: number, below: number): number[] => {
  const rng = new Rng(seed);
  return Array.from({ length: count }, () => rng.integer(below));
};

test('Rng gives the same numbers for the same seed, others for another', () => {
  assert.deepEqual(draw(42, 50, 1_000_000), draw(42, 50, 1_000_000));
  assert.notDeepEqual(draw(42, 50, 1_000_000), draw(43, 50, 1_000_000));
});

test('Rng stays within its bounds, up to 2^31', () => {
  for (const below of [1, 2, 3, 7, 1_000, 2 ** 31]) {
    for (const value of draw(7, 2_000, below)) {
      assert.ok(Number.isInteger(value) && value >= 0 && value < below, `${value} of ${below}`);
    }
  }
});

for (const seed of [0, 1, -1, 2 ** 31, 2 ** 32, -(2 ** 32), Number.MAX_SAFE_INTEGER, 0.5]) {
  test(`Rng is about uniform from the seed ${seed}`, () => {
    const counts = Array.from({ length: 10 }, () => 0);
    for (const value of draw(seed, 20_000, 10)) counts[value]! += 1;
    // 2,000 expected; five standard deviations of a binomial are 212.
    for (const count of counts) assert.ok(Math.abs(count - 2_000) < 212, String(counts));
  });
}
