import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SlotIndex } from './slot-index.ts';

const SLOTS = 8;

test('SlotIndex finds the slots of a hash, newest first, whatever else is in their chain', () => {
  // 8 apart: one chain.
  const hashes = fc.constantFrom(0, 8, 16, 1, 9, 2, -8);
  fc.assert(
    fc.property(fc.array(fc.option(hashes, { nil: undefined }), { maxLength: 60 }), (steps) => {
      const index = new SlotIndex(SLOTS);
      const live: { slot: number; hash: number }[] = [];
      let next = 0;
      for (const hash of steps) {
        if (live.length === SLOTS || (hash === undefined && live.length > 0)) {
          index.removeOldest(live.shift()?.slot ?? -1);
        }
        if (hash === undefined) continue;
        index.add(next, hash);
        live.push({ slot: next, hash });
        next = (next + 1) % SLOTS;
        for (const wanted of [0, 8, 16, 1, 9, 2, -8, 24]) {
          const found: number[] = [];
          for (let at = index.first(wanted); at !== -1; at = index.next(at)) found.push(at);
          const expected = live.filter((one) => one.hash === wanted).map(({ slot }) => slot);
          assert.deepEqual(found, expected.toReversed());
        }
      }
    }),
    { numRuns: 300 },
  );
});
