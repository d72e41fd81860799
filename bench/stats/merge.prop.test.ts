import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  LATENCY_SLOTS,
  latencyQuantilesUs,
  recordLatency,
  toSparseCounts,
} from '../../api/histogram.ts';
import { addedLatency, canTell, mergeCounts, totalOf } from './merge.ts';

const block = fc.array(fc.integer({ min: 1, max: 5_000_000 }), { maxLength: 60 });

function countsOf(values: readonly number[]): Uint32Array {
  const counts = new Uint32Array(LATENCY_SLOTS);
  for (const value of values) recordLatency(counts, value);
  return counts;
}

test('mergeCounts of blocks is the histogram of all their values', () => {
  fc.assert(
    fc.property(fc.array(block, { maxLength: 6 }), (blocks) => {
      const merged = mergeCounts(blocks.map((values) => toSparseCounts(countsOf(values))));
      assert.deepEqual(merged, Float64Array.from(countsOf(blocks.flat())));
      assert.equal(totalOf(merged), blocks.flat().length);
    }),
  );
});

test('mergeCounts refuses counts of another layout', () => {
  assert.throws(() => mergeCounts([{ indexDelta: [LATENCY_SLOTS + 1], count: [1] }]), RangeError);
});

test('addedLatency is the difference of quantiles, which averages would miss', () => {
  const calm = Array.from({ length: 99 }, () => 100);
  const counts = countsOf([...calm, ...calm, ...calm, 90_000, 90_000, 90_000, 90_000]);
  const direct = countsOf(Array.from({ length: 300 }, () => 50));
  const [half, high] = addedLatency(counts, direct, [0.5, 0.99]) ?? [];
  assert.deepEqual(half, { quantile: 0.5, us: 100, directUs: 50, addedUs: 50 });
  assert.ok(high !== undefined && high.us >= 90_000 && high.addedUs === high.us - 50);
});

test('addedLatency of an arm to itself is nothing', () => {
  fc.assert(
    fc.property(block, (values) => {
      const counts = countsOf(values);
      const added = addedLatency(counts, counts, [0.5, 0.9, 0.99]);
      assert.equal(added === undefined, values.length === 0);
      for (const each of added ?? []) assert.equal(each.addedUs, 0);
      assert.deepEqual(
        added?.map(({ us }) => us),
        latencyQuantilesUs(counts, [0.5, 0.9, 0.99]),
      );
    }),
  );
});

test('canTell wants ten values beyond the quantile', () => {
  assert.ok(canTell(1_000, 0.99) && !canTell(999, 0.99));
  assert.ok(canTell(10_000, 0.999) && !canTell(9_900, 0.999));
});
