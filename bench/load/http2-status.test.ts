import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Http2StatusReader, MALFORMED_BLOCK, NO_GRPC_STATUS, NO_STATUS } from './http2-status.ts';

/** Statuses of blocks, in hex, given to one reader. */
function statusesOf(...blocks: readonly string[]): number[] {
  const reader = new Http2StatusReader();
  return blocks.map((hex) => {
    // Amid other bytes: a reader must not leave its block.
    const block = Buffer.from(`ffff${hex.replaceAll(' ', '')}ffff`, 'hex');
    return reader.read(block, 2, block.length - 2);
  });
}

test('a status reader knows the statuses of the static table', () => {
  assert.deepEqual(
    statusesOf('88', '89', '8a', '8b', '8c', '8d', '8e'),
    [200, 204, 206, 304, 400, 404, 500],
  );
});

test('a status reader reads literals, plain and in Huffman code', () => {
  // 08: named by the static table, not indexed; 00: named by itself.
  assert.deepEqual(
    statusesOf(
      '08 03 353033',
      '18 03 353033',
      '08 82 6402',
      '08 83 6dc25f',
      '00 07 3a737461747573 03 343138',
      '00 85 b8848d36a3 03 343138',
    ),
    [503, 503, 302, MALFORMED_BLOCK, 418, 418],
  );
});

const first = (status: string, value: string): string => `48${status} ${value}`;

test('a status reader reads the responses of RFC 7541 appendices C.5 and C.6', () => {
  assert.deepEqual(
    statusesOf(
      first(
        '03333032',
        '58 07 70726976617465 61 1d 4d6f6e2c203231204f637420323031332032303a31333a323120474d54 6e 17 68747470733a2f2f7777772e6578616d706c652e636f6d',
      ),
      '48 03 333037 c1 c0 bf',
      '88 c1 c0 bf',
    ),
    [302, 307, 200],
  );
  assert.deepEqual(
    statusesOf(
      first(
        '826402',
        '58 85 aec3771a4b 61 96 d07abe941054d444a8200595040b8166e082a62d1bff 6e 91 9d29ad171863c78f0b97c8e9ae82ae43d3',
      ),
      '48 83 640eff c1 c0 bf',
    ),
    [302, 307],
  );
});

test('a status reader follows the dynamic table, whatever is inserted', () => {
  const other = '40 01 61 01 62';
  const blocks = ['48 03 353033', `be ${other} ${other}`, 'c0', `20 3f e1 1f c0`];
  assert.deepEqual(statusesOf(...blocks), [503, 503, 503, 503]);
  // Named by an entry of the dynamic table.
  assert.deepEqual(statusesOf('48 03 353033', '7e 03 343239', 'be', 'bf'), [503, 429, 429, 503]);
});

test('a status reader tells trailers from answers', () => {
  assert.deepEqual(statusesOf('40 01 61 01 62', 'be', ''), [NO_STATUS, NO_STATUS, NO_STATUS]);
});

test('a status reader refuses what is no block of an answer', () => {
  for (const hex of [
    // Index 0, and entries that are not there.
    '80',
    'be',
    'ff 80 01',
    '7e 01 62',
    // Cut integers and strings.
    'ff',
    '48',
    '48 03 3530',
    '00 85 b8',
    '3f',
    'ff ffffffffff',
    // A status after another field, or twice; a size that comes late.
    '40 01 61 01 62 88',
    '88 88',
    '88 20',
    // What is no status.
    '08 03 303939',
    '08 03 3a3030',
    '08 02 3230',
    '08 04 32303030',
    '08 80',
    '08 81 6f',
    '08 83 6400ff',
  ]) {
    assert.deepEqual(statusesOf(hex), [MALFORMED_BLOCK], hex);
  }
});

const GRPC_STATUS = '677270632d737461747573';
const GRPC_STATUS_IN_HUFFMAN = '9acac8b21234da8f';

/** What each block says of gRPC, or its fault. */
function grpcStatusesOf(...blocks: readonly string[]): number[] {
  const reader = new Http2StatusReader();
  return blocks.map((hex) => {
    const block = Buffer.from(`ffff${hex.replaceAll(' ', '')}ffff`, 'hex');
    const status = reader.read(block, 2, block.length - 2);
    return status < 0 ? -100 : reader.grpcStatus;
  });
}

test('a status reader reads the status of gRPC, plain and in Huffman code, and follows the table', () => {
  const { length } = Buffer.from(GRPC_STATUS, 'hex');
  const name = `${length.toString(16).padStart(2, '0')} ${GRPC_STATUS}`;
  const coded = `88 ${GRPC_STATUS_IN_HUFFMAN}`;
  // The last but one is an answer of trailers only.
  const blocks = [`40 ${name} 01 30`, 'be', `7e 02 3134`, 'be', 'bf', `88 be`, '88'];
  assert.deepEqual(grpcStatusesOf(...blocks), [0, 0, 14, 14, 0, 14, NO_GRPC_STATUS]);
  const values = ['81 07', '81 77', '82 0b5f', '01 39', '02 3136'];
  const expected = [0, 7, 14, 9, 16];
  assert.deepEqual(grpcStatusesOf(...values.map((value) => `00 ${coded} ${value}`)), expected);
});

test('a status reader refuses what is no status of gRPC', () => {
  const name = `88 ${GRPC_STATUS_IN_HUFFMAN}`;
  for (const value of ['00', '80', '01 61', '03 313030', '81 00', '82 0803', '83 0842ff']) {
    assert.deepEqual(grpcStatusesOf(`00 ${name} ${value}`), [-100], value);
  }
});
