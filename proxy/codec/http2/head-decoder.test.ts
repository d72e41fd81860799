import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IndependentEncoder, blockOf } from '../../../test/support/independent-hpack.ts';
import { Head } from '../../model/head.ts';
import { HeadDecoder } from './head-decoder.ts';

const requestOf = (path: string, ...more: readonly (readonly [string, string])[]): Buffer =>
  blockOf([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'web'],
    ...more,
  ]);

function request(decoder: HeadDecoder, block: Buffer): Head {
  const among = Buffer.concat([Buffer.from('??'), block, Buffer.from('??')]);
  const head = decoder.request(among, 2, 2 + block.length);
  if (typeof head === 'string') assert.fail(head);
  return head;
}

test('HeadDecoder gives a head that recurs an origin, the same each time', () => {
  const decoder = new HeadDecoder();
  const block = requestOf('/a', ['accept', 'x']);
  const origins = Array.from({ length: 5 }, () => {
    const head = request(decoder, block);
    assert.equal(head.text(0, head.length), 'GET /a HTTP/1.1\r\nHost: web\r\naccept: x\r\n\r\n');
    return head.origin;
  });
  assert.equal(origins[0], undefined);
  assert.notEqual(origins[1], undefined);
  assert.deepEqual(new Set(origins.slice(1)).size, 1);
});

test('HeadDecoder keeps heads that recur apart from others read in between', () => {
  const decoder = new HeadDecoder();
  const blocks = ['/a', '/b', '/c'].map((path) => requestOf(path));
  const origins = new Map<string, unknown>();
  for (let round = 0; round < 6; round++) {
    for (const [i, block] of blocks.entries()) {
      const head = request(decoder, block);
      assert.equal(head.path(), ['/a', '/b', '/c'][i]);
      if (round === 1) origins.set(head.path(), head.origin);
      if (round > 1) assert.equal(head.origin, origins.get(head.path()));
    }
  }
  assert.equal(new Set(origins.values()).size, 3);
});

const inserted = (value: string): Buffer =>
  new IndependentEncoder().encode([{ name: 'x-a', value }]);

test('HeadDecoder reads a remembered block anew when the table has changed', () => {
  const decoder = new HeadDecoder();
  assert.equal(typeof decoder.trailers(inserted('old'), 0, inserted('old').length), 'object');
  const indexed = Buffer.from([0xbe]);
  const values = (): (string | undefined)[] =>
    Array.from({ length: 4 }, () => {
      const head = decoder.trailers(indexed, 0, 1);
      return typeof head === 'string' ? head : head.value(0);
    });
  assert.deepEqual(values(), ['old', 'old', 'old', 'old']);
  const fresh = inserted('new');
  decoder.trailers(fresh, 0, fresh.length);
  assert.deepEqual(values(), ['new', 'new', 'new', 'new']);
});

test('HeadDecoder remembers no block with a size update: what it says must be done again', () => {
  const decoder = new HeadDecoder();
  // "0, then a field": the table is of no use until the next update.
  const off = Buffer.from('20828684410177', 'hex');
  const on = Buffer.from('3fe11f828684410177', 'hex');
  const blocks = [off, off, on, off];
  for (const block of blocks) assert.equal(request(decoder, block).authority(), 'w');
  const indexed = Buffer.from([0x82, 0x86, 0x84, 0xbe]);
  assert.equal(decoder.request(indexed, 0, 4), 'compression-error');
});

test('HeadDecoder does not take a remembered head of one kind for another', () => {
  const decoder = new HeadDecoder();
  const block = requestOf('/');
  for (let i = 0; i < 3; i++) request(decoder, block);
  assert.equal(decoder.trailers(block, 0, block.length), 'malformed');
  assert.equal(decoder.response(block, 0, block.length), 'malformed');
  assert.notEqual(request(decoder, block).origin, undefined);
});

test('HeadDecoder does not remember what must never be indexed', () => {
  const decoder = new HeadDecoder();
  const fields = [':method GET', ':scheme http', ':path /'].map((text) => {
    const [name = '', value = ''] = text.split(' ');
    return { name, value };
  });
  const secret = { name: 'authorization', value: 'x', neverIndex: true };
  const block = new IndependentEncoder().encode([...fields, secret]);
  for (let i = 0; i < 4; i++) {
    const head = request(decoder, block);
    assert.equal(head.origin, undefined);
    assert.equal(head.neverIndexed(1), true);
  }
});

test('HeadDecoder remembers none that are large', () => {
  const decoder = new HeadDecoder();
  const large = requestOf('/', ['x', '~'.repeat(500)]);
  for (let i = 0; i < 3; i++) assert.equal(request(decoder, large).origin, undefined);
  // A short block of a large head.
  const encoder = new IndependentEncoder();
  const fields = [
    { name: ':method', value: 'GET' },
    { name: ':scheme', value: 'http' },
    { name: ':path', value: '/' },
    { name: 'x', value: 'v'.repeat(3000) },
  ];
  for (let i = 0; i < 4; i++)
    assert.equal(request(decoder, encoder.encode(fields)).origin, undefined);
});

test('HeadDecoder remembers some of more blocks than it has places for, and reads all', () => {
  const decoder = new HeadDecoder();
  const blocks = Array.from({ length: 12 }, (_, i) => requestOf(`/${i}`));
  for (let round = 0; round < 20; round++) {
    for (const [i, block] of blocks.entries())
      assert.equal(request(decoder, block).path(), `/${i}`);
  }
});

test('HeadDecoder remembers new blocks in the place of those that come no more', () => {
  const decoder = new HeadDecoder();
  for (const prefix of ['/old', '/new']) {
    const blocks = Array.from({ length: 8 }, (_, i) => requestOf(`${prefix}${i}`));
    for (let round = 0; round < 10; round++) for (const block of blocks) request(decoder, block);
    for (const block of blocks) assert.notEqual(request(decoder, block).origin, undefined);
  }
});

test('HeadDecoder remembers a block that recurs among many that do not', () => {
  const decoder = new HeadDecoder();
  const same = requestOf('/same');
  let remembered = 0;
  for (let i = 0; i < 500; i++) {
    if (request(decoder, same).origin !== undefined) remembered++;
    assert.equal(request(decoder, requestOf(`/${i}`)).origin, undefined);
  }
  assert.ok(remembered >= 498, `${remembered}`);
});

test('HeadDecoder.drop keeps the table in step, and says when the block is malformed', () => {
  const decoder = new HeadDecoder();
  const insert = new IndependentEncoder().encode([{ name: 'x-a', value: 'b' }]);
  assert.equal(decoder.drop(insert, 0, insert.length), true);
  const head = decoder.trailers(Buffer.from([0xbe]), 0, 1);
  assert.ok(head instanceof Head);
  assert.equal(head.value(0), 'b');
  assert.equal(decoder.drop(Buffer.from([0xc0]), 0, 1), false);
});

test('HeadDecoder does not remember what begins a tunnel', () => {
  const decoder = new HeadDecoder();
  const connect = blockOf([
    [':method', 'CONNECT'],
    [':authority', 'web:80'],
  ]);
  for (let i = 0; i < 4; i++) assert.equal(request(decoder, connect).origin, undefined);
});
