import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepAnswer } from './kept-answer.ts';

/** What takes `costMs` to find, asked every millisecond for `forMs`: the answers, and when each was found. */
function askOften(costMs: number, forMs: number): { foundMs: number[]; answers: Set<number> } {
  let nowMs = 5;
  const foundMs: number[] = [];
  const ask = keepAnswer(
    () => {
      foundMs.push(nowMs);
      nowMs += costMs;
      return foundMs.length;
    },
    () => nowMs,
  );
  const answers = new Set<number>();
  for (; nowMs < 5 + forMs; nowMs++) answers.add(ask());
  return { foundMs, answers };
}

test('keepAnswer finds what is asked for often once a second', () => {
  const { answers, foundMs } = askOften(5, 3_000);
  assert.deepEqual(foundMs, [5, 1_005, 2_005]);
  assert.deepEqual([...answers], [1, 2, 3]);
});

test('keepAnswer takes a twentieth of the time for what is dear', () => {
  const { foundMs } = askOften(500, 30_000);
  assert.deepEqual(foundMs, [5, 10_005, 20_005]);
});

test('keepAnswer keeps nothing of what failed', () => {
  let failures = 0;
  const ask = keepAnswer(
    () => {
      if (failures++ === 0) throw new Error('no table');
      return 'found';
    },
    () => 0,
  );
  assert.throws(ask, /no table/);
  assert.equal(ask(), 'found');
});
