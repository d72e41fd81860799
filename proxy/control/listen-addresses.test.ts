import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { newLinkCounts } from '../../test/support/memory-world.ts';
import type { BoundListeners } from '../model/thread.ts';
import { NOBODY } from '../transport/link.ts';
import { NodeTransport } from '../transport/node.ts';
import { Turn } from '../transport/turn.ts';
import { AddressBook } from './listen-addresses.ts';

const at = (host: string, port: number) => ({ host, port });

const NONE: BoundListeners = {
  inbound: [],
  outbound: [],
  wayOut: [],
  interceptOutbound: [],
  interceptInbound: [],
};
const BOTH = [at('0.0.0.0', 4140), at('::', 4140)];

test('AddressBook leaves IPv4 to the listener of IPv4 that shares a port with one of both', () => {
  const book = new AddressBook({
    ...NONE,
    interceptOutbound: BOTH,
    interceptInbound: [at('::', 4143)],
    outbound: [at('0.0.0.0', 0), at('::', 0)],
  });
  const apart = [at('0.0.0.0', 4140), { ...at('::', 4140), ipv6Only: true }];
  assert.deepEqual(book.current.interceptOutbound, apart);
  assert.deepEqual(book.current.interceptInbound, [at('::', 4143)], 'which takes both');
  assert.deepEqual(book.current.outbound, [at('0.0.0.0', 0), at('::', 0)]);
  book.bound({ ...NONE, interceptOutbound: BOTH });
  assert.deepEqual(book.current.interceptOutbound, apart, 'nor does the next life of the thread');
});

test('AddressBook closes what is inbound, and keeps the rest', () => {
  const listeners = {
    inbound: [at('127.0.0.1', 1)],
    outbound: [at('127.0.0.1', 2)],
    wayOut: [at('127.0.0.1', 3)],
    interceptOutbound: [at('127.0.0.1', 4)],
    interceptInbound: [at('127.0.0.1', 5)],
  };
  const book = new AddressBook(listeners);
  book.closeInbound();
  assert.deepEqual(book.current, { ...listeners, inbound: [], interceptInbound: [] });
});

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) =>
  addresses?.some(({ family }) => family === 'IPv6'),
);

test(
  'AddressBook reserves one port for both families, apart',
  {
    skip: hasIpv6 ? false : 'there is no IPv6 here',
  },
  async () => {
    const transport = new NodeTransport(new Turn(() => performance.now() * 1000));
    const listen = (address: Parameters<typeof transport.listen>[0]) =>
      transport.listen(address, newLinkCounts(), () => NOBODY);
    const first = await listen(at('0.0.0.0', 0));
    const { port } = first.address;
    const book = new AddressBook({
      ...NONE,
      interceptOutbound: [at('0.0.0.0', port), at('::', port)],
    });
    const second = await listen(book.current.interceptOutbound[1]!);
    assert.equal(second.address.port, port);
    first.close();
    second.close();
    await book.reserve();
    assert.deepEqual(
      book.current.interceptOutbound.map((address) => address.port),
      [port, port],
    );
    book.close();
  },
);
