import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff } from './backoff.ts';

const delays = (random: number, count: number): number[] => {
  const backoff = new Backoff(() => random);
  return Array.from({ length: count }, () => backoff.next());
};

test('Backoff doubles from 100 ms to 10 s, each delay at least half of its step', () => {
  const steps = [100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000];
  assert.deepEqual(delays(0.999_999, 9), steps);
  assert.deepEqual(
    delays(0, 9),
    steps.map((ms) => ms / 2),
  );
});

test('Backoff begins anew once the peer was reached', () => {
  const backoff = new Backoff(() => 0);
  for (let i = 0; i < 5; i++) backoff.next();
  backoff.reset();
  assert.equal(backoff.next(), 50);
});
