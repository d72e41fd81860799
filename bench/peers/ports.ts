/** Ports for programs that cannot be asked for "any". */
import { once } from 'node:events';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import net from 'node:net';
import type { SocketAddress } from '../../base/settings.ts';
import { isGone } from '../figures/process-stat.ts';

/** Below the range that Linux gives to outgoing connections, which could take a port in between. */
const FIRST = 12_000;
const LAST = 32_000;
/** State of a listening socket in /proc/net/tcp. */
const LISTEN = '0A';
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

/**
 * Whether one of `pids` listens at `address`, an IPv4 one. Asks the kernel instead of dialling: a
 * connection could be taken by somebody else, and would be counted.
 */
export function listensAt(pids: readonly number[], address: SocketAddress): boolean {
  const inodes = listenerInodes(readFileSync('/proc/net/tcp', 'latin1'), address);
  return inodes.length > 0 && pids.some((pid) => holdsOne(pid, inodes));
}

/** Inodes of the listening sockets at `address`, of the text of /proc/net/tcp (proc_net(5)). */
export function listenerInodes(text: string, { host, port }: SocketAddress): readonly string[] {
  // The address is written as a number of the machine's byte order, which is little-endian.
  const bytes = host.split('.').map(hexByte).toReversed();
  const local = `${bytes.join('')}:${hexByte(port >> 8)}${hexByte(port & 0xff)}`;
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    return fields[1] === local && fields[3] === LISTEN ? [fields[9] ?? ''] : [];
  });
}

const hexByte = (value: number | string): string =>
  Number(value).toString(16).padStart(2, '0').toUpperCase();

function holdsOne(pid: number, inodes: readonly string[]): boolean {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).some((fd) => {
      const target = readlinkSync(`${directory}/${fd}`);
      return inodes.some((inode) => target === `socket:[${inode}]`);
    });
  } catch (error) {
    // It closed the descriptor, or has ended, while it was looked at.
    if (isGone(error)) return false;
    throw error;
  }
}
