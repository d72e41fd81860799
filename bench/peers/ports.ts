/** Ports for programs that cannot be asked for "any". */
import { once } from 'node:events';
import net from 'node:net';
import type { SocketAddress } from '../../base/settings.ts';

/** Below the range that Linux gives to outgoing connections, which could take a port in between. */
const FIRST = 12_000;
const LAST = 32_000;
const PROBES = 200;
const TRIES = 3;

/** One address or more. */
export type Addresses = readonly [SocketAddress, ...SocketAddress[]];

/**
 * Calls `start` with `count` different loopback addresses on which nobody listens. Somebody may
 * a moment later: when `start` fails because an address is in use, it is called with others.
 */
export async function withFreeAddresses<T>(
  count: number,
  start: (addresses: Addresses) => Promise<T>,
): Promise<T> {
  for (let left = TRIES; ; left--) {
    const [first, ...others] = await freeAddresses(count);
    if (first === undefined) throw new Error('no address was asked for');
    try {
      return await start([first, ...others]);
    } catch (error) {
      if (left === 1 || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

async function freeAddresses(count: number): Promise<SocketAddress[]> {
  const found = new Set<number>();
  for (let i = 0; i < PROBES && found.size < count; i++) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  if (found.size < count) throw new Error(`no ${count} free ports between ${FIRST} and ${LAST}`);
  return [...found].map((port) => ({ host: '127.0.0.1', port }));
}

async function isFree(port: number): Promise<boolean> {
  const server = net.createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** Whether somebody takes a connection at `address`. */
export async function takesConnections(address: SocketAddress): Promise<boolean> {
  const socket = net.connect(address);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
