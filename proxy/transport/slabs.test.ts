import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SLAB_BYTES } from '../limits.ts';
import { Slabs } from './slabs.ts';

test('Slabs gives the slab that came back last, and counts those that are out', () => {
  const slabs = new Slabs();
  const [first, second] = [slabs.take(), slabs.take()];
  assert.equal(first.length, SLAB_BYTES);
  assert.notEqual(first, second);
  assert.equal(slabs.out, 2);
  slabs.give(second);
  slabs.give(first);
  assert.equal(slabs.out, 0);
  assert.equal(slabs.take(), first);
  assert.equal(slabs.take(), second);
});

test('Slabs keeps at most 16 idle', () => {
  const slabs = new Slabs();
  const taken = Array.from({ length: 20 }, () => slabs.take());
  for (const slab of taken) slabs.give(slab);
  const again = Array.from({ length: 20 }, () => slabs.take());
  assert.equal(again.filter((slab) => taken.includes(slab)).length, 16);
});
