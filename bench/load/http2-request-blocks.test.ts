import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestBlocks, RequestFields } from './http2-request-blocks.ts';
import type { RequestShape } from './plan.ts';

const GET: RequestShape = { method: 'GET', path: '/', bodyBytes: 0, weight: 1 };
const AT = 3;

/** Blocks of one connection, in hex, by index of the shape. */
function blocksOf(requests: readonly RequestShape[], authority = 'web') {
  const fields = new RequestFields({ authority, requests });
  const blocks = new RequestBlocks(fields);
  const out = Buffer.alloc(AT + fields.blockBytesMax);
  const next = (shape: number): string => {
    const end = blocks.write(shape, out, AT);
    return out.toString('hex', AT, end);
  };
  return { blocks, next };
}

const hex = (text: string): string => Buffer.from(text).toString('hex');

test('a request says its fields once a connection', () => {
  const { next } = blocksOf([GET]);
  assert.equal(next(0), `8286844103${hex('web')}`);
  assert.equal(next(0), '828684be');
  assert.equal(next(0), '828684be');
});

test('requests of several shapes share one table', () => {
  const { next } = blocksOf([
    GET,
    { ...GET, path: '/a' },
    { ...GET, method: 'POST', path: '/a', bodyBytes: 10 },
  ]);
  next(0);
  // The path joins the table: what was there moves up by one.
  assert.equal(next(1), `8286be4402${hex('/a')}`);
  assert.equal(next(1), '8286bfbe');
  assert.equal(next(0), '828684bf');
  const type = hex('application/octet-stream');
  assert.equal(next(2), `8386bfbe5f18${type}5c02${hex('10')}`);
  assert.equal(next(2), '8386c1c0bfbe');
  assert.equal(next(0), '828684c1');
});

test('fields that do not fit into the table are said each time', () => {
  const path = `/${'x'.repeat(4_100)}`;
  const { next } = blocksOf([{ ...GET, path }]);
  // 7f 86 1f: 4,101 bytes with a prefix of seven bits.
  assert.match(next(0), /^82864103776562047f861f2f/);
  assert.match(next(0), /^8286be047f861f2f/);
});

test('a peer with a smaller table is told that it is empty, and gets literals', () => {
  const { blocks, next } = blocksOf([GET]);
  next(0);
  next(0);
  blocks.limitTable(100);
  const literal = `8286840103${hex('web')}`;
  assert.equal(next(0), `20${literal}`);
  assert.equal(next(0), literal);
  blocks.limitTable(0);
  assert.equal(next(0), literal);
});

test('a peer with a larger table changes nothing', () => {
  const { blocks, next } = blocksOf([GET]);
  blocks.limitTable(65_536);
  next(0);
  assert.equal(next(0), '828684be');
});

test('a head that no frame holds is refused', () => {
  const path = `/${'x'.repeat(20_000)}`;
  assert.throws(() => blocksOf([{ ...GET, path }]), /longer than a frame/);
});
