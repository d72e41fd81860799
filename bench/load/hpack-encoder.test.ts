import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackEncoder, Vocabulary } from './hpack-encoder.ts';

const words = new Vocabulary();
const NAME = words.name('x-name');
const FIELD = words.field('x-name', 'v');
const PATH = words.field(':path', '/a');
const LARGE = words.field('x-large', 'Z'.repeat(3_000));
const HUGE = words.field('x-large', 'Z'.repeat(5_000));

/** Blocks of one connection, in hex. */
function encoder() {
  const one = new HpackEncoder(words);
  const out = Buffer.alloc(8_192);
  const hex = (end: number): string => out.toString('hex', 0, end);
  return {
    one,
    known: (field: typeof FIELD): string => hex(one.known(field, out, one.begin(out, 0))),
    fresh: (value: string): string => {
      const bytes = Buffer.from(`<${value}>`);
      return hex(one.fresh(NAME, bytes, 1, bytes.length - 1, out, one.begin(out, 0)));
    },
    constant: (index: number): string => hex(one.constant(index, out, 0)),
  };
}

test('an encoder says a field once, then its index', () => {
  const { constant, known } = encoder();
  assert.equal(constant(3), '83');
  // "x-name" begins with f2b5 in Huffman code.
  const first = known(FIELD);
  assert.match(first, /^4085f2b5/);
  assert.equal(known(FIELD), 'be');
  // The name is of the static table.
  assert.match(known(PATH), /^44/);
  assert.equal(known(PATH), 'be');
  assert.equal(known(FIELD), 'bf');
});

test('an encoder finds the name of a value that it never said', () => {
  const { fresh, known } = encoder();
  known(FIELD);
  // Huffman code of "0" and of "1", each filled to a byte: no shorter, so they are as they are.
  assert.equal(fresh('0'), '7e0130');
  assert.equal(fresh('1'), '7e0131');
  assert.equal(fresh('00000000'), '7e850000000000');
  assert.equal(known(FIELD), 'c1');
});

test('an encoder says again what had to make room', () => {
  const { known } = encoder();
  const first = known(FIELD);
  known(LARGE);
  assert.equal(known(FIELD), 'bf');
  known(PATH);
  // With a second large one the table would be over its 4,096 bytes: all before it goes.
  const other = words.field('x-other', 'Z'.repeat(3_000));
  const wide = new HpackEncoder(words);
  const out = Buffer.alloc(8_192);
  const say = (field: typeof FIELD): string => out.toString('hex', 0, wide.known(field, out, 0));
  assert.equal(say(FIELD), first);
  say(LARGE);
  say(other);
  assert.equal(say(FIELD), first);
  assert.equal(say(other), 'bf');
});

test('an encoder does not index what the table cannot hold', () => {
  const { known } = encoder();
  known(FIELD);
  assert.match(known(HUGE), /^00/);
  assert.match(known(HUGE), /^00/);
  assert.equal(known(FIELD), 'be');
});

test('an encoder tells a peer with a smaller table that it keeps to it', () => {
  const { known, one } = encoder();
  const first = known(FIELD);
  one.limitTable(0);
  // 20: a table of no bytes; then a literal that is not indexed, its name said.
  const literal = `00${first.slice(2)}`;
  assert.equal(known(FIELD), `20${literal}`);
  assert.equal(known(FIELD), literal);
  one.limitTable(100);
  assert.equal(known(FIELD), literal);
});

test('an encoder evicts what a smaller table has no room for', () => {
  const { known, one } = encoder();
  const first = known(FIELD);
  known(PATH);
  // Room for one entry of 39 bytes: the older one goes.
  one.limitTable(40);
  assert.equal(known(PATH), `3f09be`);
  assert.equal(known(FIELD), first);
  assert.match(known(PATH), /^44/);
});

test('an encoder with a larger table changes nothing', () => {
  const { known, one } = encoder();
  known(FIELD);
  one.limitTable(65_536);
  assert.equal(known(FIELD), 'be');
});
