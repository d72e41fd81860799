import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FIELD_CONTENT, HEX, putText, TOKEN, VISIBLE } from './bytes.ts';

const matching = (pattern: RegExp): number[] =>
  Array.from({ length: 256 }, (_, byte) => byte).filter((byte) =>
    pattern.test(String.fromCharCode(byte)),
  );
const members = (table: Uint8Array): number[] =>
  [...table.keys()].filter((byte) => table[byte] === 1);

test('TOKEN holds the tchar of RFC 9110 5.6.2', () => {
  assert.deepEqual(members(TOKEN), matching(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/));
});

test('FIELD_CONTENT holds HTAB, SP, VCHAR and obs-text', () => {
  assert.deepEqual(members(FIELD_CONTENT), matching(/[\t\x20-\x7e\x80-\xff]/));
});

test('VISIBLE holds VCHAR without "#"', () => {
  assert.deepEqual(members(VISIBLE), matching(/[!"$-~]/));
});

test('HEX values the hexadecimal digits in both cases, and nothing else', () => {
  for (let byte = 0; byte < 256; byte++) {
    const text = String.fromCharCode(byte);
    assert.equal(HEX[byte], /[0-9a-fA-F]/.test(text) ? Number.parseInt(text, 16) : 255);
  }
});

test('putText puts text where it is told and says where it stopped', () => {
  const out = Buffer.alloc(6, '.');
  assert.equal(putText(out, 1, 'abc'), 4);
  assert.equal(putText(out, 4, ''), 4);
  assert.equal(out.toString('latin1'), '.abc..');
});
