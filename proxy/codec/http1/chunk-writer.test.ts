import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CHUNK_HEAD_BYTES_MAX, writeChunkHead } from './chunk-writer.ts';

function chunkHead(size: number): string {
  const out = Buffer.alloc(CHUNK_HEAD_BYTES_MAX + 4, '?');
  const end = writeChunkHead(out, 2, size);
  assert.equal(out.toString('latin1', 0, 2), '??');
  assert.match(out.toString('latin1', end), /^\?\?+$/);
  return out.toString('latin1', 2, end);
}

test('writeChunkHead writes the size in hexadecimal, without leading zeros', () => {
  for (const size of [1, 9, 10, 15, 16, 255, 256, 0xfff, 0x1000, 65_536, 2 ** 31, 2 ** 32 - 1]) {
    assert.equal(chunkHead(size), `${size.toString(16)}\r\n`);
  }
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 32 - 1 }), (size) => {
      assert.equal(chunkHead(size), `${size.toString(16)}\r\n`);
    }),
  );
});
