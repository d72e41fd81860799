import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rng } from '../../base/rng.ts';
import { pairedRatio } from './paired.ts';
import { smallestVisible } from './visible.ts';

const ROUNDS = 20;
const SPREAD = 0.02;
const rng = new Rng(11);
/** About normal: twelve uniform numbers have a variance of one. */
const noise = (): number => {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += rng.integer(1_000_000) / 1_000_000;
  return Math.exp(SPREAD * sum);
};
const calm = (values: number[]): number[] => values.map((each) => 20 * (each / 20) ** 0.1);
const series = (times = 1): number[] => Array.from({ length: ROUNDS }, () => 20 * times * noise());

test('a difference of the smallest visible size is found in most runs', () => {
  let found = 0;
  const RUNS = 1_000;
  for (let run = 0; run < RUNS; run++) {
    const visible = smallestVisible(series(), series(), 0.999);
    const slower = pairedRatio(series(), series(visible?.ratio), 0.999);
    if (slower !== undefined && slower.low > 1) found++;
  }
  // 95 % if the spread were known; it is an estimate from one run of 20 pairs.
  assert.ok(found > 0.8 * RUNS && found < 0.95 * RUNS, `${found} of ${RUNS}`);
});

test('smallestVisible shrinks with calmer rounds and lower levels', () => {
  const a = series();
  const b = series();
  const wide = smallestVisible(a, b, 0.999)?.ratio ?? 0;
  assert.ok(wide > (smallestVisible(a, b, 0.95)?.ratio ?? 9));
  assert.ok(wide > (smallestVisible(calm(a), calm(b), 0.999)?.ratio ?? 9));
});

test('smallestVisible shows an arm that is not the same as itself', () => {
  const same = smallestVisible(series(), series(1.2), 0.95)?.same;
  assert.ok(same !== undefined && same.low > 1);
});

test('smallestVisible needs two pairs', () => {
  assert.equal(smallestVisible([1], [1], 0.95), undefined);
  assert.equal(smallestVisible([1, 2], [1, 2], 0.95)?.ratio, 1);
});
