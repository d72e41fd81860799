import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ipv6Need } from './ipv6-need.ts';
import type { Ipv6Mode, Ipv6Need } from './ipv6-need.ts';
import type { Runner } from './runner.ts';

const LOOPBACK = '00000000000000000000000000000001 01 80 10 80       lo\n';
const LINK_LOCAL = 'fe80000000000000a8b1ccfffe1de90a 02 40 20 80     eth0\n';
const GLOBAL = '20010db8000000000000000000000005 02 40 00 80     eth0\n';

const rows: readonly (readonly [mode: Ipv6Mode, addresses: string | undefined, Ipv6Need])[] = [
  ['off', GLOBAL, 'off'],
  ['on', undefined, 'must'],
  ['auto', undefined, 'off'],
  ['auto', '', 'try'],
  ['auto', LOOPBACK + LINK_LOCAL, 'try'],
  ['auto', LOOPBACK + LINK_LOCAL + GLOBAL, 'must'],
];

/** Says which addresses there are, or that there is no IPv6. */
const kernelWith =
  (addresses: string | undefined): Runner =>
  (program, args) => {
    assert.deepEqual([program, ...args], ['cat', '/proc/net/if_inet6']);
    const code = addresses === undefined ? 1 : 0;
    return Promise.resolve({ code, missing: false, stdout: addresses ?? '', stderr: '' });
  };

for (const [mode, addresses, need] of rows) {
  const where =
    addresses === undefined ? 'no IPv6' : `${addresses.split('\n').length - 1} addresses`;
  it(`IPv6 ${mode} with ${where} means ${need}`, async () => {
    assert.equal(await ipv6Need(mode, kernelWith(addresses)), need);
  });
}
