/**
 * The servers behind every arm that carries gRPC: one process that answers on several ports, far
 * cheaper than a server that anybody would run (bench/peers/grpc-echo.ts).
 */
import path from 'node:path';
import { parseSocketAddress } from '../../base/settings.ts';
import type { Backends } from './backend.ts';
import { PinnedProcess } from './pinned-process.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const READY_MS = 15_000;

/** Starts backends on `count` ports and `core`; every message has `messageBytes`. */
export async function startGrpcBackends(
  count: number,
  core: number,
  messageBytes: number,
): Promise<Backends> {
  const server = new PinnedProcess({
    program: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      'base/launch.mjs',
      'bench/peers/grpc-backend-main.ts',
      String(count),
      String(messageBytes),
    ],
    cores: String(core),
    cwd: ROOT,
    stopSignal: 'SIGKILL',
  });
  const stop = (): Promise<void> => server.stop();
  try {
    await server.untilReady(() => server.firstLine !== undefined, READY_MS);
    const said = JSON.parse(server.firstLine ?? '') as readonly string[];
    const addresses = said.flatMap((text) => parseSocketAddress(text) ?? []);
    return { addresses, pids: server.pids, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
