import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import Int32HistogramModule from 'hdr-histogram-js/dist/Int32Histogram.js';
import {
  cumulativeCounts,
  LATENCY_MAX_US,
  LATENCY_MIN_US,
  LATENCY_SLOTS,
  latencyQuantilesUs,
  recordLatency,
  toSparseCounts,
  visitSparseCounts,
} from './histogram.ts';

/** Two significant digits: a value and its slot differ by less than this part of the value. */
const PRECISION = 0.01;

const latencyUs = fc.oneof(
  fc.integer({ min: LATENCY_MIN_US, max: 1_000 }),
  fc.integer({ min: LATENCY_MIN_US, max: 1_000_000 }),
  fc.integer({ min: LATENCY_MIN_US, max: LATENCY_MAX_US }),
);
const latencies = fc.array(latencyUs, { minLength: 1, maxLength: 300 });

function countsOf(values: readonly number[]): Uint32Array {
  const counts = new Uint32Array(LATENCY_SLOTS);
  for (const value of values) recordLatency(counts, value);
  return counts;
}

function assertNear(actual: number | undefined, exact: number): void {
  assert.ok(actual !== undefined && actual >= exact, `${actual} is below ${exact}`);
  assert.ok(actual - exact <= Math.max(PRECISION * exact, 0), `${actual} is not near ${exact}`);
}

test('latencyQuantilesUs is within 1 % of the sorted values', () => {
  const quantile = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(latencies, fc.array(quantile, { minLength: 1, maxLength: 5 }), (values, some) => {
      const quantiles = some.toSorted((a, b) => a - b);
      const sorted = values.toSorted((a, b) => a - b);
      const answers = latencyQuantilesUs(countsOf(values), quantiles);
      quantiles.forEach((each, i) => {
        const rank = Math.max(1, Math.ceil(each * sorted.length - 1e-9));
        assertNear(answers?.[i], sorted[rank - 1] ?? Number.NaN);
      });
    }),
  );
});

test('latencyQuantilesUs answers undefined for empty counts and the largest past 1', () => {
  assert.equal(latencyQuantilesUs(new Uint32Array(LATENCY_SLOTS), [0.5]), undefined);
  assertNear(latencyQuantilesUs(countsOf([5, 700]), [1.5])?.[0], 700);
});

test('sparse counts come back as the counts they were made from', () => {
  fc.assert(
    fc.property(latencies, (values) => {
      const counts = countsOf(values);
      const back = new Uint32Array(LATENCY_SLOTS);
      const whole = visitSparseCounts(toSparseCounts(counts), (slot, count) => {
        back[slot] = (back[slot] ?? 0) + count;
      });
      assert.equal(whole, true);
      assert.deepEqual(back, counts);
    }),
  );
});

test('quantiles of added sparse counts are those of all values together', () => {
  fc.assert(
    fc.property(latencies, latencies, (some, others) => {
      const sum = new Uint32Array(LATENCY_SLOTS);
      for (const values of [some, others]) {
        visitSparseCounts(toSparseCounts(countsOf(values)), (slot, count) => {
          sum[slot] = (sum[slot] ?? 0) + count;
        });
      }
      assert.deepEqual(sum, countsOf([...some, ...others]));
    }),
  );
});

const badSparse = [
  { name: 'an index past the layout', indexDelta: [LATENCY_SLOTS + 1], count: [1] },
  { name: 'a sum of indexes past the layout', indexDelta: [LATENCY_SLOTS, 1], count: [1, 1] },
  { name: 'a distance of 0', indexDelta: [3, 0], count: [1, 1] },
  { name: 'a negative distance', indexDelta: [3, -1], count: [1, 1] },
  { name: 'a distance that is no integer', indexDelta: [1.5], count: [1] },
  { name: 'a distance that is no number', indexDelta: [Number.NaN], count: [1] },
  { name: 'fewer counts than indexes', indexDelta: [1, 1], count: [1] },
  { name: 'more counts than indexes', indexDelta: [1], count: [1, 1] },
];
for (const { name, indexDelta, count } of badSparse) {
  test(`visitSparseCounts refuses ${name} before any visit`, () => {
    let visits = 0;
    assert.equal(
      visitSparseCounts({ indexDelta, count }, () => visits++),
      false,
    );
    assert.equal(visits, 0);
  });
}

test('visitSparseCounts reaches the first and the last slot', () => {
  const slots: number[] = [];
  const sparse = { indexDelta: [1, LATENCY_SLOTS - 1], count: [1, 1] };
  assert.equal(
    visitSparseCounts(sparse, (slot) => slots.push(slot)),
    true,
  );
  assert.deepEqual(slots, [0, LATENCY_SLOTS - 1]);
});

const slotOf = (us: number): number => countsOf([us]).findIndex((count) => count === 1);

test('recordLatency counts where the library would', () => {
  const library = new Int32HistogramModule.default(LATENCY_MIN_US, LATENCY_MAX_US, 2);
  const values = [LATENCY_MIN_US, LATENCY_MAX_US];
  for (let bit = 2; bit < LATENCY_MAX_US; bit *= 2) values.push(bit - 1, bit, bit + 1);
  for (const us of values) assert.equal(slotOf(us), library.countsArrayIndex(us), `${us} us`);
  fc.assert(fc.property(latencyUs, (us) => slotOf(us) === library.countsArrayIndex(us)));
});

test('recordLatency clamps to the range and counts NaN as the least', () => {
  const counts = new Uint32Array(LATENCY_SLOTS);
  const recorded = [-5, 0, Number.NaN, 0.4, 12.9, LATENCY_MAX_US + 1, Number.POSITIVE_INFINITY];
  assert.deepEqual(
    recorded.map((us) => recordLatency(counts, us)),
    [1, 1, 1, 1, 12, LATENCY_MAX_US, LATENCY_MAX_US],
  );
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    recorded.length,
  );
});

test('cumulativeCounts grows to the total and is right beyond 1 % of each bound', () => {
  const boundsUs = [1_000, 5_000, 100_000, 1_000_000, LATENCY_MAX_US];
  fc.assert(
    fc.property(latencies, (values) => {
      const cumulative = cumulativeCounts(countsOf(values), boundsUs);
      boundsUs.forEach((bound, i) => {
        const count = cumulative[i] ?? Number.NaN;
        assert.ok(count >= values.filter((us) => us <= bound).length);
        assert.ok(count <= values.filter((us) => us <= bound * (1 + PRECISION)).length);
      });
      assert.equal(cumulative.at(-1), values.length);
    }),
  );
});
