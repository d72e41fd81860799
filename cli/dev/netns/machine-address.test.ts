import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatSocketAddress, parseSocketAddress } from '../../../base/settings.ts';
import type { SocketAddress } from '../../../base/settings.ts';
import { listenForPods, seenFromPods } from './machine-address.ts';

const GATEWAY = '10.199.0.1';

const apply = (change: (at: SocketAddress, gateway: string) => SocketAddress, at: string): string =>
  formatSocketAddress(change(parseSocketAddress(at) as SocketAddress, GATEWAY));

test('what would listen at loopback listens where pods can come', () => {
  for (const at of ['127.0.0.1:8086', '127.1.2.3:8086', '[::1]:8086', 'localhost:8086']) {
    assert.equal(apply(listenForPods, at), '10.199.0.1:8086', at);
  }
  for (const at of ['0.0.0.0:8086', '[::]:8086', '192.168.1.127:0', 'here.example:1']) {
    assert.equal(apply(listenForPods, at), at);
  }
});

test('pods are told of an address at which they find the machine, not themselves', () => {
  for (const at of ['127.0.0.1:1', '0.0.0.0:1', '0:1', '[::]:1', '[0:0:0:0:0:0:0:0]:1']) {
    assert.equal(apply(seenFromPods, at), '10.199.0.1:1', at);
  }
  for (const at of ['192.168.1.127:1', '10.0.0.0:1', '[::2]:1', 'here.example:1']) {
    assert.equal(apply(seenFromPods, at), at);
  }
});
