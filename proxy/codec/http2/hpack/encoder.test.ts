import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IndependentDecoder } from '../../../../test/support/independent-hpack.ts';
import { HpackEncoder, INDEX_RECURRING, type Indexing, LITERAL, NEVER_INDEXED } from './encoder.ts';
import { STATIC_METHOD, STATIC_PATH, STATIC_STATUS } from './static-table.ts';

const OFFSET = 5;
const out = Buffer.alloc(16_384);

/** The block that `write` writes. */
function block(encoder: HpackEncoder, write: (at: number) => number): string {
  out.fill(0xaa);
  const end = write(encoder.begin(out, OFFSET));
  assert.equal(out[end], 0xaa);
  assert.equal(out.toString('hex', 0, OFFSET), 'aa'.repeat(OFFSET));
  return out.toString('hex', OFFSET, end);
}

function put(
  encoder: HpackEncoder,
  at: number,
  name: string,
  value: string,
  indexing: Indexing = INDEX_RECURRING,
): number {
  const bytes = Buffer.from(`?${name}${value}?`, 'latin1');
  const nameEnd = 1 + name.length;
  return encoder.field(out, at, bytes, 1, nameEnd, nameEnd, nameEnd + value.length, indexing);
}

const field = (
  encoder: HpackEncoder,
  name: string,
  value: string,
  indexing: Indexing = INDEX_RECURRING,
): string => block(encoder, (at) => put(encoder, at, name, value, indexing));

function pseudo(encoder: HpackEncoder, index: number, value: string): string {
  const bytes = Buffer.from(`?${value}?`, 'latin1');
  return block(encoder, (at) => encoder.pseudo(out, at, index, bytes, 1, 1 + value.length));
}

test('HpackEncoder writes a field as it is, then into the table, then as an index', () => {
  const encoder = new HpackEncoder();
  assert.equal(
    field(encoder, 'custom-key', 'custom-value'),
    '000a637573746f6d2d6b65790c637573746f6d2d76616c7565',
  );
  assert.equal(
    field(encoder, 'custom-key', 'custom-value'),
    '408825a849e95ba97d7f8925a849e95bb8e8b4bf',
  );
  assert.equal(field(encoder, 'custom-key', 'custom-value'), 'be');
  assert.equal(field(encoder, 'custom-key', 'custom-value'), 'be');
});

test('HpackEncoder does not put into the table what varies', () => {
  const encoder = new HpackEncoder();
  const { generation } = encoder;
  for (let i = 0; i < 1000; i++) field(encoder, 'x-request-id', `id-${i}`);
  assert.equal(encoder.generation, generation);
});

test('HpackEncoder writes names in lower case, and finds them in any', () => {
  const encoder = new HpackEncoder();
  assert.equal(field(encoder, 'X-A', 'B'), '0003782d610142');
  assert.equal(field(encoder, 'x-A', 'B'), '4003782d610142');
  assert.equal(field(encoder, 'X-a', 'B'), 'be');
  assert.equal(field(encoder, 'X-a', 'b'), '0003782d610162');
});

test('HpackEncoder names by the static table', () => {
  const encoder = new HpackEncoder();
  assert.equal(field(encoder, 'Accept', 'x'), '0f040178');
  assert.equal(field(encoder, 'accept', 'x'), '530178');
  assert.equal(field(encoder, 'www-authenticate', 'x'), '0f2e0178');
  assert.equal(field(encoder, 'accepts', 'x'), '0007616363657074730178');
});

test('HpackEncoder indexes what the static table has whole', () => {
  const encoder = new HpackEncoder();
  assert.equal(field(encoder, 'Accept-Encoding', 'gzip, deflate'), '90');
  assert.equal(field(encoder, 'accept-charset', ''), '8f');
  assert.equal(pseudo(encoder, STATIC_METHOD, 'GET'), '82');
  assert.equal(pseudo(encoder, STATIC_METHOD, 'POST'), '83');
  assert.equal(pseudo(encoder, STATIC_PATH, '/'), '84');
  assert.equal(pseudo(encoder, STATIC_PATH, '/index.html'), '85');
  assert.equal(pseudo(encoder, STATIC_STATUS, '500'), '8e');
  assert.equal(encoder.settled, true);
});

