import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shape, slotsOf } from './palette.ts';

test('known arms look the same in every run, others take what is free', () => {
  const all = slotsOf([
    'direct',
    'culvert',
    'haproxy',
    'nginx',
    'nghttpx',
    'envoy',
    'linkerd2-proxy',
  ]);
  assert.deepEqual([...all.values()], [0, 1, 2, 3, 4, 5, 6]);
  const pair = slotsOf(['culvert-base', 'haproxy', 'culvert-candidate']);
  assert.deepEqual(
    [...pair],
    [
      ['haproxy', 2],
      ['culvert-base', 1],
      ['culvert-candidate', 3],
    ],
  );
});

test('no two slots have one shape', () => {
  const shapes = new Set([0, 1, 2, 3, 4, 5, 6].map((slot) => shape(slot, 0, 0)));
  assert.equal(shapes.size, 7);
});
