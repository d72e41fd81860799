import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitraryRecording, frameNamed, recordingOf } from '../test/support/recordings.ts';
import { nodesOf, totalBefore, totalOf } from './call-tree.ts';
import { diff } from './diff.ts';
import type { Recording } from './recording.ts';

const near = (one: number, other: number): void =>
  assert.ok(Math.abs(one - other) < 1e-6, `${one} and ${other}`);

const sum = (recording: Recording, total: typeof totalOf): number =>
  recording.threads.reduce((all, { root }) => all + total(root), 0);

test('diff of a recording with itself finds no change', () => {
  fc.assert(
    fc.property(arbitraryRecording, (recording) => {
      for (const { root } of diff(recording, recording).threads) {
        for (const { before, self } of nodesOf(root)) near(before, self);
      }
    }),
  );
});

test('diff keeps both totals, each per request of its own', () => {
  fc.assert(
    fc.property(
      arbitraryRecording,
      arbitraryRecording,
      fc.integer({ min: 1, max: 99 }),
      (a, b, n) => {
        const compared = diff(a, { ...b, requests: n });
        near(sum(compared, totalBefore), sum(a, totalOf) / 10);
        near(sum(compared, totalOf), sum(b, totalOf) / n);
        assert.equal(compared.per, 'request');
      },
    ),
  );
});

test('diff is per second when one of the two does not know its requests', () => {
  const a = recordingOf(['(root)', 0, ['a', 8]]);
  const b = recordingOf(['(root)', 0, ['a', 9]], { requests: undefined, seconds: 3 });
  const compared = diff(a, b);
  assert.equal(compared.per, 'second');
  const [child] = compared.threads[0]!.root.children;
  assert.deepEqual([child?.before, child?.self], [4, 3]);
});

test('diff finds a function again whose lines moved, and threads by their names', () => {
  const a = recordingOf(['(root)', 0, ['a', 10]]);
  const b = recordingOf(['(root)', 0]);
  b.threads[0]!.root.child(frameNamed('a', 99)).self = 20;
  const other = { name: 'main thread', root: b.threads[0]!.root };
  const same = diff(a, b).threads;
  assert.deepEqual(
    same[0]?.root.children.map(({ before, self }) => [before, self]),
    [[1, 2]],
  );
  const apart = diff(a, { ...b, threads: [other] }).threads;
  assert.deepEqual(
    apart.map(({ name, root }) => [name, totalBefore(root), totalOf(root)]),
    [
      ['data thread 0', 1, 0],
      ['main thread', 0, 2],
    ],
  );
});

test('diff refuses what cannot be compared', () => {
  const cpu = recordingOf(['(root)', 1]);
  const bytes = recordingOf(['(root)', 1], { kind: 'allocations' });
  assert.throws(() => diff(cpu, bytes), /of cpu, the other of allocations/);
  assert.throws(() => diff(diff(cpu, cpu), cpu), /comparison already/);
  const unknown = recordingOf(['(root)', 1], { requests: undefined, seconds: Number.NaN });
  assert.throws(() => diff(cpu, unknown), /a recording does not say how long/);
});
