import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { OwnAddresses, covers, isInterfaceAddress, isReachableAddress } from './own-addresses.ts';

const NOBODY = '192.0.2.1';

test('isInterfaceAddress knows the addresses of every interface, and no others', () => {
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { address } of addresses ?? []) assert.equal(isInterfaceAddress(address), true);
  }
  assert.equal(isInterfaceAddress(NOBODY), false);
});

test('OwnAddresses asks the system once a second at most, whatever it is asked', () => {
  const clock = { nowMs: 5 };
  let addresses = ['10.1.0.1'];
  let asked = 0;
  const own = new OwnAddresses(
    () => clock.nowMs,
    () => {
      asked++;
      return addresses;
    },
  );
  for (let i = 0; i < 10; i++) assert.equal(own.has('10.1.0.1'), true);
  for (let i = 0; i < 10; i++) assert.equal(own.has('10.2.0.1'), false);
  assert.equal(asked, 1);
  addresses = ['10.2.0.1'];
  clock.nowMs += 1_000;
  assert.deepEqual([own.has('10.1.0.1'), own.has('10.2.0.1'), asked], [false, true, 2]);
});

test('isReachableAddress leaves loopback out', () => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', NOBODY]) {
    assert.equal(isReachableAddress(host), false, host);
  }
  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal }) => !internal);
  for (const { address } of external) assert.equal(isReachableAddress(address), true, address);
});

const COVERED: readonly (readonly [listen: string, host: string, covered: boolean])[] = [
  ['10.0.0.1', '10.0.0.1', true],
  ['10.0.0.1', '10.0.0.2', false],
  ['10.0.0.1', '127.0.0.1', false],
  ['127.0.0.1', 'localhost', true],
  ['::1', 'localhost', true],
  ['10.0.0.1', 'localhost', false],
  ['0.0.0.0', '127.5.6.7', true],
  ['0.0.0.0', 'localhost', true],
  ['::', '::1', true],
  ['0.0.0.0', NOBODY, false],
];

for (const [listen, host, covered] of COVERED) {
  test(`covers: who listens on ${listen} ${covered ? 'has' : 'has not'} ${host}`, () => {
    assert.equal(covers(listen, host), covered);
  });
}
