/** Subnets as people write them ("10.0.0.0/8", "fd00::/8", one address) and as tools print them. */
import { isIPv4, isIPv6 } from 'node:net';

/** The two families of addresses, each with tables of its own. */
export type Family = 'ipv4' | 'ipv6';

/** Addresses that share their first `prefixBits`; the bits behind them are 0. */
export interface Subnet {
  readonly family: Family;
  readonly address: bigint;
  /** 1 to 32, or 1 to 128. */
  readonly prefixBits: number;
}

/** What a list of subnets may hold, for messages. */
export const SUBNET_LIST_WORDS =
  'addresses and subnets with commas between, as 10.0.0.0/8,192.0.2.7,fd00::/8; none may have prefix 0';

const BITS: Readonly<Record<Family, number>> = { ipv4: 32, ipv6: 128 };
const GROUPS = 8;
const GROUP_BITS = 16n;

/**
 * Reads an address with or without a prefix length; bits behind the prefix are dropped, as iptables
 * does. Undefined when the text is none, has a zone, or the prefix is 0: that would be every address.
 */
export function parseSubnet(text: string): Subnet | undefined {
  const match = /^([0-9A-Fa-f:.]+)(?:\/(\d{1,3}))?$/.exec(text.trim());
  const written = match?.[1] ?? '';
  const family = isIPv4(written) ? 'ipv4' : isIPv6(written) ? 'ipv6' : undefined;
  if (family === undefined) return undefined;
  const bits = BITS[family];
  const prefixBits = match?.[2] === undefined ? bits : Number(match[2]);
  if (prefixBits < 1 || prefixBits > bits) return undefined;
  const address = family === 'ipv4' ? readIpv4(written) : readIpv6(written);
  const behind = BigInt(bits - prefixBits);
  return { family, address: (address >> behind) << behind, prefixBits };
}

/** Reads a list with commas between; undefined when a part is no subnet. An empty text is an empty list. */
export function parseSubnets(text: string): readonly Subnet[] | undefined {
  if (text.trim() === '') return [];
  const subnets = text.split(',').map(parseSubnet);
  return subnets.every((subnet) => subnet !== undefined) ? subnets : undefined;
}

/** As iptables prints it: "10.0.0.0/8", "fd00::/8". */
export const formatSubnet = ({ family, address, prefixBits }: Subnet): string =>
  `${family === 'ipv4' ? formatIpv4(address) : formatIpv6(address)}/${prefixBits}`;

const readIpv4 = (text: string): bigint =>
  text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);

/** RFC 4291 section 2.2: groups of 16 bits, one run of zeros as "::", the last 32 bits maybe dotted. */
function readIpv6(text: string): bigint {
  const dotted = /[\d.]*\.[\d.]*$/.exec(text)?.[0];
  let written = text;
  if (dotted !== undefined) {
    const low = readIpv4(dotted);
    const groups = [low >> GROUP_BITS, low & 0xff_ffn].map((group) => group.toString(16));
    written = text.slice(0, -dotted.length) + groups.join(':');
  }
  const [head = '', tail] = written.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: GROUPS - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].reduce(
    (sum, group) => (sum << GROUP_BITS) | BigInt(`0x${group}`),
    0n,
  );
}

const formatIpv4 = (address: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => String((address >> shift) & 0xffn)).join('.');

function formatIpv6(address: bigint): string {
  const groups = Array.from({ length: GROUPS }, (_, at) =>
    ((address >> (GROUP_BITS * BigInt(GROUPS - 1 - at))) & 0xff_ffn).toString(16),
  );
  // The URL standard prints hosts as RFC 5952 does: its serializer knows which zeros to leave out.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}
