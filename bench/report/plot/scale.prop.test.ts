import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { extentOf, linearScale, logScale } from './scale.ts';

const PIXELS = [60, 540] as const;
const value = fc.integer({ min: -1e8, max: 1e8 }).map((hundredths) => hundredths / 100);
const positive = fc.double({ min: 1e-3, max: 1e9, noNaN: true });

for (const [name, scale, values] of [
  ['linearScale', linearScale, value],
  ['logScale', logScale, positive],
] as const) {
  test(`${name} keeps its domain within the pixels, ticks within it and ascending`, () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        const { at, ticks } = scale([low, high], PIXELS);
        for (const each of [low, high, ...ticks]) {
          assert.ok(at(each) >= 60 - 1e-3 && at(each) <= 540 + 1e-3, `${each} at ${at(each)}`);
        }
        assert.ok(ticks.length >= 2 && ticks.length <= 13, String(ticks));
        assert.deepEqual(
          ticks,
          [...new Set(ticks)].toSorted((one, other) => one - other),
        );
        assert.ok(at(low) <= at(high));
      }),
    );
  });
}

test('ticks are round', () => {
  assert.deepEqual(linearScale([0, 23.7], PIXELS).ticks, [0, 5, 10, 15, 20, 25]);
  assert.deepEqual(linearScale([0.93, 1.31], PIXELS).ticks, [0.9, 1, 1.1, 1.2, 1.3, 1.4]);
  assert.deepEqual(
    logScale([28, 2_600], PIXELS).ticks,
    [20, 50, 100, 200, 500, 1_000, 2_000, 5_000],
  );
  assert.deepEqual(logScale([1, 1e4], PIXELS).ticks, [1, 10, 100, 1_000, 10_000]);
});

test('logScale gives equal factors equal room, also downwards', () => {
  const { at } = logScale([1, 10_000], [400, 0]);
  assert.deepEqual([1, 10, 100, 10_000].map(at), [400, 300, 200, 0]);
});

test('extentOf ignores what is not finite', () => {
  assert.deepEqual(extentOf([3, Number.NaN, -2, Infinity]), [-2, 3]);
  assert.deepEqual(extentOf([]), [0, 1]);
});
