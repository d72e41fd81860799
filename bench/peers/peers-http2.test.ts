/** Every peer that speaks HTTP/2 on both sides does, in every topology, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http2 from 'node:http2';
import { after, before, describe, it } from 'node:test';
import { formatSocketAddress, type SocketAddress } from '../../base/settings.ts';
import { processStat } from '../figures/process-stat.ts';
import { PEERS } from './all-peers.ts';
import { BODY_BYTES, type Backends, SMALL_BYTES } from './backend.ts';
import { culvert } from './culvert.ts';
import { DIRECT } from './direct.ts';
import { missingHttp2Backend, startHttp2Backends } from './http2-backend.ts';
import { NODE_HTTP2 } from './node-http2.ts';
import type { Topology } from './peer.ts';

interface Answer {
  readonly status: number;
  readonly bytes: number;
}

async function ask(session: http2.ClientHttp2Session, path = '/', body?: Buffer): Promise<Answer> {
  const method = body === undefined ? 'GET' : 'POST';
  const request = session.request(
    { ':path': path, ':authority': 'web', ':method': method },
    { endStream: body === undefined },
  );
  if (body !== undefined) request.end(body);
  let status = 0;
  let bytes = 0;
  request.on('response', (headers) => (status = headers[':status'] ?? 0));
  request.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await once(request, 'close');
  return { status, bytes };
}

/** Asks for every body, and for many at a time, on one connection. */
async function carries(address: SocketAddress): Promise<void> {
  const session = http2.connect(`http://${formatSocketAddress(address)}`);
  try {
    for (const [target, bytes] of Object.entries(BODY_BYTES)) {
      assert.deepEqual(await ask(session, target), { status: 200, bytes });
    }
    const small = { status: 200, bytes: SMALL_BYTES };
    assert.deepEqual(await ask(session, '/', Buffer.alloc(300_000)), small);
    const many = await Promise.all(Array.from({ length: 90 }, () => ask(session)));
    for (const each of many) assert.deepEqual(each, small);
  } finally {
    session.destroy();
  }
}

const isRunning = (pid: number): boolean => (processStat(pid)?.state ?? 'Z') !== 'Z';

const topologies: readonly (readonly [string, Omit<Topology, 'backends'>])[] = [
  ['inbound', { direction: 'inbound', authority: 'web', threads: 1, hops: 1, protocol: 'http2' }],
  ['outbound', { direction: 'outbound', authority: 'web', threads: 1, hops: 1, protocol: 'http2' }],
  ['a pair', { direction: 'outbound', authority: 'web', threads: 1, hops: 2, protocol: 'http2' }],
];

describe('peers that speak HTTP/2', { skip: missingHttp2Backend() ?? false }, () => {
  let backends: Backends;
  before(async () => {
    backends = await startHttp2Backends(2, 0);
  });
  after(() => backends?.stop());

  for (const peer of [DIRECT, culvert(), ...PEERS, NODE_HTTP2]) {
    for (const [name, shape] of topologies) {
      const skip = peer.missing() ?? peer.applies({ ...shape, backends: [] }) ?? false;
      // Ours says that inbound leads to one application; here it is given one.
      it(
        `${peer.name} carries requests: ${name}`,
        { skip: peer.name === 'culvert' ? false : skip },
        async () => {
          const servers = backends.addresses.slice(0, shape.direction === 'inbound' ? 1 : 2);
          const topology = { ...shape, backends: servers };
          const arm = await peer.start(topology, '0');
          try {
            await carries(arm.address);
          } finally {
            await arm.stop();
          }
          assert.deepEqual(arm.pids.filter(isRunning), []);
        },
      );
    }
  }

  it('nginx and the proxy on node:http2 say what they do not carry', () => {
    const http1 = {
      ...topologies[0]![1],
      protocol: 'http1',
      backends: backends.addresses,
    } as const;
    assert.match(NODE_HTTP2.applies(http1) ?? '', /HTTP\/2/);
    const nginx = PEERS.find(({ name }) => name === 'nginx');
    assert.match(nginx?.applies({ ...http1, protocol: 'http2' }) ?? '', /does not speak HTTP\/2/);
  });
});
