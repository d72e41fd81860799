import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type DialEvents, type Place, WaitingQueue } from './waiting-queue.ts';

const newWaiter = (): DialEvents => ({ dialled: () => undefined, dialFailed: () => undefined });

test('WaitingQueue behaves as a list from whose front one is taken and whose members leave', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('add', 'add', 'shift', 'leave'), fc.nat(20)));
  fc.assert(
    fc.property(steps, (actions) => {
      const queue = new WaitingQueue();
      const model: { place: Place; waiter: DialEvents }[] = [];
      const gone: Place[] = [];
      for (const [what, which] of actions) {
        if (what === 'add') {
          const waiter = newWaiter();
          model.push({ place: queue.add(waiter), waiter });
        } else if (what === 'shift') {
          const first = model.shift();
          assert.equal(queue.shift(), first?.waiter);
          if (first !== undefined) gone.push(first.place);
        } else {
          const [left] = model.splice(which % Math.max(1, model.length), 1);
          left?.place.leave();
          if (left !== undefined) gone.push(left.place);
          // Who has left leaves nothing any more.
          gone[which % Math.max(1, gone.length)]?.leave();
        }
        assert.equal(queue.length, model.length);
      }
      for (const { waiter } of model) assert.equal(queue.shift(), waiter);
      assert.deepEqual([queue.length, queue.shift()], [0, undefined]);
    }),
  );
});
