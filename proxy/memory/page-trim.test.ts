import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type DropPages, dropAll, droppablePages } from './page-trim.ts';

const mapping = (start: string, end: string, permissions: string, rssKb: number): string =>
  `${start}-${end} ${permissions} 00000000 fe:00 7   /bin/a
Size:                  8 kB
Rss:                   ${rssKb} kB
Private_Dirty:         0 kB
Anonymous:             0 kB
Swap:                  0 kB
Locked:                0 kB
VmFlags: rd mr mw me 
`;

const TEXT =
  mapping('10000', '12000', 'r-xp', 8) +
  mapping('20000', '22000', 'rw-p', 8) +
  mapping('30000', '32000', 'r--p', 4);

const trimPages = (text: string, drop: DropPages): number => dropAll(droppablePages(text), drop);

test('dropAll drops each mapping that may be, whole, and says what was resident', () => {
  const dropped: (readonly [bigint, bigint])[] = [];
  const bytes = trimPages(TEXT, (...call) => dropped.push(call) > 0);
  assert.deepEqual(dropped, [
    [0x10000n, 0x2000n],
    [0x30000n, 0x2000n],
  ]);
  assert.equal(bytes, 12 * 1024);
});

test('dropAll does not count what the kernel refuses', () => {
  assert.equal(
    trimPages(TEXT, (address) => address === 0x30000n),
    4 * 1024,
  );
});

test('droppablePages gives nothing when it does not understand all', () => {
  assert.throws(() => droppablePages(`${TEXT}what?\n`), /not understood/);
});
