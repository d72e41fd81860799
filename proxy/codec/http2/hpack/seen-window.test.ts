import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeenWindow } from './seen-window.ts';

test('SeenWindow knows what came lately, also from one set', () => {
  const window = new SeenWindow(4);
  // All in the set of 1.
  const hashes = [1, 5, 9, -3];
  assert.deepEqual(
    hashes.map((hash) => window.see(hash)),
    [false, false, false, false],
  );
  assert.deepEqual(
    hashes.map((hash) => window.see(hash)),
    [true, true, true, true],
  );
});

test('SeenWindow forgets the oldest of a set, and only of that set', () => {
  const window = new SeenWindow(4);
  for (const hash of [2, 1, 5, 9, 13, 17]) window.see(hash);
  assert.equal(window.see(1), false);
  assert.deepEqual(
    [9, 13, 17, 2].map((hash) => window.see(hash)),
    [true, true, true, true],
  );
});
