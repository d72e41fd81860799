import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Repeats } from './repeats.ts';

test('Repeats says a key now and then, with how often it has happened since', () => {
  const repeats = new Repeats(100);
  assert.equal(repeats.next('a', 0), 1);
  assert.equal(repeats.next('a', 50), 0);
  assert.equal(repeats.next('a', 99, 3), 0);
  assert.equal(repeats.next('b', 99), 1, 'another key');
  assert.equal(repeats.next('a', 100, 2), 6);
  assert.equal(repeats.next('a', 300), 1);
});
