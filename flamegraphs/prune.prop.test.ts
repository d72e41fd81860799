import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitraryRecording, recordingOf, sketchOf } from '../test/support/recordings.ts';
import { type CallNode, nodesOf, totalOf } from './call-tree.ts';
import { prune } from './prune.ts';
import { summarize } from './summary.ts';

const share = fc.double({ min: 0, max: 0.5, noNaN: true });

test('prune keeps the total of every thread', () => {
  fc.assert(
    fc.property(arbitraryRecording, share, (recording, least) => {
      const totals = recording.threads.map(({ root }) => totalOf(root));
      const pruned = prune(recording, least).threads.map(({ root }) => totalOf(root));
      assert.deepEqual(pruned, totals);
    }),
  );
});

test('prune keeps the sum of every stage', () => {
  fc.assert(
    fc.property(arbitraryRecording, share, (arbitrary, least) => {
      // Not divided: sums of whole numbers are exact in any order.
      const recording = { ...arbitrary, per: 'second' } as const;
      assert.deepEqual(summarize(prune(recording, least)).stages, summarize(recording).stages);
    }),
  );
});

test('prune leaves nothing that is smaller, but what stands for it', () => {
  fc.assert(
    fc.property(arbitraryRecording, share, (recording, least) => {
      for (const { root } of prune(recording, least).threads) {
        const idle = root.children.find(({ frame }) => frame.stage === 'idle');
        const most = totalOf(root) - (idle === undefined ? 0 : totalOf(idle));
        for (const node of nodesOf(root)) {
          if (node === root || node.frame.name.startsWith('(smaller ones')) continue;
          // Half of one for the rounding of the product.
          assert.ok(totalOf(node) >= least * most - 0.5 || isIdle(node), node.frame.name);
        }
      }
    }),
  );
});

const isIdle = ({ frame }: CallNode): boolean => frame.stage === 'idle';

test('prune gathers what is small beside what is not', () => {
  const recording = recordingOf([
    '(root)',
    0,
    ['(idle)', 1_000_000],
    ['a', 50, ['b', 3], ['c', 4, ['d', 1]], ['e', 42]],
  ]);
  const [thread] = prune(recording, 0.1).threads;
  assert.deepEqual(sketchOf(thread!.root), [
    '(root)',
    0,
    ['(idle)', 1_000_000],
    ['a', 50, ['(smaller ones: session)', 8], ['e', 42]],
  ]);
});
