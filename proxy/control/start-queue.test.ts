import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { StartQueue } from './start-queue.ts';

test('StartQueue lets so many in at a time, the others in order as turns end', async () => {
  const queue = new StartQueue(2);
  const entered: number[] = [];
  const turns = [0, 1, 2, 3, 4].map(async (n) => {
    const leave = await queue.enter();
    entered.push(n);
    return leave;
  });
  await nextTurn();
  assert.deepEqual(entered, [0, 1]);
  (await turns[1]!)();
  await nextTurn();
  assert.deepEqual(entered, [0, 1, 2]);
  const leave = await turns[0]!;
  leave();
  leave();
  await nextTurn();
  assert.deepEqual(entered, [0, 1, 2, 3], 'a turn ends once');
  for (const n of [2, 3]) (await turns[n]!)();
  (await turns[4]!)();
  const after = [await queue.enter(), await queue.enter()];
  assert.equal(after.length, 2);
});
