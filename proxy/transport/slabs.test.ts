import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SLAB_BYTES } from '../limits.ts';
import { SMALL_SLAB_BYTES, Slabs } from './slabs.ts';

for (const [what, bytes, size, kept] of [
  ['large', SMALL_SLAB_BYTES + 1, SLAB_BYTES, 16],
  ['small', SMALL_SLAB_BYTES, SMALL_SLAB_BYTES, 256],
] as const) {
  test(`Slabs gives the ${what} slab that came back last, and counts those that are out`, () => {
    const slabs = new Slabs();
    const [first, second] = [slabs.take(bytes), slabs.take(bytes)];
    assert.equal(first.length, size);
    assert.notEqual(first, second);
    assert.equal(slabs.out, 2);
    slabs.give(second);
    slabs.give(first);
    assert.equal(slabs.out, 0);
    assert.equal(slabs.take(bytes), first);
    assert.equal(slabs.take(bytes), second);
  });

  test(`Slabs keeps at most ${kept} ${what} ones idle`, () => {
    const slabs = new Slabs();
    const taken = Array.from({ length: kept + 4 }, () => slabs.take(bytes));
    for (const slab of taken) slabs.give(slab);
    const again = taken.map(() => slabs.take(bytes));
    assert.equal(again.filter((slab) => taken.includes(slab)).length, kept);
  });
}

test('Slabs gives a large slab with what was in the small one, which is free then', () => {
  const slabs = new Slabs();
  const small = slabs.take(0);
  small.write('abcdef', 'latin1');
  const large = slabs.grow(small, 4);
  assert.equal(large.length, SLAB_BYTES);
  assert.equal(large.toString('latin1', 0, 4), 'abcd');
  assert.equal(slabs.out, 1);
  assert.equal(slabs.take(0), small);
});
