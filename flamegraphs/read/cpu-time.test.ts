import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sketchOf, treeOf } from '../../test/support/recordings.ts';
import { OUTSIDE, WAITED, fitCpuTime } from './cpu-time.ts';

const cases: readonly (readonly [why: string, cpuUs: number, outside: number, idle: number])[] = [
  ['moves out of idle what was spent beyond what was seen', 180, 60, 40],
  ['leaves idle alone when all that was spent was seen', 120, 0, 100],
  ['moves no more than there is', 10_000, 100, 0],
];

for (const [why, cpuUs, outside, idle] of cases) {
  test(`fitCpuTime ${why}`, () => {
    const root = treeOf(['(root)', 0, ['(idle)', 100], ['a', 20, ['b', 100]]]);
    fitCpuTime(root, cpuUs);
    const moved = root.children.find(({ frame }) => frame === OUTSIDE);
    assert.equal(moved?.self ?? 0, outside);
    assert.equal(root.children.find(({ frame }) => frame.name === '(idle)')?.self, idle);
  });
}

test('fitCpuTime scales down what waited for a core', () => {
  const root = treeOf(['(root)', 0, ['(idle)', 7], ['a', 20, ['b', 100]]]);
  fitCpuTime(root, 60);
  assert.deepEqual(sketchOf(root), [
    '(root)',
    0,
    ['(idle)', 7],
    [WAITED.name, 60],
    ['a', 10, ['b', 50]],
  ]);
});

test('fitCpuTime leaves a thread alone that was never idle', () => {
  const root = treeOf(['(root)', 0, ['a', 20]]);
  fitCpuTime(root, 1_000);
  assert.deepEqual(sketchOf(root), ['(root)', 0, ['a', 20]]);
});
