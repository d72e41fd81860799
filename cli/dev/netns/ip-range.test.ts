import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressAt, formatIpRange, overlap, parseIpRange, parseIpv4, sizeOf } from './ip-range.ts';
import type { IpRange } from './ip-range.ts';

function range(text: string): IpRange {
  const parsed = parseIpRange(text);
  assert.ok(parsed, text);
  return parsed;
}

test('range is read and written as it was', () => {
  for (const text of ['10.199.0.0/16', '192.168.7.0/24', '203.0.113.8/29', '10.0.0.0/8']) {
    assert.equal(formatIpRange(range(text)), text);
  }
  assert.equal(sizeOf(range('10.199.0.0/16')), 65_536);
  assert.equal(addressAt(range('203.0.113.8/29'), 7), '203.0.113.15');
  assert.equal(addressAt(range('10.199.0.0/16'), 256), '10.199.1.0');
});

test('range that is none, has host bits, or no room or no end is refused', () => {
  for (const text of [
    '',
    '10.199.0.0',
    '10.199.0.0/',
    '10.199.0.0/16/16',
    '10.199.0.0/30',
    '10.0.0.0/7',
    '10.199.0.1/16',
    '10.199.0/16',
    '10.199.0.256/24',
    '10.199.00.0/16',
    'fd00::/64',
    '10.199.0.0/1e1',
  ]) {
    assert.equal(parseIpRange(text), undefined, text);
  }
});

test('address above 127 is a positive number', () => {
  assert.equal(parseIpv4('255.255.255.255'), 2 ** 32 - 1);
  assert.equal(parseIpv4('1.2.3'), undefined);
});

test('ranges overlap when one holds the other, whichever is named first', () => {
  const pods = range('10.199.0.0/16');
  for (const [text, expected] of [
    ['10.199.0.0/16', true],
    ['10.199.255.248/29', true],
    ['10.0.0.0/8', true],
    ['10.198.0.0/16', false],
    ['10.200.0.0/16', false],
  ] as const) {
    assert.equal(overlap(pods, range(text)), expected, text);
    assert.equal(overlap(range(text), pods), expected, text);
  }
});
