import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { describe, it } from 'node:test';
import { startConfigured } from './configured-peer.ts';
import { HAPROXY } from './haproxy.ts';
import { listenerInodes, listensAt, withFreeAddresses } from './ports.ts';
import type { Scratch } from './scratch.ts';

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:3039 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000
   1: 0100007F:3039 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000
   2: 00000000:3039 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000
   3: 0100007F:3039 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4714 1 0000
`;

describe('ports', { skip: process.platform !== 'linux' && 'there is no /proc' }, () => {
  it('listenerInodes finds the listening sockets of one address', () => {
    const address = { host: '127.0.0.1', port: 12_345 };
    assert.deepEqual(listenerInodes(TABLE, address), ['4711', '4714']);
    assert.deepEqual(listenerInodes(TABLE, { ...address, port: 12_346 }), []);
  });

  it('listensAt tells our listener from nobody, and from another process', async () => {
    await withFreeAddresses(1, async ([address]) => {
      assert.equal(listensAt([process.pid], address), false);
      const server = net.createServer();
      server.listen(address);
      await once(server, 'listening');
      const other = spawn('cat', { stdio: ['pipe', 'ignore', 'inherit'] });
      try {
        assert.equal(listensAt([other.pid ?? 0, process.pid], address), true);
        assert.equal(listensAt([other.pid ?? 0], address), false);
      } finally {
        other.kill('SIGKILL');
        await once(other, 'close');
        server.close();
      }
    });
  });

  it('withFreeAddresses gives different ones', async () => {
    const ports = await withFreeAddresses(20, async (all) => all.map(({ port }) => port));
    assert.equal(new Set(ports).size, 20);
  });

  it('withFreeAddresses tries others when one was taken, and not without end', async () => {
    const tried: number[] = [];
    const start = async ([{ port }]: readonly [{ readonly port: number }]): Promise<string> => {
      tried.push(port);
      if (tried.length < 3) throw new Error('bind: Address already in use');
      return 'started';
    };
    assert.equal(await withFreeAddresses(1, ([one]) => start([one])), 'started');
    assert.equal(tried.length, 3);
    const taken = withFreeAddresses(1, () => Promise.reject(new Error('address already in use')));
    await assert.rejects(taken, /already in use/);
  });

  it('withFreeAddresses does not repeat another failure', async () => {
    let calls = 0;
    const failed = withFreeAddresses(1, () => {
      calls++;
      return Promise.reject(new Error('no such file'));
    });
    await assert.rejects(failed, /no such file/);
    assert.equal(calls, 1);
  });

  it(
    'a program that cannot listen is not ready',
    { skip: HAPROXY.missing() ?? false },
    async () => {
      const server = net.createServer();
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = { host: '127.0.0.1', port: (server.address() as net.AddressInfo).port };
      const configure = (scratch: Scratch): readonly string[] => {
        const config = `defaults\n  mode http\nlisten a\n  bind 127.0.0.1:${address.port}\n`;
        return ['-db', '-f', scratch.write('haproxy.cfg', config)];
      };
      const options = { name: 'taken', program: 'haproxy', cores: '0', processes: 1 };
      try {
        await assert.rejects(
          startConfigured({ ...options, configure, address }),
          /already in use/i,
        );
      } finally {
        server.close();
      }
    },
  );
});
