import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/deadline.ts';
import { allowCollections, collectGarbage } from './collect-garbage.ts';

test('collectGarbage collects what nobody holds while that is allowed, and else does nothing', async () => {
  let collected = 0;
  const registry = new FinalizationRegistry(() => void collected++);
  const drop = (): void => registry.register({ dropped: true }, 0);
  drop();
  collectGarbage();
  await new Promise(setImmediate);
  assert.equal(collected, 0);
  allowCollections(true);
  collectGarbage();
  allowCollections(false);
  await eventually('the dropped object to be collected', () => collected === 1);
  // The function is there now, for the next time.
  drop();
  collectGarbage();
  await eventually('the next one too', () => collected === 2);
});
