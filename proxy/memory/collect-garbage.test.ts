import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { eventually } from '../../test/support/deadline.ts';
import { GcCounts, shareGcCounts, watchGc } from '../observe/gc-counts.ts';
import { allowCollections, collectGarbage } from './collect-garbage.ts';

/** Counts the full collections of this thread. */
function watchMajor(t: TestContext): () => number {
  const shared = shareGcCounts();
  t.after(watchGc(shared));
  const counts = new GcCounts(shared);
  return () => counts.pauses('major').count;
}

test('collectGarbage collects once that is allowed, and before does nothing', async (t) => {
  const majors = watchMajor(t);
  collectGarbage();
  await turn();
  assert.equal(majors(), 0);
  allowCollections(true);
  collectGarbage();
  allowCollections(false);
  await eventually('a full collection', () => majors() > 0);
});

test('collectGarbage collects what nobody holds', async () => {
  let collected = 0;
  const registry = new FinalizationRegistry(() => void collected++);
  const drop = (): void => registry.register({ dropped: true }, 0);
  drop();
  allowCollections(true);
  collectGarbage();
  allowCollections(false);
  await eventually('the dropped object to be collected', () => collected === 1);
});
