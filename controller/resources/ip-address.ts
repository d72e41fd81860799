/** IP addresses in one canonical form, so that equal ones are equal texts. */
import { isIP, SocketAddress } from 'node:net';

/** How a socket of both families says an IPv4 address (RFC 4291, section 2.5.5.2). */
const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

/**
 * "10.1.2.3", "fd00::1"; an IPv4 address mapped into IPv6 as the IPv4 address that it is. Undefined
 * when the text is no IP address.
 */
export function canonicalAddress(text: string): string | undefined {
  const version = isIP(text);
  if (version === 4) return text;
  // A zone ("%eth0") means nothing beyond its host.
  if (version !== 6 || text.includes('%')) return undefined;
  const { address } = new SocketAddress({ address: text, family: 'ipv6' });
  return MAPPED.exec(address)?.[1] ?? address;
}

/** The address that a host is, with the brackets that authorities have around IPv6 or without. */
export const hostAddress = (host: string): string | undefined =>
  canonicalAddress(host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host);

/** "10.1.2.3:80", "[fd00::1]:80". */
export const hostPort = (address: string, port: number): string =>
  isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
