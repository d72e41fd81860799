import assert from 'node:assert/strict';
import { test } from 'node:test';
import { socketAddress } from './socket.ts';

/** Family, port 8080, flow label where there is one, address, scope or padding. */
const KERNEL_ADDRESSES: Readonly<Record<string, string>> = {
  '127.0.0.1': '0200 1f90 7f000001 0000000000000000',
  '::1': '0a00 1f90 00000000 00000000000000000000000000000001 00000000',
  'fe80::a:b': '0a00 1f90 00000000 fe8000000000000000000000000a000b 00000000',
  '1:2:3:4:5:6:7:8': '0a00 1f90 00000000 00010002000300040005000600070008 00000000',
};

for (const [host, hex] of Object.entries(KERNEL_ADDRESSES)) {
  test(`${host} becomes the kernel's address`, () => {
    const { bytes } = socketAddress({ host, port: 8_080 });
    assert.equal(bytes.toString('hex'), hex.replaceAll(' ', ''));
  });
}

test('a name is refused: the generator resolves none', () => {
  assert.throws(() => socketAddress({ host: 'localhost', port: 1 }), /not an IP address/);
});
