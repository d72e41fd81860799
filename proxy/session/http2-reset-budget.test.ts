import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { limits } from '../limits.ts';
import { Http2ResetBudget } from './http2-reset-budget.ts';

test('Http2ResetBudget is spent by resets, and filled again in time and no further', () => {
  const { clock } = new MemoryWorld();
  const advance = (ms: number): void => clock.advance(ms, () => undefined);
  const budget = new Http2ResetBudget(clock.wheel);
  const { resetsSentMax, resetsSentPerSecond } = limits;
  assert.deepEqual([budget.left, budget.low], [resetsSentMax, false]);
  for (let i = 1; i < resetsSentMax / 2; i++) budget.spend();
  assert.equal(budget.low, false);
  budget.spend();
  assert.deepEqual([budget.left, budget.low], [resetsSentMax / 2, true]);
  for (let i = 0; i < resetsSentMax; i++) budget.spend();
  assert.equal(budget.left, 0);
  advance(1_100);
  assert.equal(budget.left, resetsSentPerSecond);
  advance((1_100 * resetsSentMax) / resetsSentPerSecond);
  assert.deepEqual([budget.left, budget.low], [resetsSentMax, false]);
  budget.spend();
  budget.stop();
  advance(5_000);
  assert.equal(budget.left, resetsSentMax - 1);
});
