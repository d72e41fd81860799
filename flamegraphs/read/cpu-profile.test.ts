import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sketchOf } from '../../test/support/recordings.ts';
import { totalOf } from '../call-tree.ts';
import { isCpuProfile, readCpuProfile } from './cpu-profile.ts';

const node = (id: number, functionName: string, children: readonly number[] = [], line = 1) => ({
  id,
  callFrame: { functionName, url: functionName.startsWith('(') ? '' : 'node:x', lineNumber: line },
  hitCount: 1,
  children,
});

const NODES = [
  node(1, '(root)', [2, 3, 5]),
  node(2, '(idle)'),
  node(3, 'a', [4]),
  node(4, 'b'),
  // The same function again, as V8 has it after it was compiled anew.
  node(5, 'a', [6]),
  node(6, 'b'),
];

test('readCpuProfile gives each sample the time until the next', () => {
  const { root, seconds } = readCpuProfile({
    nodes: NODES,
    startTime: 1_000,
    endTime: 2_000,
    samples: [3, 4, 2, 6],
    timeDeltas: [100, 200, 300, 50],
  });
  // At 1100, 1300, 1600, 1650: 200 of a, 300 of b, 50 idle, 350 of b.
  const below = ['a', 200, ['b', 650]] as const;
  assert.deepEqual(sketchOf(root), ['(root)', 0, ['(idle)', 50], below]);
  assert.equal(seconds, 0.001);
});

test('readCpuProfile spreads the time over hits where there are no samples', () => {
  const { root } = readCpuProfile({ nodes: NODES, startTime: 0, endTime: 600 });
  assert.equal(totalOf(root), 600);
  assert.deepEqual(sketchOf(root), ['(root)', 100, ['(idle)', 100], ['a', 200, ['b', 200]]]);
});

test('readCpuProfile takes no time off for a clock that went back', () => {
  const { root } = readCpuProfile({
    nodes: NODES,
    startTime: 0,
    endTime: 100,
    samples: [2, 3, 2],
    timeDeltas: [0, 60, -10],
  });
  assert.deepEqual(sketchOf(root), ['(root)', 0, ['(idle)', 110], ['a', 0, ['b', 0]]]);
});

test('readCpuProfile believes the CPU time that the sidecar noted', () => {
  const profile = {
    nodes: NODES,
    startTime: 0,
    endTime: 1_000,
    samples: [2, 3],
    timeDeltas: [0, 800],
    culvert: { thread: '0', cpuUs: 300 },
  };
  const { note, root } = readCpuProfile(profile);
  assert.deepEqual(note, { thread: '0', cpuUs: 300 });
  const outside = root.children.find(({ frame }) => frame.stage === 'kernel');
  const idle = root.children.find(({ frame }) => frame.stage === 'idle');
  assert.deepEqual([outside?.self, idle?.self], [100, 700]);
});

test('readCpuProfile refuses what is no tree', () => {
  const times = { startTime: 0, endTime: 1 };
  assert.throws(() => readCpuProfile({ nodes: [], ...times }), /no nodes/);
  assert.throws(() => readCpuProfile({ nodes: [node(1, 'a', [2])], ...times }), /no node 2/);
  assert.throws(() => readCpuProfile({ nodes: [node(1, 'a', [1])], ...times }), /no tree/);
});

test('isCpuProfile knows one by its fields', () => {
  assert.ok(isCpuProfile({ nodes: [], startTime: 0, endTime: 1 }));
  assert.ok(!isCpuProfile({ nodes: [] }));
  assert.ok(!isCpuProfile({ nodes: 3, startTime: 0, endTime: 1 }));
});
