import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ShapePicker, createSchedule } from './schedule.ts';
import type { Arrival } from './plan.ts';

const rate = fc.integer({ min: 1, max: 100_000 });
const kind = fc.constantFrom('fixed' as const, 'poisson' as const);
const DRAWN = 4_000;

function moments(arrival: Arrival, seed: number, count = DRAWN): number[] {
  const schedule = createSchedule(arrival, seed);
  assert.ok(schedule !== undefined);
  return Array.from({ length: count }, () => schedule.next());
}

test('a closed loop has no schedule', () => {
  assert.equal(createSchedule({ kind: 'closed' }, 1), undefined);
});

test('a schedule ascends, and its seed brings it back', () => {
  fc.assert(
    fc.property(kind, rate, fc.integer(), (kind, perSecond, seed) => {
      const first = moments({ kind, perSecond }, seed, 200);
      assert.deepEqual(first, moments({ kind, perSecond }, seed, 200));
      assert.ok(first.every((at, i) => at > (first[i - 1] ?? 0) && Number.isFinite(at)));
    }),
  );
});

test('a fixed schedule is one gap after the other, without drift', () => {
  fc.assert(
    fc.property(rate, (perSecond) => {
      const last = moments({ kind: 'fixed', perSecond }, 1, perSecond).at(-1)!;
      assert.ok(Math.abs(last + 0.5e6 / perSecond - 1e6) < 1e-3, `${last}`);
    }),
    { numRuns: 30 },
  );
});

test('gaps of a Poisson schedule have the mean and the deviation of an exponential law', () => {
  fc.assert(
    fc.property(rate, fc.integer(), (perSecond, seed) => {
      const at = moments({ kind: 'poisson', perSecond }, seed);
      const gaps = at.map((each, i) => (each - (at[i - 1] ?? 0)) * (perSecond / 1e6));
      const mean = gaps.reduce((sum, gap) => sum + gap, 0) / DRAWN;
      const square = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / DRAWN;
      // Five and more standard errors of each: 1 / sqrt(4000) is 0.016.
      assert.ok(Math.abs(mean - 1) < 0.09, `mean ${mean}`);
      assert.ok(Math.abs(Math.sqrt(square) - 1) < 0.15, `deviation ${Math.sqrt(square)}`);
      // An exponential law has 1/e of its gaps above its mean; a uniform one has half.
      const above = gaps.filter((gap) => gap > 1).length / DRAWN;
      assert.ok(Math.abs(above - Math.exp(-1)) < 0.04, `above the mean ${above}`);
    }),
  );
});

test('arrivals of a Poisson schedule know nothing of each other', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const at = moments({ kind: 'poisson', perSecond: 1e6 }, seed);
      const gaps = at.map((each, i) => each - (at[i - 1] ?? 0) - 1);
      const together = gaps.reduce((sum, gap, i) => sum + gap * (gaps[i - 1] ?? 0), 0) / DRAWN;
      assert.ok(Math.abs(together) < 0.12, `correlation of neighbours ${together}`);
    }),
  );
});

test('ShapePicker chooses by weight', () => {
  const weights = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(weights, fc.integer(), (weights, seed) => {
      const picker = new ShapePicker(
        weights.map((weight) => ({ weight })),
        seed,
      );
      const picked = weights.map(() => 0);
      for (let i = 0; i < DRAWN; i++) picked[picker.next()]!++;
      const total = weights.reduce((sum, each) => sum + each, 0);
      for (const [i, weight] of weights.entries()) {
        assert.ok(Math.abs(picked[i]! / DRAWN - weight / total) < 0.05, picked.join(' '));
      }
    }),
  );
});
