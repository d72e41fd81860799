/** Our HPACK against an independent one, both ways, and against any bytes at all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type HpackField,
  IndependentDecoder,
  IndependentEncoder,
} from '../../../../test/support/independent-hpack.ts';
import { HpackDecoder } from './decoder.ts';
import { HpackEncoder, INDEX_RECURRING, LITERAL, NEVER_INDEXED } from './encoder.ts';
import { FieldSection } from './field-section.ts';

const SIZE_MAX = 65_536;
const COUNT_MAX = 256;

/** Mostly from a few, so that they recur. */
const NAMES = ['accept', 'x-id', 'cookie', 'date', 'x-a', 'server', 'content-type', 'via'];
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NAMES) },
  { weight: 1, arbitrary: fc.nat(1e6).map((n) => `x-${n}`) },
  { weight: 1, arbitrary: fc.nat(200).map((n) => `x-${'n'.repeat(n)}`) },
);
const binary = (maxLength: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const value = fc.oneof(
  { weight: 4, arbitrary: fc.nat(6).map((n) => `value-${n}`) },
  { weight: 2, arbitrary: fc.nat(1e6).map((n) => `${n}`) },
  { weight: 2, arbitrary: binary(40) },
  { weight: 1, arbitrary: fc.nat(3000).map((n) => 'vV'.repeat(n)) },
);

const field: fc.Arbitrary<HpackField> = fc.record({
  name,
  value,
  neverIndex: fc.boolean(),
  incremental: fc.boolean(),
  huffman: fc.boolean(),
});

interface Block {
  readonly fields: readonly HpackField[];
  /** Changes of the table's size before it. */
  readonly sizes: readonly number[];
}
const blocks: fc.Arbitrary<readonly Block[]> = fc.array(
  fc.record({
    fields: fc.array(field, { minLength: 1, maxLength: 12 }),
    sizes: fc.oneof(
      { weight: 4, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.array(fc.constantFrom(0, 30, 64, 500, 4096), { maxLength: 2 }) },
    ),
  }),
  { maxLength: 12 },
);

const told = (section: FieldSection): HpackField[] =>
  Array.from({ length: section.count }, (_, i) => ({
    name: section.bytes.toString('latin1', section.nameStart(i), section.nameEnd(i)),
    value: section.bytes.toString('latin1', section.valueStart(i), section.valueEnd(i)),
    neverIndex: section.neverIndexed(i),
  }));

const plain = ({ name, value, neverIndex = false }: HpackField): HpackField => ({
  name,
  value,
  neverIndex,
});

test('HpackDecoder reads what an independent encoder writes, through changes of the size', () => {
  fc.assert(
    fc.property(blocks, (all) => {
      const encoder = new IndependentEncoder();
      const decoder = new HpackDecoder(4096);
      const section = new FieldSection();
      for (const { fields, sizes } of all) {
        const updates = sizes.map((bytes) => encoder.resize(bytes));
        const block = Buffer.concat([...updates, encoder.encode(fields)]);
        assert.ok(decoder.decode(block, 0, block.length, section, SIZE_MAX, COUNT_MAX));
        assert.deepEqual(told(section), fields.map(plain));
      }
    }),
    { numRuns: 300 },
  );
});

const indexingOf = ({ neverIndex, incremental }: HpackField) =>
  neverIndex === true ? NEVER_INDEXED : incremental === true ? INDEX_RECURRING : LITERAL;

function encode(encoder: HpackEncoder, { fields, sizes }: Block): Buffer {
  for (const bytes of sizes) encoder.setPeerTableBytesMax(bytes);
  const room = fields.reduce((sum, one) => sum + one.name.length + one.value.length + 12, 20);
  const out = Buffer.alloc(room);
  let at = encoder.begin(out, 0);
  for (const one of fields) {
    const bytes = Buffer.from(`${one.name}${one.value}`, 'latin1');
    const nameEnd = one.name.length;
    at = encoder.field(out, at, bytes, 0, nameEnd, nameEnd, bytes.length, indexingOf(one));
  }
  assert.ok(at <= room);
  return out.subarray(0, at);
}

test('An independent decoder reads what HpackEncoder writes, and so does ours', () => {
  fc.assert(
    fc.property(blocks, (all) => {
      const encoder = new HpackEncoder();
      const independent = new IndependentDecoder();
      const decoder = new HpackDecoder(4096);
      const section = new FieldSection();
      for (const one of all) {
        // Each block twice, so that what recurs is indexed.
        for (const { fields, sizes } of [one, { ...one, sizes: [] }]) {
          const block = encode(encoder, { fields, sizes });
          assert.deepEqual(independent.decode(block).map(plain), fields.map(plain));
          for (const bytes of sizes) decoder.setTableBytesMax(bytes);
          assert.ok(decoder.decode(block, 0, block.length, section, SIZE_MAX, COUNT_MAX));
          assert.deepEqual(told(section), fields.map(plain));
        }
      }
    }),
    { numRuns: 300 },
  );
});

/** Bytes that look like a block, with some that do not. */
const octets = fc.array(
  fc.oneof(
    fc.constantFrom(0x82, 0x84, 0xbe, 0xbf, 0xc0, 0x40, 0x00, 0x10, 0x20, 0x3f, 0xff, 0x7f, 0x0f),
    fc.constantFrom(0x01, 0x02, 0x05, 0x61, 0x81, 0x85, 0xf8),
    fc.nat(255),
  ),
  { maxLength: 120 },
);

test('HpackDecoder takes any bytes: no exception, bounded memory, nothing read beyond the end', () => {
  fc.assert(
    fc.property(fc.array(octets, { maxLength: 8 }), fc.constantFrom(SIZE_MAX, 200), (all, most) => {
      // The same block before other bytes: what it means must not depend on them.
      const alone = new HpackDecoder(4096);
      const beside = new HpackDecoder(4096);
      const first = new FieldSection();
      const second = new FieldSection();
      for (const one of all) {
        const block = Buffer.from(one);
        const among = Buffer.concat([Buffer.alloc(7, 0xff), block, Buffer.alloc(9, 0x61)]);
        const end = 7 + block.length;
        const ok = alone.decode(block, 0, block.length, first, most, COUNT_MAX);
        assert.equal(beside.decode(among, 7, end, second, most, COUNT_MAX), ok);
        assert.ok(alone.heldBytes <= 4 * 4096);
        assert.ok(first.sizeBytes <= most);
        if (!ok) return;
        assert.deepEqual(told(first), told(second));
        assert.equal(first.invalid, second.invalid);
      }
    }),
    { numRuns: 3000 },
  );
});

test('HpackDecoder reads no field of a cut block otherwise than of the whole one', () => {
  fc.assert(
    fc.property(fc.array(field, { minLength: 1, maxLength: 5 }), (fields) => {
      const block = new IndependentEncoder().encode(fields);
      for (let cut = 0; cut < Math.min(block.length, 300); cut++) {
        const section = new FieldSection();
        const decoder = new HpackDecoder(4096);
        const ok = decoder.decode(block, 0, cut, section, SIZE_MAX, COUNT_MAX);
        const expected = fields.slice(0, section.count).map(plain);
        assert.deepEqual(told(section), expected);
        if (ok) assert.ok(section.count < fields.length);
      }
    }),
    { numRuns: 60 },
  );
});
