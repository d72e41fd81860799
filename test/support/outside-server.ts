/** A server of others on the machine itself: outside of every pod, where pods can reach it. */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { SocketAddress } from '../../base/settings.ts';
import { PinnedProcess } from '../../bench/peers/pinned-process.ts';
import { Scratch } from '../../bench/peers/scratch.ts';
import { eventually } from './deadline.ts';
import type { ProgramPair, RunClient } from './unmodified-programs.ts';

const START_MS = 20_000;

/** Use with `await using`. */
export class OutsideServer implements AsyncDisposable {
  readonly address: SocketAddress;
  readonly #process: PinnedProcess;
  readonly #scratch: Scratch;

  private constructor(address: SocketAddress, process: PinnedProcess, scratch: Scratch) {
    this.address = address;
    this.#process = process;
    this.#scratch = scratch;
  }

  /** Resolves when the client has what it wants from it; it is run as `run` does, without a mesh. */
  static async start(pair: ProgramPair, host: string, run: RunClient): Promise<OutsideServer> {
    const address = { host, port: await freePort(host) };
    const scratch = new Scratch(pair.name);
    const user =
      pair.runAsUser === undefined
        ? []
        : [`--reuid=${pair.runAsUser}`, `--regid=${pair.runAsUser}`, '--clear-groups'];
    // What ends it with us dies with a change of user: it is said once more.
    const command = ['--pdeathsig', 'TERM', ...user, ...pair.server(scratch.directory, address)];
    const process = new PinnedProcess({
      program: 'setpriv',
      args: command,
      cores: '0-1',
      stopSignal: 'SIGTERM',
    });
    const server = new OutsideServer(address, process, scratch);
    let last: unknown;
    try {
      await eventually(
        () => `${pair.title} to work without a mesh: ${String(last)}`,
        () => {
          const used = pair.use(run, address).then(() => true);
          return used.catch((error: unknown) => void (last = error));
        },
        START_MS,
      );
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop();
    this.#scratch.remove();
  }
}

async function freePort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
