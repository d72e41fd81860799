import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BoundListeners } from '../model/thread.ts';
import { isOwnListener } from './own-listeners.ts';

const at = (host: string, port: number) => ({ host, port });
const NONE: BoundListeners = {
  inbound: [],
  outbound: [],
  wayOut: [],
  interceptOutbound: [],
  interceptInbound: [],
};
const forward = { ...at('127.0.0.1', 8000), protocol: undefined };
const target = { originalDst: undefined, authority: 'web', port: 80 };
const CONFIGURED = {
  inbound: [{ listen: at('10.0.0.1', 80), forward }],
  outbound: [at('127.0.0.1', 4141)],
  wayOut: [{ listen: at('127.64.0.1', 80), target }],
  interceptOutbound: [at('0.0.0.0', 4140)],
  interceptInbound: [at('0.0.0.0', 0)],
};
const BOUND = { ...NONE, interceptInbound: [at('0.0.0.0', 43_143)] };

const CASES: readonly (readonly [host: string, port: number, inbound: boolean, out: boolean])[] = [
  ['10.0.0.1', 80, true, false],
  ['127.0.0.1', 4141, true, true],
  ['127.64.0.1', 80, true, true],
  ['127.0.0.1', 4140, true, true],
  ['127.0.0.1', 43_143, true, true],
  ['192.0.2.1', 4140, false, false],
  ['127.0.0.1', 8000, false, false],
];

for (const [host, port, inbound, outbound] of CASES) {
  test(`isOwnListener tells whether ${host}:${port} leads back, from either side`, () => {
    assert.equal(isOwnListener(CONFIGURED, BOUND, 'inbound', host, port), inbound);
    assert.equal(isOwnListener(CONFIGURED, BOUND, 'outbound', host, port), outbound);
  });
}