test('HpackEncoder writes pseudo-fields that recur into the table too', () => {
  const encoder = new HpackEncoder();
  assert.equal(pseudo(encoder, STATIC_PATH, '/a'), '04022f61');
  assert.equal(pseudo(encoder, STATIC_PATH, '/a'), '44022f61');
  assert.equal(pseudo(encoder, STATIC_PATH, '/a'), 'be');
  assert.equal(pseudo(encoder, STATIC_STATUS, '418'), '0803343138');
});

test('HpackEncoder keeps literals out of the table, and says which never go into one', () => {
  const encoder = new HpackEncoder();
  for (let i = 0; i < 3; i++) {
    assert.equal(field(encoder, 'set-cookie', 'a', LITERAL), '0f280161');
    assert.equal(field(encoder, 'Authorization', 'a', NEVER_INDEXED), '1f080161');
    assert.equal(field(encoder, 'x', 'a', NEVER_INDEXED), '1001780161');
    assert.equal(field(encoder, 'x', 'a', LITERAL), '0001780161');
    assert.equal(encoder.settled, true);
  }
});

test('HpackEncoder is settled when the same fields would be written the same again', () => {
  const encoder = new HpackEncoder();
  field(encoder, 'a', '1');
  assert.equal(encoder.settled, false);
  field(encoder, 'a', '1');
  field(encoder, 'a', '1');
  assert.equal(encoder.settled, true);
  // Too large for the table: it stays a literal for ever.
  const large = 'v'.repeat(2048);
  assert.equal(field(encoder, 'a', large), field(encoder, 'a', large));
  assert.equal(encoder.settled, true);
});

test('HpackEncoder writes nothing of size updates while the peer allows what we use', () => {
  const encoder = new HpackEncoder();
  for (const bytes of [4096, 65_536, 4096, 4_294_967_295]) {
    encoder.setPeerTableBytesMax(bytes);
    assert.equal(
      block(encoder, (at) => at),
      '',
    );
  }
});

test('HpackEncoder says a lower size at the start of the next block, once', () => {
  const encoder = new HpackEncoder();
  encoder.setPeerTableBytesMax(128);
  assert.equal(field(encoder, 'accept-charset', ''), '3f618f');
  assert.equal(field(encoder, 'accept-charset', ''), '8f');
  encoder.setPeerTableBytesMax(0);
  assert.equal(field(encoder, 'accept-charset', ''), '208f');
  encoder.setPeerTableBytesMax(1_000_000);
  assert.equal(field(encoder, 'accept-charset', ''), '3fe11f8f');
});

test('HpackEncoder says the lowest size and the last one when there were several', () => {
  const encoder = new HpackEncoder();
  for (const bytes of [2000, 30, 100, 4096]) encoder.setPeerTableBytesMax(bytes);
  assert.equal(
    block(encoder, (at) => at),
    '3e3fe11f',
  );
  for (const bytes of [50, 30]) encoder.setPeerTableBytesMax(bytes);
  assert.equal(
    block(encoder, (at) => at),
    '3e',
  );
  for (const bytes of [20, 30]) encoder.setPeerTableBytesMax(bytes);
  assert.equal(
    block(encoder, (at) => at),
    '343e',
  );
});

test('HpackEncoder evicts with a lower size, and indexes nothing at 0', () => {
  const encoder = new HpackEncoder();
  for (let i = 0; i < 3; i++) field(encoder, 'a', '1');
  const { generation } = encoder;
  encoder.setPeerTableBytesMax(0);
  assert.equal(field(encoder, 'a', '1'), '200001610131');
  assert.notEqual(encoder.generation, generation);
  for (let i = 0; i < 3; i++) assert.equal(field(encoder, 'a', '1'), '0001610131');
  encoder.setPeerTableBytesMax(4096);
  assert.equal(field(encoder, 'a', '1'), '3fe11f4001610131');
  assert.equal(field(encoder, 'a', '1'), 'be');
});

