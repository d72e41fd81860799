import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeHuffman,
  decodedBytes,
  decodedBytesMax,
  encodeHuffman,
  huffmanBytes,
} from './huffman.ts';

/** In the middle of other bytes, which nothing may read or write. */
const OFFSET = 3;

function encode(bytes: Buffer): Buffer {
  const out = Buffer.alloc(OFFSET + bytes.length * 4 + 8, 0xaa);
  const from = Buffer.concat([Buffer.from('<<<'), bytes, Buffer.from('>>>')]);
  const end = encodeHuffman(out, OFFSET, from, OFFSET, OFFSET + bytes.length);
  assert.equal(end - OFFSET, huffmanBytes(from, OFFSET, OFFSET + bytes.length));
  for (let at = end; at < out.length; at++) assert.equal(out[at], 0xaa);
  return Buffer.from(out.subarray(OFFSET, end));
}

/** What `code` decodes to; undefined when it is malformed. Both readers must agree. */
function decode(code: Buffer): Buffer | undefined {
  const most = decodedBytesMax(code.length);
  const out = Buffer.alloc(OFFSET + most + 4, 0xaa);
  // Ones around it, which would lengthen a code that is cut.
  const from = Buffer.concat([Buffer.alloc(OFFSET, 0xff), code, Buffer.alloc(4, 0xff)]);
  const end = decodeHuffman(from, OFFSET, OFFSET + code.length, out, OFFSET);
  const counted = decodedBytes(from, OFFSET, OFFSET + code.length);
  assert.equal(counted, end < 0 ? -1 : end - OFFSET);
  for (let at = OFFSET + most; at < out.length; at++)
    assert.equal(out[at], 0xaa, 'beyond its room');
  return end < 0 ? undefined : Buffer.from(out.subarray(OFFSET, end));
}

const CASES: readonly (readonly [text: string, code: string])[] = [
  ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
  ['no-cache', 'a8eb10649cbf'],
  ['custom-key', '25a849e95ba97d7f'],
  ['custom-value', '25a849e95bb8e8b4bf'],
  ['302', '6402'],
  ['private', 'aec3771a4b'],
  ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
  ['', ''],
];

for (const [text, code] of CASES) {
  test(`Huffman code of "${text}" is that of RFC 7541`, () => {
    assert.equal(encode(Buffer.from(text)).toString('hex'), code);
    assert.equal(decode(Buffer.from(code, 'hex'))?.toString(), text);
  });
}

test('Huffman code brings any two bytes in a row back, within a longer string and at its end', () => {
  for (let first = 0; first < 256; first++) {
    const text = Buffer.from(Array.from({ length: 513 }, (_, i) => (i % 2 === 0 ? first : i >> 1)));
    assert.deepEqual(decode(encode(text)), text);
    for (const last of [0x20, 0x61, 0x5a, 0xff]) {
      assert.deepEqual(decode(encode(Buffer.from([first, last]))), Buffer.from([first, last]));
    }
  }
});

test('Huffman code brings every byte back, alone and beside each of its neighbours', () => {
  for (let byte = 0; byte < 256; byte++) {
    for (const bytes of [[byte], [byte, byte], [0x61, byte], [byte, 0x61, 0xff ^ byte]]) {
      const text = Buffer.from(bytes);
      assert.deepEqual(decode(encode(text)), text);
    }
  }
});

test('Huffman code brings random bytes back, at every length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (array) => {
      const bytes = Buffer.from(array);
      assert.deepEqual(decode(encode(bytes)), bytes);
    }),
    { numRuns: 300 },
  );
});

const MALFORMED: readonly (readonly [name: string, code: string])[] = [
  ['eight bits of padding', 'ff'],
  ['eight bits of padding behind a code', 'f8ff'],
  ['eleven bits of padding', '1fff'],
  // "0" and three zeros.
  ['padding of zeros', '00'],
  // "a" is 00011; the padding's last bit is 0.
  ['padding with one zero', '1e'],
  ['EOS alone', 'ffffffff'],
  // "a", EOS, "a" and padding: 00011 1…1 (30) 00011
  ['EOS inside', '1ffffffff8ff'],
  // The first 23 of the 28 bits of a control byte's code.
  ['a long code that is cut', 'fffffe'],
  ['a code of ten bits that is cut after eight', 'fe'],
];

for (const [name, code] of MALFORMED) {
  test(`Huffman code refuses ${name}`, () => {
    assert.equal(decode(Buffer.from(code, 'hex')), undefined);
  });
}

test('Huffman code takes what it would write and nothing else, of random bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (array) => {
      const code = Buffer.from(array);
      const text = decode(code);
      if (text !== undefined) assert.deepEqual(encode(text), code);
    }),
    { numRuns: 2000 },
  );
});

test('Huffman code refuses every text that is cut inside a byte of more than eight bits', () => {
  const whole = encode(Buffer.from([0x61, 0x0a, 0x62]));
  for (let cut = 1; cut < whole.length; cut++) {
    const text = decode(whole.subarray(0, cut));
    if (text !== undefined) assert.deepEqual(encode(text), whole.subarray(0, cut));
  }
});
