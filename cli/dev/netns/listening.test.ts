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
  12: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  2102        0 3 1 0
`;

test('ports that are listened on are told from those of connections', () => {
  assert.deepEqual(listeningPorts(TABLE), [0x1b_a8, 0x1f_90]);
  assert.deepEqual(listeningPorts(''), []);
});

test('tables of IPv6 are read as well', () => {
  const line = `   0: ${'0'.repeat(32)}:01BB ${'0'.repeat(32)}:0000 0A 0:0 0:0 0 0 0 0`;
  assert.deepEqual(listeningPorts(`  sl  local_address\n${line}\n`), [443]);
});

const skip = process.platform !== 'linux' && 'the tables are those of Linux';

test('a port that this process listens on is in its table', { skip }, async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.ok(listeningPorts(readFileSync('/proc/self/net/tcp', 'latin1')).includes(port));
});

test('process of another namespace, or none, listens nowhere', { skip }, async () => {
  assert.equal(await listensAt(process.pid, 'culvert-nowhere-1', []), false);
});
