import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { endianness } from 'node:os';
import { test } from 'node:test';
import { SOCKADDR_BYTES_MAX, readSocketAddress } from './sockaddr.ts';

const family = (number: number): readonly number[] =>
  endianness() === 'LE' ? [number, 0] : [0, number];

const ipv4 = (address: readonly number[], port: readonly number[]): Buffer =>
  Buffer.from([...family(2), ...port, ...address, 0, 0, 0, 0, 0, 0, 0, 0]);

function ipv6(groups: readonly number[], port: number): Buffer {
  const bytes = Buffer.alloc(SOCKADDR_BYTES_MAX);
  bytes.set(family(10));
  bytes.writeUInt16BE(port, 2);
  groups.forEach((group, i) => bytes.writeUInt16BE(group, 8 + 2 * i));
  return bytes;
}

test('readSocketAddress reads IPv4 with its port in network order', () => {
  const bytes = ipv4([10, 96, 0, 255], [0x1f, 0x90]);
  assert.deepEqual(readSocketAddress(bytes), { host: '10.96.0.255', port: 8080 });
});

const IPV6: readonly (readonly [groups: readonly number[], text: string])[] = [
  [[0xfd00, 0, 0, 0, 0, 0, 0, 1], 'fd00::1'],
  [[0, 0, 0, 0, 0, 0, 0, 1], '::1'],
  [[0, 0, 0, 0, 0, 0, 0, 0], '::'],
  [[0xfd00, 0, 0, 0, 0, 0, 0, 0], 'fd00::'],
  [[0x2001, 0xdb8, 0, 1, 1, 1, 1, 1], '2001:db8:0:1:1:1:1:1'],
  [[0x2001, 0xdb8, 0, 0, 1, 0, 0, 1], '2001:db8::1:0:0:1'],
  [[0x2001, 0, 0, 1, 0, 0, 0, 0xabcd], '2001:0:0:1::abcd'],
  [[1, 2, 3, 4, 5, 6, 7, 8], '1:2:3:4:5:6:7:8'],
];

for (const [groups, text] of IPV6) {
  test(`readSocketAddress reads ${text}`, () => {
    assert.deepEqual(readSocketAddress(ipv6(groups, 443)), { host: text, port: 443 });
    assert.equal(isIPv6(text), true);
  });
}

test('readSocketAddress finds nothing in what is cut or of another family', () => {
  for (const whole of [ipv4([10, 0, 0, 1], [0, 80]), ipv6([1, 2, 3, 4, 5, 6, 7, 8], 80)]) {
    const needed = whole.length === SOCKADDR_BYTES_MAX ? 24 : 8;
    for (let length = 0; length <= whole.length; length++) {
      const found = readSocketAddress(whole.subarray(0, length));
      assert.equal(found === undefined, length < needed, `${length} of ${whole.length} bytes`);
    }
  }
  assert.equal(readSocketAddress(Buffer.from([...family(1), ...Buffer.alloc(26)])), undefined);
});
