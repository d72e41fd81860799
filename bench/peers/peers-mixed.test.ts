/** What every peer carries besides one plain protocol: gRPC, and one protocol for another. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { formatSocketAddress, type SocketAddress } from '../../base/settings.ts';
import { loadPlan } from '../../test/support/load-plan.ts';
import { Generator } from '../load/generator.ts';
import type { LoadPlan, RequestShape } from '../load/plan.ts';
import { PEERS } from './all-peers.ts';
import { type Backends, SMALL_BYTES, missingBackend, startBackends } from './backend.ts';
import { culvert } from './culvert.ts';
import { DIRECT } from './direct.ts';
import { startGrpcBackends } from './grpc-backend.ts';
import { missingHttp2Backend, startHttp2Backends } from './http2-backend.ts';
import { withHttp2Between } from './http2-between.ts';
import { NODE_HTTP2 } from './node-http2.ts';
import type { Arm, Peer, Spoken, Topology } from './peer.ts';

const MESSAGE_BYTES = 100;
const CONNECTIONS = 8;

const get: RequestShape = {
  method: 'GET',
  path: '/',
  bodyBytes: 0,
  weight: 1,
  answerBytes: SMALL_BYTES,
};
/** Small and large, with bodies and without. */
const PLAIN: readonly RequestShape[] = [
  { ...get, weight: 8 },
  { ...get, path: '/bytes/100k', answerBytes: 100_000 },
  { ...get, method: 'POST', bodyBytes: 30_000 },
];
const call = (path: string, messages: number): RequestShape => ({
  method: 'POST',
  path: `/bench.v1.Bench/${path}`,
  bodyBytes: 0,
  weight: 1,
  grpc: { messageBytes: MESSAGE_BYTES, messages },
});
const UNARY = [call('One', 1), call('Other', 1)];
const STREAM = [call('Stream', 20)];

const ONE = { direction: 'inbound', authority: 'web', threads: 1, hops: 1 } as const;
const PAIR = { direction: 'outbound', authority: 'web', threads: 1, hops: 2 } as const;

const loadOf = (protocol: Spoken): Partial<LoadPlan> =>
  protocol === 'http2' ? { protocol, streamsPerConnection: 8 } : { protocol };

/** Connections that a sidecar has taken so far. */
async function taken(admin: SocketAddress): Promise<number> {
  const page = await (await fetch(`http://${formatSocketAddress(admin)}/metrics`)).text();
  const lines = page.matchAll(/^tcp_open_total\{(?=.*peer="src").*\} (\d+)$/gm);
  return [...lines].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** Why `peer` cannot carry what is asked for. */
const whyNot = (peer: Peer, shape: Omit<Topology, 'backends'>): string | false => {
  const topology = { ...shape, backends: [{ host: '127.0.0.1', port: 1 }] };
  return peer.missing() ?? peer.applies(topology) ?? false;
};

const skip = missingBackend() ?? missingHttp2Backend() ?? false;

describe('peers that mix', { skip }, () => {
  let generator: Generator;
  let http1: Backends;
  let http2: Backends;
  let grpc: Backends;
  before(async () => {
    generator = await Generator.start(undefined);
    http1 = await startBackends(2, 0);
    http2 = await startHttp2Backends(1, 0);
    grpc = await startGrpcBackends(2, 0, MESSAGE_BYTES);
  });
  after(() => Promise.all([generator, http1, http2, grpc].map((one) => one?.stop())));

  /** Loads a running `peer`; every answer must be good. */
  async function carries(
    peer: Peer,
    topology: Topology,
    changes: Partial<LoadPlan>,
  ): Promise<readonly number[]> {
    const arm: Arm = await peer.start(topology, '0');
    try {
      const plan = { connections: CONNECTIONS, durationMs: 400, ...changes };
      const { answered, errors } = await generator.run(loadPlan(arm.address, plan));
      assert.deepEqual(errors, {});
      assert.ok(answered > 0);
      return await Promise.all(arm.admins.map(taken));
    } finally {
      await arm.stop();
    }
  }

  const peers = [DIRECT, culvert(), ...PEERS, NODE_HTTP2];
  for (const [from, to] of [
    ['http1', 'http2'],
    ['http2', 'http1'],
  ] as const) {
    const shape = { ...ONE, protocol: from, backendProtocol: to };
    for (const peer of peers) {
      it(`${peer.name} takes ${from} and sends ${to}`, { skip: whyNot(peer, shape) }, async () => {
        const servers = { http1: http1.addresses.slice(0, 1), http2: http2.addresses };
        const topology = { ...shape, backends: servers[to], unproxied: servers[from][0]! };
        await carries(peer, topology, { ...loadOf(from), requests: PLAIN });
      });
    }
  }

  for (const peer of [culvert(), ...PEERS].map(withHttp2Between)) {
    it(`${peer.name} is a pair with HTTP/2 between`, { skip: whyNot(peer, PAIR) }, async () => {
      const topology = { ...PAIR, backends: http1.addresses };
      const [, ...inner] = await carries(peer, topology, { requests: PLAIN, connections: 32 });
      if (peer.name !== 'culvert-http2') return;
      // It takes either protocol: the fewer connections tell which one it was.
      for (const connections of inner) assert.ok(connections <= 4, `${connections} connections`);
    });
  }

  for (const peer of peers) {
    const shape = { ...ONE, protocol: 'http2' } as const;
    it(`${peer.name} carries gRPC`, { skip: whyNot(peer, shape) }, async () => {
      const topology = { ...shape, backends: grpc.addresses.slice(0, 1) };
      await carries(peer, topology, { ...loadOf('http2'), requests: UNARY });
      await carries(peer, topology, { ...loadOf('http2'), requests: STREAM });
    });
  }

  it('culvert balances gRPC', async () => {
    const topology = { ...PAIR, hops: 1, protocol: 'http2', backends: grpc.addresses } as const;
    await carries(culvert(), topology, { ...loadOf('http2'), requests: UNARY });
  });
});
