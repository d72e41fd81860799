/** There is one `dev --network netns` a machine: its namespaces have names of their own. */
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { SocketAddress } from '../../../base/settings.ts';
import { Failure } from '../../failure.ts';

/** Beside the blocks that runs on loopback claim, at the port of their claims. */
export const MACHINE_CLAIM: SocketAddress = { host: '127.63.255.254', port: 4190 };

/** A run that was killed has its guardian, which needs so long to end it. */
const ENDING_MS = 5_000;
const POLL_MS = 100;

/** The machine is this run's, until `release` and until the last program has let go of `descriptor`. */
export interface MachineClaim {
  /** For the guardian to inherit: then nobody else begins before it is done. */
  readonly descriptor: number | undefined;
  release(): void;
}

/**
 * Takes the machine: a listening socket, which ends with who holds it, however that ends. A `Failure`
 * when another run still has it after `waitMs`.
 */
export async function claimMachine(
  at: SocketAddress = MACHINE_CLAIM,
  waitMs: number = ENDING_MS,
): Promise<MachineClaim> {
  const untilMs = performance.now() + waitMs;
  for (;;) {
    const server = await listen(at);
    if (server !== undefined) {
      return { descriptor: descriptorOf(server), release: () => server.close() };
    }
    if (performance.now() >= untilMs) break;
    await delay(POLL_MS);
  }
  throw new Failure(
    'another "meshctl dev --network netns" runs on this machine: stop that one first, there is room for one',
  );
}

/** Undefined when somebody else listens there. */
function listen(at: SocketAddress): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(undefined);
      else reject(new Failure(`cannot claim this machine: ${error.message}`));
    });
    server.listen({ ...at, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

/** The field is Node's own: without it the guardian holds nothing, and a start may come too early. */
function descriptorOf(server: Server): number | undefined {
  const handle: unknown = Reflect.get(server, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const descriptor: unknown = Reflect.get(handle, 'fd');
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : undefined;
}
