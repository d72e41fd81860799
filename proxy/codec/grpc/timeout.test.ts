import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestOf } from '../../../test/support/request-of.ts';
import { NO_TIMEOUT, formatGrpcTimeout, readGrpcTimeoutUs } from './timeout.ts';

const read = (value: string): number =>
  readGrpcTimeoutUs(requestOf('POST /a.B/C', `grpc-timeout: ${value}`));

for (const [value, us] of [
  ['1H', 3_600_000_000],
  ['2M', 120_000_000],
  ['3S', 3_000_000],
  ['4m', 4_000],
  ['5u', 5],
  ['6n', 0.006],
  ['1500n', 1.5],
  ['0S', 0],
  ['00000007m', 7_000],
  ['99999999H', 99_999_999 * 3_600_000_000],
] as const) {
  test(`readGrpcTimeoutUs of ${value} is ${us}`, () => {
    assert.ok(Math.abs(read(value) - us) < 1e-9);
  });
}

for (const value of [
  '',
  'S',
  '1',
  '100',
  '123456789m',
  '-1S',
  '+1S',
  '1.5S',
  '1 S',
  '1s',
  '1h',
  '1U',
  '1SS',
  '0x1S',
  'infinity',
  '1S, 2S',
]) {
  test(`readGrpcTimeoutUs of ${JSON.stringify(value)} is no timeout`, () => {
    assert.equal(read(value), NO_TIMEOUT);
  });
}

test('readGrpcTimeoutUs of no field, or of two, is no timeout', () => {
  assert.equal(readGrpcTimeoutUs(requestOf('POST /a.B/C', 'x-grpc-timeout: 1S')), NO_TIMEOUT);
  const two = requestOf('POST /a.B/C', 'grpc-timeout: 1S', 'x: y', 'Grpc-Timeout: 1S');
  assert.equal(readGrpcTimeoutUs(two), NO_TIMEOUT);
});

test('readGrpcTimeoutUs takes the name in any case, and no space around the value', () => {
  assert.equal(readGrpcTimeoutUs(requestOf('POST /a.B/C', 'GRPC-TimeOut:   9S  ')), 9_000_000);
});

for (const [us, text] of [
  [1, '1u'],
  [1.9, '1u'],
  [499_999, '499999u'],
  [99_999_999, '99999999u'],
  [100_000_000, '100000m'],
  [100_000_999, '100000m'],
  [99_999_999_999, '99999999m'],
  [100_000_000_000, '100000S'],
  [99_999_999 * 60_000_000 + 59_000_000, '99999999M'],
  [99_999_999 * 3_600_000_000, '99999999H'],
  [1e300, '99999999H'],
] as const) {
  test(`formatGrpcTimeout of ${us} us is ${text}`, () => {
    assert.equal(formatGrpcTimeout(us), text);
  });
}
