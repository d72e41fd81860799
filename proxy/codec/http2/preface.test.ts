import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLIENT_PREFACE, matchPreface, opensAsHttp2Server } from './preface.ts';

const match = (text: string): string => {
  const bytes = Buffer.from(`PRI${text}PRI`, 'latin1');
  return matchPreface(bytes, 3, 3 + text.length);
};
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

test('matchPreface wants every octet of the preface', () => {
  assert.equal(CLIENT_PREFACE.toString('latin1'), PREFACE);
  for (let length = 0; length < PREFACE.length; length++) {
    assert.equal(match(PREFACE.slice(0, length)), 'more', `${length} octets`);
  }
  assert.equal(match(PREFACE), 'yes');
  assert.equal(match(`${PREFACE}\0\0\0\x04`), 'yes');
});

test('matchPreface refuses at the first octet that differs', () => {
  for (let at = 0; at < PREFACE.length; at++) {
    const wrong = `${PREFACE.slice(0, at)}?`;
    assert.equal(match(wrong), 'no', wrong);
    assert.equal(match(wrong + PREFACE.slice(at + 1)), 'no');
  }
  for (const text of ['GET / HTTP/1.1\r\n', 'POST', 'PR /', 'pri', '\x16\x03\x01']) {
    assert.equal(match(text), 'no', text);
  }
  assert.equal(match('P'), 'more');
});

const opens = (hex: string): boolean => {
  const bytes = Buffer.from(`aabb${hex}`, 'hex');
  return opensAsHttp2Server(bytes, 2, bytes.length);
};

test('opensAsHttp2Server knows SETTINGS of any length from what others greet with', () => {
  assert.equal(opens('000000040000000000'), true);
  assert.equal(opens('00000604000000000000030000'), true);
  assert.equal(opens('000012040080000000'), true, 'a reserved bit is to be ignored');
  for (const other of [
    '',
    '0000000400000000',
    '000000040100000000',
    '000000040000000001',
    '000005040000000000',
    '000000060000000000',
    '4a0000000a352e372e',
    Buffer.from('220 ready\r\n').toString('hex'),
  ]) {
    assert.equal(opens(other), false, other);
  }
});
