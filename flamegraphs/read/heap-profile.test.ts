import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sketchOf } from '../../test/support/recordings.ts';
import { isHeapProfile, readHeapProfile } from './heap-profile.ts';

const node = (functionName: string, selfSize: number, ...children: readonly object[]) => ({
  callFrame: { functionName, url: 'node:x', lineNumber: 1 },
  selfSize,
  children: children as never,
});

test('readHeapProfile adds up bytes, the same function below the same caller once', () => {
  const head = node('(root)', 0, node('a', 8, node('b', 16)), node('a', 1, node('b', 2)));
  const { note, root } = readHeapProfile({ head });
  assert.deepEqual(sketchOf(root), ['(root)', 0, ['a', 9, ['b', 18]]]);
  assert.equal(note, undefined);
});

test('isHeapProfile knows one by its head', () => {
  assert.ok(isHeapProfile({ head: node('(root)', 0) }));
  assert.ok(!isHeapProfile({ head: null }));
  assert.ok(!isHeapProfile({ nodes: [] }));
});
