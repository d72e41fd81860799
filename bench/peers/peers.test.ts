/** Every peer that is installed carries requests in every topology, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { SocketAddress } from '../../base/settings.ts';
import { memoryOf } from '../figures/memory.ts';
import { processStat } from '../figures/process-stat.ts';
import { carriedBetween, readSidecar } from '../figures/sidecar.ts';
import { PEERS } from './all-peers.ts';
import {
  BODY_BYTES,
  type Backends,
  SMALL_BYTES,
  missingBackend,
  startBackends,
} from './backend.ts';
import { culvert } from './culvert.ts';
import { DIRECT } from './direct.ts';
import type { Arm, Topology } from './peer.ts';

interface Answer {
  readonly status: number;
  readonly bytes: number;
}

/** One request on a connection of `agent`. */
function ask(
  address: SocketAddress,
  agent: http.Agent,
  request: { readonly method?: string; readonly path?: string; readonly body?: Buffer } = {},
): Promise<Answer> {
  const { body, method = 'GET', path = '/' } = request;
  const { promise, reject, resolve } = Promise.withResolvers<Answer>();
  const { host, port } = address;
  const headers = { host: 'web', ...(body === undefined ? {} : { 'content-length': body.length }) };
  const sent = http.request({ host, port, agent, method, path, headers }, (response) => {
    let bytes = 0;
    response.on('data', (chunk: Buffer) => (bytes += chunk.length));
    response.on('end', () => resolve({ status: response.statusCode ?? 0, bytes }));
    response.on('error', reject);
  });
  sent.on('error', reject);
  sent.end(body);
  return promise;
}

/** Runs `use` with an agent of one connection; returns how many connections were opened. */
async function withAgent(use: (agent: http.Agent) => Promise<void>): Promise<number> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ports = new Set<number>();
  agent.on('free', (socket: { readonly localPort?: number }) => ports.add(socket.localPort ?? 0));
  try {
    await use(agent);
  } finally {
    agent.destroy();
  }
  return ports.size;
}

/** Arms of this file put their files here: other tests run meanwhile. */
const ownTmp = mkdtempSync(path.join(tmpdir(), 'culvert-peers-'));
process.env['TMPDIR'] = ownTmp;
after(() => rmSync(ownTmp, { recursive: true }));

const isRunning = (pid: number): boolean => (processStat(pid)?.state ?? 'Z') !== 'Z';

const topologies: readonly (readonly [string, Omit<Topology, 'backends'>])[] = [
  ['inbound', { direction: 'inbound', authority: 'web', threads: 1, hops: 1 }],
  ['outbound', { direction: 'outbound', authority: 'web', threads: 1, hops: 1 }],
  ['a pair', { direction: 'outbound', authority: 'web', threads: 1, hops: 2 }],
];

describe('peers', { skip: missingBackend() ?? false }, () => {
  let backends: Backends;
  before(async () => {
    backends = await startBackends(2, 0);
  });
  after(() => backends?.stop());

  it('the backend keeps its connection over every body and method', async () => {
    const [address] = backends.addresses;
    assert.ok(address !== undefined);
    const connections = await withAgent(async (agent) => {
      for (const [path, bytes] of Object.entries(BODY_BYTES)) {
        assert.deepEqual(await ask(address, agent, { path }), { status: 200, bytes });
      }
      for (const size of [0, 10, 10_000, 1_000_000]) {
        const post = { method: 'POST', body: Buffer.alloc(size) };
        assert.deepEqual(await ask(address, agent, post), { status: 200, bytes: SMALL_BYTES });
      }
    });
    assert.equal(connections, 1);
  });

  for (const peer of [DIRECT, culvert(), ...PEERS]) {
    for (const [name, shape] of topologies) {
      it(`${peer.name} carries requests: ${name}`, { skip: peer.missing() ?? false }, async () => {
        const servers = backends.addresses.slice(0, shape.direction === 'inbound' ? 1 : 2);
        const topology = { ...shape, backends: servers };
        assert.equal(peer.applies(topology), undefined);
        assert.match(peer.version(), peer === DIRECT ? /^$/ : /^\d+\.\d+/);
        const before = readdirSync(ownTmp);
        const arm = await peer.start(topology, '0');
        try {
          await carries(arm);
          const sidecars = shape.hops === 2 ? 3 : 1;
          assert.equal(arm.admins.length, peer.name === 'culvert' ? sidecars : 0);
        } finally {
          await arm.stop();
          await arm.stop();
        }
        assert.deepEqual(arm.pids.filter(isRunning), []);
        assert.deepEqual(readdirSync(ownTmp), before);
      });
    }
  }
});

describe('peers with two threads', { skip: missingBackend() ?? false }, () => {
  let backends: Backends;
  before(async () => {
    backends = await startBackends(1, 0);
  });
  after(() => backends?.stop());

  const topology = { direction: 'inbound', authority: 'web', threads: 2, hops: 1 } as const;
  for (const peer of [culvert(), ...PEERS]) {
    it(`${peer.name} has them`, { skip: peer.missing() ?? false }, async () => {
      const arm = await peer.start({ ...topology, backends: backends.addresses }, '0');
      try {
        await carries(arm);
        assert.ok(arm.pids.reduce((sum, pid) => sum + threadsOf(pid), 0) >= 2);
        if (peer.name === 'nginx') assert.equal(arm.pids.length, 3);
        const readings = await Promise.all(arm.admins.map(readSidecar));
        const threads = readings.flatMap((reading) => [...reading.keys()]);
        const data = threads.filter((thread) => /^\d+$/.test(thread));
        assert.deepEqual(data, peer.name === 'culvert' ? ['0', '1'] : []);
        assert.ok(carriedBetween(readings, readings).loopLagMsMax >= 0);
      } finally {
        await arm.stop();
      }
    });
  }
});

const threadsOf = (pid: number): number => readdirSync(`/proc/${pid}/task`).length;

async function carries(arm: Arm): Promise<void> {
  const connections = await withAgent(async (agent) => {
    const small = { status: 200, bytes: SMALL_BYTES };
    assert.deepEqual(await ask(arm.address, agent), small);
    const post = { method: 'POST', body: Buffer.alloc(100_000) };
    assert.deepEqual(await ask(arm.address, agent, post), small);
    assert.deepEqual(await ask(arm.address, agent, { path: '/1m' }), { status: 200, bytes: 1e6 });
  });
  assert.equal(connections, 1);
  for (const pid of arm.pids) assert.ok(isRunning(pid));
  if (arm.pids.length > 0) assert.ok(memoryOf(arm.pids).rssAnonKb > 0);
}
