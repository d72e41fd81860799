import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rng } from '../../base/rng.ts';
import { boundsOf, interval } from './bootstrap.ts';
import { median } from './quantile.ts';
import type { Interval } from './trimmed-mean.ts';

const VALUES = [12, 15, 11, 19, 14, 13, 40, 12, 16, 14];

const at = (level: number): Interval | undefined => interval(VALUES, { level, rng: new Rng(3) });
const mean = (values: Float64Array): number =>
  values.reduce((sum, each) => sum + each, 0) / values.length;

test('interval has the median between its bounds', () => {
  const found = interval(VALUES, { level: 0.95, rng: new Rng(1) });
  assert.equal(found?.value, 14);
  assert.ok(found.low >= 11 && found.low < 14, String(found.low));
  assert.ok(found.high > 14 && found.high <= 19, String(found.high));
});

test('interval is the same for the same seed', () => {
  assert.deepEqual(at(0.95), at(0.95));
});

test('interval is wider at a higher level', () => {
  const [wide, narrow] = [at(0.999), at(0.8)];
  assert.ok(wide !== undefined && narrow !== undefined);
  assert.ok(wide.high - wide.low > narrow.high - narrow.low);
});

test('interval takes any statistic, and its value is of the given values', () => {
  const found = interval(VALUES, { level: 0.95, rng: new Rng(1), statistic: mean, resamples: 500 });
  assert.ok(Math.abs((found?.value ?? 0) - 16.6) < 1e-9);
  assert.ok(found !== undefined && found.low < 16.6 && found.high > 16.6);
});

test('interval of one value is that value, of none undefined', () => {
  const options = { level: 0.95, rng: new Rng(1), resamples: 50 };
  assert.deepEqual(interval([3], options), { value: 3, low: 3, high: 3 });
  assert.equal(interval([], options), undefined);
});

test('boundsOf takes the outer neighbours', () => {
  const statistics = Float64Array.from({ length: 101 }, (_, i) => 100 - i);
  assert.deepEqual(boundsOf(statistics, 0.9), { low: 5, high: 95 });
  assert.deepEqual(boundsOf(statistics, 0.999), { low: 0, high: 100 });
});

test('interval of the median is what any statistic would get, without sorting each resample', () => {
  const draw = new Rng(11);
  for (const length of [1, 2, 3, 8, 10, 25]) {
    // Few different values, so that some are equal.
    const values = Array.from({ length }, () => draw.integer(12) / 7);
    const [one, other] = [undefined, median].map((statistic) => {
      const options = { level: 0.95, rng: new Rng(5), resamples: 500 };
      return interval(values, statistic === undefined ? options : { ...options, statistic });
    });
    assert.deepEqual(one, other);
  }
});
