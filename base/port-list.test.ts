import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPortList, hasPort, mergeRanges, parsePortList } from './port-list.ts';

const range = (first: number, last = first) => ({ first, last });

for (const [text, ranges, names] of [
  ['', [], []],
  ['  ', [], []],
  ['25', [range(25)], []],
  ['1,65535', [range(1), range(65_535)], []],
  ['3306, 4444-4450 ,mysql', [range(3306), range(4444, 4450)], ['mysql']],
  ['80-80', [range(80)], []],
  ['h2-80,80-a,1e3', [], ['h2-80', '80-a', '1e3']],
] as const) {
  test(`parsePortList reads "${text}"`, () => {
    assert.deepEqual(parsePortList(text), { ranges, names });
  });
}

for (const [text, part] of [
  ['0', '0'],
  ['65536', '65536'],
  ['99999999999', '99999999999'],
  ['90-80', '90-80'],
  ['0-80', '0-80'],
  ['80-65536', '80-65536'],
  ['80,', ''],
  [',80', ''],
  ['80 81', '80 81'],
  ['80;81', '80;81'],
  ['-80', '-80'],
  ['80-', '80-'],
  ['MySQL', 'MySQL'],
  ['*', '*'],
] as const) {
  test(`parsePortList says what is wrong with "${text}"`, () => {
    assert.equal(parsePortList(text), part);
  });
}

test('formatPortList writes what parsePortList reads', () => {
  const ranges = [range(25), range(4444, 4450)];
  assert.equal(formatPortList(ranges), '25,4444-4450');
  assert.deepEqual(parsePortList(formatPortList(ranges)), { ranges, names: [] });
  assert.equal(formatPortList([]), '');
});

test('mergeRanges says the same ports in order, and each once', () => {
  const ranges = [range(20, 29), range(5), range(30), range(22, 24), range(6), range(8), range(5)];
  assert.deepEqual(mergeRanges(ranges), [range(5, 6), range(8), range(20, 30)]);
  assert.deepEqual(mergeRanges([]), []);
  const many = Array.from({ length: 200_000 }, (_, i) => range(1 + ((i * 7_919) % 65_535)));
  assert.deepEqual(mergeRanges(many), [range(1, 65_535)]);
});

test('hasPort knows both ends of a range', () => {
  const ranges = [range(10, 12), range(20)];
  const found = [9, 10, 12, 13, 20].filter((port) => hasPort(ranges, port));
  assert.deepEqual(found, [10, 12, 20]);
});
