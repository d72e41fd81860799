import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IntegerReader, writeInteger } from './integer.ts';

function written(first: number, mask: number, value: number): string {
  const out = Buffer.alloc(8, 0xaa);
  const end = writeInteger(out, 1, first, mask, value);
  assert.equal(out[end], 0xaa);
  return out.toString('hex', 1, end);
}

/** What stands behind a full prefix, or undefined. */
function rest(hex: string, mask: number): number | undefined {
  const bytes = Buffer.from(`ff${hex}00`, 'hex');
  const reader = new IntegerReader();
  const end = reader.rest(bytes, 1, bytes.length - 1, mask);
  if (end < 0) return undefined;
  assert.equal(end, bytes.length - 1, 'all of it');
  return reader.value;
}

test('Integers are those of RFC 7541 appendix C.1', () => {
  assert.equal(written(0, 0x1f, 10), '0a');
  assert.equal(written(0, 0x1f, 1337), '1f9a0a');
  assert.equal(written(0, 0xff, 42), '2a');
  assert.equal(rest('9a0a', 0x1f), 1337);
});

test('Integers keep the bits before their prefix', () => {
  assert.equal(written(0x80, 0x7f, 62), 'be');
  assert.equal(written(0x40, 0x3f, 63), '7f00');
  assert.equal(written(0x20, 0x1f, 4096), '3fe11f');
});

for (const mask of [0x0f, 0x1f, 0x3f, 0x7f]) {
  test(`Integers behind a prefix of ${mask.toString(2).length} bits come back`, () => {
    for (const value of [mask, mask + 1, mask + 127, mask + 128, 16_511, 65_536, 2 ** 28 - 1]) {
      const hex = written(0, mask, value);
      assert.equal(rest(hex.slice(2), mask), value);
    }
  });
}

test('Integers may have octets that add nothing, but no more than four', () => {
  assert.equal(rest('80808000', 0x7f), 127);
  assert.equal(rest('8080808000', 0x7f), undefined);
  assert.equal(rest('ffffffff0f', 0x7f), undefined);
  assert.equal(rest('ffffff7f', 0x7f), 127 + 2 ** 28 - 1);
});

test('Integers that are cut are none, wherever they are cut', () => {
  for (const hex of ['', '80', '8080', '808080', '80808080'])
    assert.equal(rest(hex, 0x1f), undefined);
});
