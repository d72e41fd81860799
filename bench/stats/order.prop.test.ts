import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Rng } from '../../base/rng.ts';
import { interleave } from './order.ts';

test('interleave has each arm once a round, and repeats for its seed', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(8), fc.nat(20), (seed, count, rounds) => {
      const arms = Array.from({ length: count }, (_, i) => `arm ${i}`);
      const order = interleave(arms, rounds, new Rng(seed));
      assert.equal(order.length, rounds);
      for (const round of order) assert.deepEqual(round.toSorted(), arms);
      assert.deepEqual(interleave(arms, rounds, new Rng(seed)), order);
    }),
  );
});

test('interleave puts each arm into each place about equally often', () => {
  const places = new Map<string, number>();
  for (const round of interleave(['a', 'b', 'c'], 6_000, new Rng(5))) {
    round.forEach((arm, place) => {
      const key = `${arm}${place}`;
      places.set(key, (places.get(key) ?? 0) + 1);
    });
  }
  assert.equal(places.size, 9);
  // 2,000 expected; five standard deviations of a binomial are 183.
  for (const count of places.values()) assert.ok(Math.abs(count - 2_000) < 183, String(count));
});
