/**
 * The known-delay server, as a process of its own: what the generator is verified against,
 * and the replicas of scenarios that need slow ones. Delays are exact to about a millisecond.
 *
 *   /            3 bytes; any method, answered when the request's body has been read
 *   /bytes/N     N bytes
 */
import type { SocketAddress } from '../../base/settings.ts';
import { LineProcess } from './line-process.ts';
import type { PortDelay } from './port-delay.ts';

const HOST = '127.0.0.1';
const START_MS = 5_000;

/** A running server with a port for each delay. */
export class DelayServer {
  /** In the order of the delays it was started with. */
  readonly addresses: readonly SocketAddress[];
  readonly #process: LineProcess;

  private constructor(process: LineProcess, ports: readonly number[]) {
    this.#process = process;
    this.addresses = ports.map((port) => ({ host: HOST, port }));
  }

  /** Starts one on `core` (undefined: on all), on free ports of the loopback address. */
  static async start(core: number | undefined, delays: readonly PortDelay[]): Promise<DelayServer> {
    const [process] = await LineProcess.start('bench/load/server-main.ts', core);
    const reply = await process.ask(JSON.stringify({ host: HOST, delays }), START_MS);
    const { ports } = JSON.parse(reply) as { readonly ports: readonly number[] };
    return new DelayServer(process, ports);
  }

  /** Its process, whose CPU time can be watched. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Ends it; its connections are reset or closed. Safe to call twice. */
  async stop(): Promise<void> {
    await this.#process.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
