/**
 * Addresses of sockets as the Linux kernel writes them (ip(7), ipv6(7)).
 *
 *   sockaddr_in    family 2 (host order) | port 2 (network order) | address 4 | zeros 8
 *   sockaddr_in6   family 2 (host order) | port 2 (network order) | flow 4 | address 16 | scope 4
 */
import { endianness } from 'node:os';
import type { SocketAddress } from './settings.ts';

/** The longest of the two, bytes. */
export const SOCKADDR_BYTES_MAX = 28;

const AF_INET = 2;
const AF_INET6 = 10;
const IPV4_BYTES = 8;
const IPV6_BYTES = 24;

/** The address in `bytes`; undefined when they hold none of IPv4 or IPv6. */
export function readSocketAddress(bytes: Buffer): SocketAddress | undefined {
  if (bytes.length < IPV4_BYTES) return undefined;
  const family = endianness() === 'LE' ? bytes.readUInt16LE(0) : bytes.readUInt16BE(0);
  const port = bytes.readUInt16BE(2);
  if (family === AF_INET) return { host: `${bytes[4]}.${bytes[5]}.${bytes[6]}.${bytes[7]}`, port };
  if (family !== AF_INET6 || bytes.length < IPV6_BYTES) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(8 + 2 * i).toString(16));
  return { host: shorten(groups), port };
}

/** Lower case, and the longest run of zeros left out, the first of several (RFC 5952 section 4). */
function shorten(groups: readonly string[]): string {
  let [from, length] = [0, 1];
  for (let at = 0; at < groups.length; at++) {
    let end = at;
    while (groups[end] === '0') end++;
    if (end - at > length) [from, length] = [at, end - at];
  }
  if (length === 1) return groups.join(':');
  return `${groups.slice(0, from).join(':')}::${groups.slice(from + length).join(':')}`;
}
