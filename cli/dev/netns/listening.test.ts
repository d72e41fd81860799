import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { listeningPorts, listensAt } from './listening.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1BA8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 0200C70A:0050 0200C70A:9C40 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0
  12: 0200C70A:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  2102        0 3 1 0
  13: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4 1 0
`;

test('ports that are listened on are told from those of connections, and of loopback', () => {
  assert.deepEqual(listeningPorts(TABLE), [0x1b_a8, 0x1f_90]);
  assert.deepEqual(listeningPorts(''), []);
});

test('tables of IPv6 are read as well', () => {
  const every = '0'.repeat(32);
  const table = (address: string): string =>
    `  sl  local_address\n   0: ${address}:01BB ${every}:0000 0A 0:0 0:0 0 0 0 0\n`;
  assert.deepEqual(listeningPorts(table(every)), [443]);
  assert.deepEqual(listeningPorts(table('0000000000000000FFFF00000200C70A')), [443]);
  assert.deepEqual(listeningPorts(table('0000000000000000FFFF00000100007F')), []);
  assert.deepEqual(listeningPorts(table('00000000000000000000000001000000')), []);
});

const skip = process.platform !== 'linux' && 'the tables are those of Linux';

test('a port that this process listens on is in its table, at loopback', { skip }, async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const table = readFileSync('/proc/self/net/tcp', 'latin1');
  assert.equal(listeningPorts(table).includes(port), false);
  assert.ok(listeningPorts(table.replaceAll('0100007F:', '0200C70A:')).includes(port));
});

test('process of another namespace, or none, listens nowhere', { skip }, async () => {
  assert.equal(await listensAt(process.pid, 'culvert-nowhere-1', []), false);
});
