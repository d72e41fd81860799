import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measure } from './measure.ts';

const NUMBERS = 1_000;

test('measure tells what an operation allocates', () => {
  const kept: { numbers: number[] | undefined } = { numbers: undefined };
  const run = (): number => {
    kept.numbers = Array.from({ length: NUMBERS });
    return kept.numbers.length;
  };
  const { bytes, n, ns, nsLow, nsHigh } = measure({ run, expected: NUMBERS });
  assert.ok(bytes >= NUMBERS * 4 && bytes < NUMBERS * 64, `${bytes} bytes`);
  assert.ok(n > 0 && nsLow <= ns && ns <= nsHigh);
});

test('measure finds that an operation which allocates nothing does so', () => {
  let sum = 0;
  const run = (): number => (sum = (sum + 1) | 0) & 0;
  assert.ok(measure({ run, expected: 0 }).bytes < 8);
});

test('measure refuses an operation that stops doing its work', () => {
  let left = 1_000;
  assert.throws(() => measure({ run: () => (left-- > 0 ? 1 : 0), expected: 1 }), /were not 1/);
});
