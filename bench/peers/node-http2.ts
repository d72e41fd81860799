/** A plain proxy on `node:http2`: what a data path costs that has no HTTP/2 codec of its own. */
import path from 'node:path';
import { formatSocketAddress, parseSocketAddress } from '../../base/settings.ts';
import { startHops } from './chain.ts';
import { type Arm, type Peer, type Topology, takesHttp2 } from './peer.ts';
import { PinnedProcess } from './pinned-process.ts';
import { missingProgram } from './program.ts';

const NAME = 'node-http2';
const ROOT = path.resolve(import.meta.dirname, '../..');
const READY_MS = 15_000;

/** Speaks HTTP/2 on both sides, and only that; has one thread. */
export const NODE_HTTP2: Peer = {
  name: NAME,
  missing: () => missingProgram(),
  applies: (topology) => {
    const { backendProtocol = 'http2', betweenProtocol = 'http2' } = topology;
    const translates = backendProtocol !== 'http2' || betweenProtocol !== 'http2';
    if (translates || !takesHttp2(topology)) return 'it is there to compare HTTP/2 with.';
    return topology.threads > 1 ? 'it has one thread.' : undefined;
  },
  version: () => process.versions.node,
  start: (topology, cores) => startHops(topology, (one) => startProxy(one, cores)),
};

async function startProxy({ backends }: Topology, cores: string): Promise<Arm> {
  const proxy = new PinnedProcess({
    program: process.execPath,
    args: [
      'base/launch.mjs',
      'bench/peers/node-http2-main.ts',
      ...backends.map(formatSocketAddress),
    ],
    cores,
    cwd: ROOT,
    stopSignal: 'SIGKILL',
  });
  const stop = (): Promise<void> => proxy.stop();
  try {
    const readyMs = await proxy.untilReady(() => proxy.firstLine !== undefined, READY_MS);
    const address = parseSocketAddress(proxy.firstLine ?? '');
    if (address === undefined) throw new Error(`${NAME} wrote "${proxy.firstLine}"`);
    return { name: NAME, address, pids: proxy.pids, readyMs, admins: [], stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