test('HpackEncoder and an independent decoder stay in step through many evictions', () => {
  const encoder = new HpackEncoder();
  const decoder = new IndependentDecoder();
  for (let i = 0; i < 3000; i++) {
    // Each comes twice in a row, and again later.
    const k = i >> 1;
    const [name, value] = [`name-${k % 11}`, `${'v'.repeat((k * 37) % 300)}${k % 97}`];
    const bytes = Buffer.from(field(encoder, name, value), 'hex');
    assert.deepEqual(decoder.decode(bytes), [{ name, value, neverIndex: false }]);
    assert.ok(decoder.tableBytes <= 4096);
  }
  assert.ok(decoder.tableBytes > 3000);
});

test('HpackEncoder writes what it would without knowing the order of fields', () => {
  // Names and values that are alike, in any order, in blocks that evict.
  const one = fc.record({
    name: fc.constantFrom('x-a', 'X-a', 'x-b', 'x-bb', 'te', 'accept'),
    value: fc.constantFrom('', '1', '2', '11', 'v'.repeat(900), 'w'.repeat(900)),
    blanks: fc.constantFrom(': ', ':', ':\t', ':  '),
  });
  fc.assert(
    fc.property(fc.array(fc.array(one, { maxLength: 6 }), { maxLength: 30 }), (blocks) => {
      const encoder = new HpackEncoder();
      const decoder = new IndependentDecoder();
      for (const fields of blocks) {
        const written = block(encoder, (begun) => {
          let at = begun;
          for (const { blanks, name, value } of fields) {
            const line = Buffer.from(`>${name}${blanks}${value}`);
            const from = 1 + name.length + blanks.length;
            at = encoder.field(
              out,
              at,
              line,
              1,
              1 + name.length,
              from,
              line.length,
              INDEX_RECURRING,
            );
          }
          return at;
        });
        assert.deepEqual(
          decoder.decode(Buffer.from(written, 'hex')),
          fields.map(({ name, value }) => ({ name: name.toLowerCase(), value, neverIndex: false })),
        );
      }
    }),
  );
});

test('HpackEncoder finds fields in their order, in another one, and after it', () => {
  const encoder = new HpackEncoder();
  const names = ['a', 'b', 'c'];
  const write = (order: readonly string[]): string =>
    block(encoder, (begun) => {
      let at = begun;
      for (const name of order) {
        const line = Buffer.from(`${name}: 1`);
        at = encoder.field(out, at, line, 0, 1, 3, 4, INDEX_RECURRING);
      }
      return at;
    });
  for (let i = 0; i < 2; i++) write(names);
  assert.equal(write(names), 'c0bfbe');
  assert.equal(write(['c', 'a', 'b']), 'bec0bf');
  assert.equal(write(['c', 'a', 'b']), 'bec0bf');
  assert.equal(write(names), 'c0bfbe');
  assert.equal(write(['a', 'a', 'c']), 'c0c0be');
});

test('HpackEncoder holds memory for the entries it has, not for all it may have', () => {
  const encoder = new HpackEncoder();
  assert.ok(encoder.heldBytes <= 128, `${encoder.heldBytes} bytes before the first block`);
  const decoder = new IndependentDecoder();
  const write = (count: number): void => {
    const names = Array.from({ length: count }, (_, i) => `x-${i}`);
    const written = block(encoder, (begun) =>
      names.reduce((at, name) => put(encoder, at, name, ''), begun),
    );
    const fields = decoder.decode(Buffer.from(written, 'hex'));
    assert.deepEqual(
      fields.map(({ name }) => name),
      names,
    );
  };
  for (let i = 0; i < 3; i++) write(10);
  assert.ok(encoder.heldBytes <= 1_536, `${encoder.heldBytes} bytes for ten entries`);
  // As many as the table can have, and more.
  for (let count = 10; count <= 120; count++) write(count);
  assert.ok(decoder.tableBytes > 3_900);
  assert.ok(encoder.heldBytes <= 9_216, `${encoder.heldBytes} bytes for a full table`);
});
