import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LATENCY_SLOTS,
  type SparseCounts,
  recordLatency,
  toSparseCounts,
} from '../../api/histogram.ts';
import { Rng } from '../../base/rng.ts';
import { mergedDifference } from './merged-difference.ts';

/** 1,000 latencies, `slow` of them 200 ms, the others `us`. */
function block(us: number, slow = 0): SparseCounts {
  const counts = new Uint32Array(LATENCY_SLOTS);
  for (let i = 0; i < 1_000; i++) recordLatency(counts, i < slow ? 200_000 : us);
  return toSparseCounts(counts);
}

const blocks = (count: number, make: (i: number) => SparseCounts): SparseCounts[] =>
  Array.from({ length: count }, (_, i) => make(i));

const added = (b: readonly (SparseCounts | undefined)[], level = 0.999) => {
  const direct = blocks(b.length, () => block(100));
  return mergedDifference(direct, b, 0.99, { level, rng: new Rng(1) });
};

test('mergedDifference is the difference of the percentiles of all rounds', () => {
  const found = added(blocks(10, () => block(600)));
  assert.ok(Math.abs((found?.value ?? 0) - 500) < 10);
  assert.equal(found?.low, found?.high);
});

test('mergedDifference shows a stall that most rounds do not have', () => {
  // 150 ms of one second in three rounds of ten: 4.5 % of all requests.
  const found = added(blocks(10, (i) => block(200, i < 3 ? 150 : 0)));
  assert.ok((found?.value ?? 0) > 150_000);
});

test('mergedDifference leaves rounds out that one of both has lost', () => {
  const found = added([block(200), undefined, block(200)]);
  assert.equal(found?.pairs, 2);
  assert.equal(added([undefined]), undefined);
});
