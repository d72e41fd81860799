import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { pairedDifference, pairedRatio } from './paired.ts';

const figure = fc.double({ min: 0.1, max: 1_000, noNaN: true });
const rounds = fc.array(fc.tuple(figure, figure), { minLength: 2, maxLength: 40 });
const near = (actual: number | undefined, expected: number): void => {
  const tolerance = 1e-6 * Math.max(1, Math.abs(expected));
  assert.ok(Math.abs((actual ?? Number.NaN) - expected) <= tolerance, `${actual} ${expected}`);
};

test('pairedRatio is the inverse of the ratio the other way', () => {
  fc.assert(
    fc.property(rounds, (pairs) => {
      const a = pairs.map(([one]) => one);
      const b = pairs.map(([, other]) => other);
      const there = pairedRatio(a, b, 0.95);
      const back = pairedRatio(b, a, 0.95);
      assert.ok(there !== undefined && back !== undefined);
      near(Math.log(there.value), -Math.log(back.value));
      near(Math.log(there.low), -Math.log(back.high));
      assert.ok(there.low <= there.value && there.value <= there.high);
    }),
  );
});

test('pairedRatio does not see what meets both arms of a round', () => {
  fc.assert(
    fc.property(rounds, fc.array(figure, { minLength: 40, maxLength: 40 }), (pairs, drift) => {
      const a = pairs.map(([one]) => one);
      const b = pairs.map(([, other]) => other);
      const drifted = (values: number[]): number[] =>
        values.map((each, i) => each * (drift[i] ?? 1));
      const calm = pairedRatio(a, b, 0.999);
      const slow = pairedRatio(drifted(a), drifted(b), 0.999);
      near(slow?.value, calm?.value ?? 0);
      near(slow?.low, calm?.low ?? 0);
    }),
  );
});

test('pairedDifference moves by what is added to each round of one arm', () => {
  fc.assert(
    fc.property(rounds, fc.integer({ min: -500, max: 500 }), (pairs, added) => {
      const a = pairs.map(([one]) => one);
      const b = pairs.map(([, other]) => other);
      const before = pairedDifference(a, b, 0.95);
      const after = pairedDifference(
        a,
        b.map((each) => each + added),
        0.95,
      );
      near(after?.value, (before?.value ?? 0) + added);
      near((after?.high ?? 0) - (after?.low ?? 0), (before?.high ?? 0) - (before?.low ?? 0));
    }),
  );
});

test('pairedRatio leaves out rounds without a ratio and says how many it had', () => {
  const found = pairedRatio([1, 0, 2, Number.NaN, 4], [2, 5, 4, 3, 8], 0.95);
  assert.equal(found?.pairs, 3);
  near(found?.value, 2);
});

test('paired figures of one round have no bounds, of none are undefined, of unlike rounds throw', () => {
  assert.deepEqual(pairedRatio([2], [3], 0.95), {
    value: Math.exp(Math.log(1.5)),
    low: 0,
    high: Infinity,
    pairs: 1,
  });
  assert.equal(pairedRatio([0], [1], 0.95), undefined);
  assert.equal(pairedDifference([], [], 0.95), undefined);
  assert.throws(() => pairedDifference([1, 2], [1], 0.95), RangeError);
});
