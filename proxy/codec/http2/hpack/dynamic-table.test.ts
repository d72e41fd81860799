import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DynamicTable } from './dynamic-table.ts';

/** Adds an entry as the decoder does; what does not fit empties the table. */
function insert(table: DynamicTable, name: string, value: string): void {
  const size = name.length + value.length + 32;
  table.makeRoom(size);
  if (size > table.maxBytes) return;
  const at = table.add(name.length, value.length, name.length % 7, value.length % 5);
  table.bytes.write(`${name}: ${value}\r\n`, at, 'latin1');
}

/** Lines, newest first, as the table tells them. */
const linesOf = (table: DynamicTable): string[] =>
  Array.from({ length: table.count }, (_, age) => {
    const slot = table.slot(age);
    assert.equal(table.age(slot), age);
    const start = table.lineStart(slot);
    const nameLength = table.nameLength(slot);
    const valueLength = table.valueLength(slot);
    assert.equal(table.id(slot), nameLength % 7);
    assert.equal(table.marks(slot), valueLength % 5);
    return table.bytes.toString('latin1', start, start + nameLength + valueLength + 4);
  });

test('DynamicTable evicts the oldest until an entry fits', () => {
  const table = new DynamicTable(100, 4);
  insert(table, 'a', '1');
  insert(table, 'b', '2');
  assert.equal(table.sizeBytes, 68);
  insert(table, 'c', '3');
  assert.deepEqual(linesOf(table), ['c: 3\r\n', 'b: 2\r\n']);
  insert(table, 'd', 'x'.repeat(66));
  assert.deepEqual(linesOf(table), [`d: ${'x'.repeat(66)}\r\n`.slice(0, 71)]);
});

test('DynamicTable is emptied by an entry larger than itself', () => {
  const table = new DynamicTable(100, 4);
  insert(table, 'a', '1');
  insert(table, 'b', 'x'.repeat(68));
  assert.deepEqual([table.count, table.sizeBytes], [0, 0]);
});

test('DynamicTable takes an entry of just its size', () => {
  const table = new DynamicTable(100, 4);
  insert(table, 'b', 'x'.repeat(67));
  assert.deepEqual([table.count, table.sizeBytes], [1, 100]);
});

test('DynamicTable.resize evicts, and changes the generation even when it does not', () => {
  const table = new DynamicTable(200, 4);
  insert(table, 'a', '1');
  insert(table, 'b', '2');
  const before = table.generation;
  table.resize(200);
  assert.notEqual(table.generation, before);
  table.resize(40);
  assert.deepEqual(linesOf(table), ['b: 2\r\n']);
  table.resize(0);
  assert.equal(table.count, 0);
});

test('DynamicTable grows when an entry does not fit between the newest and the oldest line', () => {
  const table = new DynamicTable(700, 16);
  // Six lines of 100 bytes: the last goes where the first was, before the other four.
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) insert(table, name, 'v'.repeat(95));
  assert.equal(table.bytes.length, 512);
  assert.equal(table.lineStart(table.slot(0)), 0);
  insert(table, 'g', 'w'.repeat(145));
  const names = linesOf(table).map((line) => line.slice(0, 4));
  assert.deepEqual(names, ['g: w', 'f: v', 'e: v', 'd: v', 'c: v']);
  assert.equal(table.bytes.length, 1024);
});

interface Step {
  readonly resize: number | undefined;
  readonly name: string;
  readonly value: string;
}
const text = (max: number): fc.Arbitrary<string> =>
  fc.nat(max).map((length) => 'abcdefghij'.repeat(30).slice(0, length));
const step: fc.Arbitrary<Step> = fc.record({
  resize: fc.option(fc.nat(700), { freq: 12, nil: undefined }),
  name: text(40),
  value: text(200),
});

test('DynamicTable holds what a list of strings would, in bounded memory', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.constantFrom(1, 4, 16), (steps, slots) => {
      const table = new DynamicTable(700, slots);
      let model: [name: string, value: string][] = [];
      const size = (): number => model.reduce((sum, [n, v]) => sum + n.length + v.length + 32, 0);
      let max = 700;
      for (const [i, { resize, name: prefix, value }] of steps.entries()) {
        if (resize !== undefined) table.resize((max = resize));
        const name = `${i}${prefix}`;
        insert(table, name, value);
        model.unshift([name, value]);
        while (size() > max) model = model.slice(0, -1);
        assert.deepEqual(
          linesOf(table),
          model.map(([n, v]) => `${n}: ${v}\r\n`),
        );
        assert.equal(table.sizeBytes, size());
        assert.ok(table.bytes.length <= 4 * 700);
      }
    }),
    { numRuns: 150 },
  );
});
