import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestartBackoff } from './restart-backoff.ts';

test('RestartBackoff doubles from 0.1 s to 10 s', () => {
  const backoff = new RestartBackoff();
  const delays = Array.from({ length: 9 }, () => backoff.next(0));
  assert.deepEqual(delays, [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
});

test('RestartBackoff starts over after 60 s up, and not before', () => {
  const backoff = new RestartBackoff();
  assert.deepEqual(
    [0, 0, 59_999, 60_000, 0].map((upMs) => backoff.next(upMs)),
    [100, 200, 400, 100, 200],
  );
});
