/** There is one `dev --network netns` a machine: its namespaces have names of their own. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { SocketAddress } from '../../../base/settings.ts';
import { Failure } from '../../failure.ts';

/** Beside the blocks that runs on loopback claim, at the port of their claims. */
export const MACHINE_CLAIM: SocketAddress = { host: '127.63.255.254', port: 4190 };

/** How long to wait for another run, milliseconds. */
export interface ClaimWaits {
  /** For one that runs: it may have been asked to end just now. */
  readonly runningMs: number;
  /** For what one has left to be taken away, which with many pods takes long. */
  readonly endingMs: number;
}

const WAITS: ClaimWaits = { runningMs: 1_000, endingMs: 60_000 };
/** Who runs answers at once, however busy the machine. */
const ANSWER_MS = 1_000;
const POLL_MS = 100;

/** The machine is this run's, until `release` and until the last program has let go of `descriptor`. */
export interface MachineClaim {
  /** For the guardian to inherit: then nobody else begins before it is done. */
  readonly descriptor: number | undefined;
  /** From now on others wait for the end of this run instead of giving up. */
  beginEnd(): void;
  release(): void;
}

/**
 * Takes the machine: a listening socket, which ends with who holds it, however that ends. A run that
 * goes on hangs up on who connects; where it is ending, or its guardian alone is left, nobody does.
 * A `Failure` when another run has the machine for longer than `waits` say, or when `stop` aborts first.
 */
export async function claimMachine(
  say: (line: string) => void,
  stop?: AbortSignal,
  at: SocketAddress = MACHINE_CLAIM,
  waits: ClaimWaits = WAITS,
): Promise<MachineClaim> {
  const sinceMs = performance.now();
  let runningSinceMs: number | undefined;
  let told = false;
  for (;;) {
    if (stop?.aborted === true) throw new Failure('asked to end before it had the machine');
    const server = createServer();
    if (await listens(server, at)) return claimOf(server);
    const waitMs = told ? waits.endingMs : Math.min(ANSWER_MS, waits.endingMs);
    const running = await hangsUp(at, waitMs, stop);
    const nowMs = performance.now();
    // One that ends hangs up too, once: in the end.
    runningSinceMs = running === true ? (runningSinceMs ?? nowMs) : undefined;
    if (runningSinceMs !== undefined && nowMs - runningSinceMs >= waits.runningMs) {
      throw new Failure(
        'another "meshctl dev --network netns" runs on this machine: stop that one first, there is room for one',
      );
    }
    if (nowMs - sinceMs >= waits.endingMs) {
      throw new Failure(
        `an earlier "meshctl dev --network netns" is still ending after ${waits.endingMs / 1_000} s: see what of it hangs, with "ps", and end that`,
      );
    }
    if (running === undefined && !told) {
      told = true;
      say(
        'an earlier "meshctl dev --network netns" is ending: waiting until nothing of it is left',
      );
    }
    if (running !== undefined) await delay(POLL_MS);
  }
}

function claimOf(server: Server): MachineClaim {
  const asking = new Set<Socket>();
  let ending = false;
  server.on('connection', (socket) => {
    if (!ending) {
      socket.destroy();
      return;
    }
    asking.add(socket);
    socket
      .unref()
      .resume()
      .on('error', () => {});
    socket.once('close', () => asking.delete(socket));
  });
  return {
    descriptor: descriptorOf(server),
    beginEnd: () => (ending = true),
    release: () => {
      server.close();
      for (const socket of asking) socket.destroy();
    },
  };
}

/** False when somebody else listens there. */
async function listens(server: Server, at: SocketAddress): Promise<boolean> {
  try {
    await once(server.listen({ ...at, exclusive: true }), 'listening');
    server.unref();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return false;
    throw new Failure(`cannot claim this machine: ${error instanceof Error ? error.message : ''}`);
  }
}

/** Whether who listens there hangs up; false when nobody does by now or `stop` aborts, undefined after `waitMs`. */
function hangsUp(
  at: SocketAddress,
  waitMs: number,
  stop: AbortSignal | undefined,
): Promise<boolean | undefined> {
  const socket = connect(at.port, at.host);
  const { promise, resolve } = Promise.withResolvers<boolean | undefined>();
  const timer = setTimeout(() => resolve(undefined), waitMs);
  socket.once('end', () => resolve(true));
  // Refused, or reset with the last descriptor of it.
  socket.on('error', () => resolve(false));
  const end = (): void => resolve(false);
  if (stop?.aborted === true) end();
  stop?.addEventListener('abort', end);
  return promise.finally(() => {
    stop?.removeEventListener('abort', end);
    clearTimeout(timer);
    socket.destroy();
  });
}

/** The field is Node's own: without it the guardian holds nothing, and a start may come too early. */
function descriptorOf(server: Server): number | undefined {
  const handle: unknown = Reflect.get(server, '_handle');
  if (typeof handle !== 'object' || handle === null) return undefined;
  const descriptor: unknown = Reflect.get(handle, 'fd');
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : undefined;
}
