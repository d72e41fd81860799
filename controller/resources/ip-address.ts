/** IP addresses in one canonical form, so that equal ones are equal texts. */
import { isIP, SocketAddress } from 'node:net';

/** "10.1.2.3", "fd00::1"; undefined when the text is no IP address. */
export function canonicalAddress(text: string): string | undefined {
  const version = isIP(text);
  if (version === 4) return text;
  // A zone ("%eth0") means nothing beyond its host.
  if (version !== 6 || text.includes('%')) return undefined;
  return new SocketAddress({ address: text, family: 'ipv6' }).address;
}
