import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DueQueue } from './due-queue.ts';

test('DueQueue gives back what went in, in order, past any capacity', () => {
  // Runs of pushes and of shifts, long enough to grow the ring while it is wrapped around.
  const runs = fc.array(fc.record({ push: fc.boolean(), times: fc.nat(3_000) }), { maxLength: 12 });
  fc.assert(
    fc.property(runs, (runs) => {
      const queue = new DueQueue();
      const model: number[] = [];
      let pushed = 0;
      for (const { push, times } of runs) {
        for (let i = 0; i < times; i++) {
          if (push) {
            queue.push(pushed, pushed + 0.5);
            model.push(pushed++);
          } else {
            const expected = model.shift() ?? Number.NaN;
            assert.equal(queue.dueUs, expected);
            assert.equal(queue.noticedUs, expected + 0.5);
            queue.shift();
          }
        }
        assert.equal(queue.length, model.length);
      }
    }),
    { numRuns: 40 },
  );
});
