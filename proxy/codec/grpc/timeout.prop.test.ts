import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestOf } from '../../../test/support/request-of.ts';
import { formatGrpcTimeout, readGrpcTimeoutUs } from './timeout.ts';

const read = (value: string): number =>
  readGrpcTimeoutUs(requestOf('POST /a.B/C', `grpc-timeout: ${value}`));

test('a timeout that was written is read as what it was, or at most a thousandth less', () => {
  fc.assert(
    fc.property(fc.double({ min: 1, max: 3e17, noNaN: true }), (us) => {
      const value = formatGrpcTimeout(us);
      assert.match(value, /^\d{1,8}[umSMH]$/);
      const back = read(value);
      // Below a hundred of the finest unit a whole one is more than that.
      assert.ok(back <= us && back > us - Math.max(1, us / 1_000), `${us} -> ${value} -> ${back}`);
    }),
  );
});

test('a timeout is read as its digits times its unit, whatever they are', () => {
  const units = { n: 0.001, u: 1, m: 1e3, S: 1e6, M: 6e7, H: 3.6e9 };
  const unit = fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[]));
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999_999 }), unit, (value, name) => {
      assert.equal(read(`${value}${name}`), value * units[name]);
    }),
  );
});
