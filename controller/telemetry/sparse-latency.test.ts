import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { LATENCY_SLOTS, toSparseCounts } from '../../api/histogram.ts';
import {
  EMPTY_LATENCY,
  addLatency,
  addLatencyTo,
  readSparseHistogram,
  subtractLatency,
} from './sparse-latency.ts';
import type { SparseLatency } from './sparse-latency.ts';

const fromDense = (counts: readonly number[]): SparseLatency =>
  readSparseHistogram({ ...toSparseCounts(counts), sumUs: 0 }) ?? assert.fail();

function toDense(latency: SparseLatency, length: number): number[] {
  const dense = new Float64Array(LATENCY_SLOTS);
  addLatencyTo(dense, latency);
  return [...dense.subarray(0, length)];
}

const counts = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 12, maxLength: 12 });

test('SparseLatency adds and subtracts as dense counts do', () => {
  fc.assert(
    fc.property(counts, counts, (a, b) => {
      const sum = addLatency(fromDense(a), fromDense(b));
      assert.deepEqual(
        toDense(sum, 12),
        a.map((count, i) => count + (b[i] ?? 0)),
      );
      const difference = subtractLatency(sum, fromDense(b)) ?? assert.fail();
      assert.deepEqual(toDense(difference, 12), a);
      assert.ok(!difference.counts.includes(0), 'only non-empty slots are kept');
    }),
  );
});

test('subtractLatency refuses counts that shrank', () => {
  const none: SparseLatency = EMPTY_LATENCY;
  assert.equal(subtractLatency(fromDense([1, 0, 1]), fromDense([1, 0, 2])), undefined);
  assert.equal(subtractLatency(fromDense([1]), fromDense([1, 0, 1])), undefined);
  assert.equal(subtractLatency(fromDense([0, 1]), fromDense([1])), undefined);
  assert.equal(subtractLatency(none, fromDense([1])), undefined);
  assert.deepEqual(subtractLatency(none, none), none);
});

const read = (indexDelta: number[], count: number[]) =>
  readSparseHistogram({ indexDelta, count, sumUs: 0 });

test('readSparseHistogram refuses what is not of the layout', () => {
  assert.equal(read([0], [1]), undefined);
  assert.equal(read([1, LATENCY_SLOTS], [1, 1]), undefined);
  assert.equal(read([1], [1, 2]), undefined);
  assert.equal(read([4_294_967_295, 4_294_967_295], [1, 1]), undefined);
  assert.ok(read([LATENCY_SLOTS], [1]));
});
