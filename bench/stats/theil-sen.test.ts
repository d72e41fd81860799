import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Rng } from '../../base/rng.ts';
import { theilSen } from './theil-sen.ts';
import type { Point } from './theil-sen.ts';

const rng = new Rng(23);
const noise = (): number => {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += rng.integer(1_000_000) / 1_000_000;
  return sum;
};
const line = (n: number, y: (x: number) => number): Point[] =>
  Array.from({ length: n }, (_, x) => ({ x, y: y(x) }));

test('theilSen of a straight line is its slope, without width', () => {
  fc.assert(
    fc.property(fc.integer({ min: -99, max: 99 }), fc.integer({ min: 8, max: 40 }), (slope, n) => {
      assert.deepEqual(
        theilSen(
          line(n, (x) => 5 + slope * x),
          0.95,
        ),
        { value: slope, low: slope, high: slope },
      );
    }),
  );
});

test("theilSen agrees with Sen's interval worked by hand", () => {
  // Ten pairs, slopes -1 -1 1/3 1/2 1 1 4/3 3/2 3 3; var S = 5*4*15/18 = 16.67, 1.96 * 4.08 = 8.0:
  // the first and the last slope are the bounds.
  const found = theilSen(
    line(5, (x) => [1, 2, 1, 4, 3][x] ?? 0),
    0.95,
  );
  assert.equal(found?.value, 0.75);
  assert.deepEqual([found.low, found.high], [-1, 3]);
});

test('theilSen is not bent by outliers', () => {
  const wild = line(60, (x) => 100 + 2 * x + noise() + (x % 7 === 0 ? 5_000 : 0));
  const found = theilSen(wild, 0.95);
  assert.ok(found !== undefined && Math.abs(found.value - 2) < 0.2, JSON.stringify(found));
});

/** Share of flat series whose interval misses the slope 0. */
function missed(series: () => Point[]): number {
  let misses = 0;
  for (let run = 0; run < 200; run++) {
    const found = theilSen(series(), 0.95);
    if (found === undefined || found.low > 0 || found.high < 0) misses++;
  }
  return misses / 200;
}

test('theilSen misses the true slope about once in twenty times', () => {
  assert.ok(missed(() => line(40, noise)) < 0.11);
});

test('theilSen stays wide when points resemble their neighbours', () => {
  const share = missed(() => {
    let y = 0;
    return line(60, () => (y = 0.6 * y + noise()));
  });
  // Taken as independent points, three in ten of these intervals miss.
  assert.ok(share < 0.12, String(share));
});

test('theilSen refuses too few points and points at one place', () => {
  assert.equal(
    theilSen(
      line(3, (x) => x),
      0.95,
    ),
    undefined,
  );
  assert.equal(
    theilSen(
      [1, 2, 3, 4].map((y) => ({ x: 1, y })),
      0.95,
    ),
    undefined,
  );
});
