import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import * as table from './static-table.ts';

interface StaticTable {
  readonly table: readonly { readonly name: string; readonly value: string }[];
}
const independent = createRequire(import.meta.url)(
  'hpack.js/lib/hpack/static-table.js',
) as StaticTable;

test('The static table is that of an independent implementation', () => {
  assert.equal(table.STATIC_COUNT, 61);
  const lines = Array.from({ length: table.STATIC_COUNT }, (_, i) => {
    const start = table.STATIC_STARTS[i + 1] ?? 0;
    const names = table.STATIC_NAME_LENGTHS[i + 1] ?? 0;
    const values = table.STATIC_VALUE_LENGTHS[i + 1] ?? 0;
    return table.STATIC_LINES.toString('latin1', start, start + names + values + 4);
  });
  assert.deepEqual(
    lines,
    independent.table.map(({ name, value }) => `${name}: ${value}\r\n`),
  );
});

const nameAt = (index: number): string => independent.table[index - 1]?.name ?? '';

test('The first entries of pseudo-fields are where they are said to be', () => {
  for (const [index, name] of [
    [table.STATIC_AUTHORITY, ':authority'],
    [table.STATIC_METHOD, ':method'],
    [table.STATIC_PATH, ':path'],
    [table.STATIC_SCHEME, ':scheme'],
    [table.STATIC_STATUS, ':status'],
  ] as const) {
    assert.equal(nameAt(index), name);
    assert.notEqual(nameAt(index - 1), name);
  }
});
