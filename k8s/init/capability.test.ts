import assert from 'node:assert/strict';
import { it } from 'node:test';
import { missingCapabilities } from './capability.ts';

const status = (effective: string): string =>
  `Name:\tnode\nCapPrm:\tffffffffffffffff\nCapEff:\t${effective}\nCapBnd:\tffffffffffffffff\n`;

it('Root has the capabilities, others are told which are missing', () => {
  assert.deepEqual(missingCapabilities(status('000001ffffffffff'), 'legacy'), []);
  assert.deepEqual(missingCapabilities(status('0000000000003000'), 'legacy'), []);
  assert.deepEqual(missingCapabilities(status('0000000000001000'), 'auto'), []);
  assert.deepEqual(missingCapabilities(status('0000000000001000'), 'legacy'), ['CAP_NET_RAW']);
  assert.deepEqual(missingCapabilities(status('0000000000000000'), 'auto'), ['CAP_NET_ADMIN']);
});

it('A status that says nothing is left to the programs of iptables', () => {
  assert.deepEqual(missingCapabilities('', 'auto'), []);
});
