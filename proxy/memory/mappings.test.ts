import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Mapping, isDroppable, parseMappings } from './mappings.ts';

const CODE = `7f3c00000000-7f3c00010000 r-xp 00001000 fe:00 1234                       /usr/bin/node
Size:                 64 kB
KernelPageSize:        4 kB
Rss:                  48 kB
Private_Clean:        48 kB
Private_Dirty:         0 kB
Anonymous:             0 kB
Swap:                  0 kB
Locked:                0 kB
THPeligible:           0
VmFlags: rd ex mr mw me 
`;

const first = (text: string): Mapping => {
  const mapping = parseMappings(text)?.[0];
  assert.ok(mapping !== undefined);
  return mapping;
};

test('parseMappings reads head, amounts and flags', () => {
  const { end, flags, inode, kilobytes, path, permissions, start } = first(CODE);
  assert.deepEqual([start, end], [0x7f3c00000000n, 0x7f3c00010000n]);
  assert.deepEqual([permissions, inode, path], ['r-xp', 1234, '/usr/bin/node']);
  assert.deepEqual([kilobytes.get('Rss'), kilobytes.get('Anonymous')], [48, 0]);
  assert.deepEqual(flags, ['rd', 'ex', 'mr', 'mw', 'me']);
});

test('parseMappings reads what this kernel says of this process', (t) => {
  if (process.platform !== 'linux') return t.skip('there is no /proc');
  const mappings = parseMappings(readFileSync('/proc/self/smaps', 'utf8'));
  assert.ok(mappings !== undefined && mappings.length > 10);
  const code = mappings.filter((one) => one.path === process.execPath);
  assert.ok(code.some(isDroppable), 'the code of the runtime');
  assert.ok(mappings.some((one) => one.path === '[stack]' && !isDroppable(one)));
  for (const one of mappings) {
    if (isDroppable(one)) assert.match(`${one.permissions} ${one.path}`, /^r-[x-]p \//);
  }
});

test('parseMappings refuses a text with a line that is not of its kind', () => {
  for (const line of [
    'garbage',
    'Rss: many kB',
    'Rss: 4 MB',
    '7f-8f r-x 0 0:0 1 /a',
    'VmFlags: rdd',
  ]) {
    assert.equal(parseMappings(`${CODE}${line}\n`), undefined, line);
  }
  assert.equal(parseMappings('Rss: 4 kB\n'), undefined, 'a field of no mapping');
  assert.deepEqual(parseMappings(''), []);
});

test('parseMappings and isDroppable take any text', () => {
  const lines = fc.oneof(fc.string(), fc.constantFrom(...CODE.split('\n')));
  fc.assert(
    fc.property(fc.array(lines), (parts) => {
      for (const mapping of parseMappings(parts.join('\n')) ?? []) isDroppable(mapping);
    }),
  );
});

test('parseMappings of a text that was cut off finds nothing droppable in its last mapping', () => {
  for (let length = 0; length < CODE.indexOf('VmFlags'); length++) {
    const mappings = parseMappings(CODE.slice(0, length)) ?? [];
    assert.ok(!mappings.some(isDroppable), `${length} bytes`);
  }
});

test('isDroppable takes clean private read-only mappings of files', () => {
  assert.ok(isDroppable(first(CODE)));
  assert.ok(isDroppable(first(CODE.replace('r-xp', 'r--p'))));
});

for (const [what, from, to] of [
  ['can be written', 'r-xp', 'rw-p'],
  ['is shared', 'r-xp', 'r-xs'],
  ['cannot be read', 'r-xp', '---p'],
  ['has a page that was changed', 'Private_Dirty:         0', 'Private_Dirty:         4'],
  ['has a page of its own', 'Anonymous:             0', 'Anonymous:             4'],
  ['has a page in swap', 'Swap:                  0', 'Swap:                  4'],
  ['is locked', 'Locked:                0', 'Locked:                4'],
  ['does not say what was changed', 'Private_Dirty:         0 kB\n', ''],
  ['does not say what is its own', 'Anonymous:             0 kB\n', ''],
  ['does not say its flags', 'VmFlags: rd ex mr mw me \n', ''],
  ['has a flag of writing', 'rd ex', 'rd wr'],
  ['has a flag of locked memory', 'mw me', 'lo me'],
  ['has another size than it says', '64 kB', '60 kB'],
  ['ends where it begins', '7f3c00010000', '7f3c00000000'],
  ['begins within a page', '7f3c00000000', '7f3c00000010'],
  ['is of no file', ' 1234 ', ' 0 '],
  ['is of a file that was deleted', '/usr/bin/node', '/usr/bin/node (deleted)'],
  ['is of a device', '/usr/bin/node', '/dev/zero'],
  ['is of memory that looks like a file', '/usr/bin/node', '/memfd:code'],
  ['is not a path', '/usr/bin/node', '[vdso]'],
  ['has nothing resident', 'Rss:                  48', 'Rss:                   0'],
] as const) {
  test(`isDroppable leaves a mapping alone that ${what}`, () => {
    assert.ok(CODE.includes(from), from);
    const mappings = parseMappings(CODE.replace(from, to));
    assert.ok(mappings?.length === 1 && !mappings.some(isDroppable));
  });
}
