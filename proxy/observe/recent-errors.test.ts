import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeshError } from '../model/mesh-error.ts';
import { RecentErrors } from './recent-errors.ts';

const refused = (n: number): MeshError =>
  new MeshError('upstream-refused', 'upstream', `Cannot connect to 10.0.0.${n}:80.`);

test('RecentErrors counts a failure that is repeated, and has the latest first', () => {
  const errors = new RecentErrors();
  errors.add('outbound', refused(1), 1_000);
  errors.add('outbound', refused(2), 1_100);
  errors.add('outbound', refused(1), 1_200);
  errors.add('inbound', refused(1), 1_300);
  const rows = errors
    .describe(2_000)
    .map(({ agoMs, count, direction, sentence }) => [direction, sentence, count, agoMs]);
  assert.deepEqual(rows, [
    ['inbound', 'Cannot connect to 10.0.0.1:80.', 1, 700],
    ['outbound', 'Cannot connect to 10.0.0.1:80.', 2, 800],
    ['outbound', 'Cannot connect to 10.0.0.2:80.', 1, 900],
  ]);
});

test('RecentErrors takes a failure that lasts for one, with its latest sentence', () => {
  const errors = new RecentErrors();
  for (const time of ['0.4 s', '12 s', '3 min']) {
    const sentence = `web:80 has 0 of 2 endpoints ready, for ${time}.`;
    errors.add('outbound', new MeshError('no-endpoint', 'upstream', sentence), 1_000);
  }
  const [kept, ...others] = errors.describe(1_000);
  assert.deepEqual(others, []);
  assert.deepEqual([kept?.count, kept?.sentence.slice(-6)], [3, '3 min.']);
});

test('RecentErrors keeps so many, and so much of each', () => {
  const errors = new RecentErrors();
  for (let n = 0; n < 100; n++) {
    errors.add('outbound', refused(n), n);
    errors.add('outbound', refused(0), n);
  }
  const kept = errors.describe(100);
  assert.equal(kept.length, 16);
  assert.deepEqual([kept[0]?.count, kept[0]?.sentence], [101, refused(0).sentence]);
  errors.add('outbound', new MeshError('internal', 'proxy', 'x'.repeat(10_000)), 101);
  assert.equal(errors.describe(101)[0]?.sentence.length, 512);
});
