import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ByteMemo } from './byte-memo.ts';

test('ByteMemo gives the value of exactly these bytes, wherever they lie', () => {
  const memo = new ByteMemo<number>(8, 16);
  memo.set(Buffer.from('..GET /a..'), 2, 8, 1);
  assert.equal(memo.get(Buffer.from('GET /a'), 0, 6), 1);
  assert.equal(memo.get(Buffer.from('GET /b'), 0, 6), undefined);
  assert.equal(memo.get(Buffer.from('GET /a'), 0, 5), undefined);
});

test('ByteMemo keeps a copy of its key, and no key longer than it may', () => {
  const memo = new ByteMemo<number>(8, 4);
  const bytes = Buffer.from('abcd');
  memo.set(bytes, 0, 4, 1);
  bytes.fill(0);
  assert.equal(memo.get(Buffer.from('abcd'), 0, 4), 1);
  memo.set(Buffer.from('abcde'), 0, 5, 2);
  assert.equal(memo.get(Buffer.from('abcde'), 0, 5), undefined);
});

test('ByteMemo never gives the value of another key, however many it has seen', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 6 }), { maxLength: 60 }), (keys) => {
      const memo = new ByteMemo<string>(4, 64);
      for (const key of keys) {
        const bytes = Buffer.from(key);
        const found = memo.get(bytes, 0, bytes.length);
        assert.ok(found === undefined || found === key);
        memo.set(bytes, 0, bytes.length, key);
        assert.equal(memo.get(bytes, 0, bytes.length), key);
      }
    }),
  );
});
