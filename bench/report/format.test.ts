import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amount, bounded, duration, megabytes, percentile, span } from './format.ts';

const amounts: readonly (readonly [value: number, text: string])[] = [
  [0, '0'],
  [0.1234, '0.12'],
  [1.234, '1.23'],
  [9.999, '10.0'],
  [18.25, '18.3'],
  [105.4, '105'],
  [9_870, '9870'],
  [54_870, '54.9k'],
  [999_999, '1.00M'],
  [1_234_567, '1.23M'],
  [-42.4, '-42.4'],
  [Number.NaN, '–'],
  [Number.POSITIVE_INFINITY, '–'],
];
for (const [value, text] of amounts) {
  test(`amount of ${value} is ${text}`, () => assert.equal(amount(value), text));
}

test('duration changes its unit with its size', () => {
  assert.deepEqual([85, 1_234, 60_000_000, -1_500].map(duration), [
    '85.0 us',
    '1.23 ms',
    '60.0 s',
    '-1.50 ms',
  ]);
});

test('bounded shows the interval unless it has no width', () => {
  assert.equal(bounded({ value: 18.2, low: 17.9, high: 18.6 }), '18.2 17.9-18.6');
  assert.equal(bounded({ value: 4, low: 4, high: 4 }), '4.00');
});

test('percentile, megabytes and span read as people write them', () => {
  assert.deepEqual([0.5, 0.99, 0.999, 0.9999].map(percentile), ['p50', 'p99', 'p99.9', 'p99.99']);
  assert.deepEqual([15_200, 512, 204_800].map(megabytes), ['14.8', '0.5', '200']);
  assert.deepEqual([400, 12_000, 200_000, 3_900_000].map(span), [
    '0 s',
    '12 s',
    '3 min 20 s',
    '1 h 5 min',
  ]);
});
