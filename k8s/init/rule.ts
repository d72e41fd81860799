/** One iptables rule as data, its text for iptables-restore, and what is the same in two texts. */
import type { PortRange } from '../../base/port-list.ts';
import { formatSubnet, parseSubnet } from './subnet.ts';
import type { Subnet } from './subnet.ts';

/** What a rule asks of a TCP connection's first packet; all of it must hold. */
export interface Match {
  /** The user whose socket sent it. */
  readonly uid?: number;
  readonly source?: Subnet;
  readonly destination?: Subnet;
  /** Destination ports: at most `PORT_SLOTS_MAX` slots. */
  readonly ports?: readonly PortRange[];
  /** The destination is an address of this network namespace. */
  readonly toThisPod?: boolean;
}

/** A rule of table nat, for TCP alone. */
export interface Rule {
  readonly chain: string;
  readonly match: Match;
  /** Back to the chain it came from, to a port of this namespace, or on to another chain. */
  readonly target: 'RETURN' | { readonly redirectPort: number } | { readonly jump: string };
  /** At most 255 bytes, without quotes and backslashes. */
  readonly comment: string;
}

/** What a multiport match holds; a range takes two. */
export const PORT_SLOTS_MAX = 15;

/** The rule as iptables-save would print it, so that what is simulated looks like what is saved. */
export function ruleLine({ chain, match, target, comment }: Rule): string {
  const { uid, source, destination, ports, toThisPod } = match;
  const parts = [`-A ${chain}`];
  if (source !== undefined) parts.push(`-s ${formatSubnet(source)}`);
  if (destination !== undefined) parts.push(`-d ${formatSubnet(destination)}`);
  parts.push('-p tcp');
  if (uid !== undefined) parts.push(`-m owner --uid-owner ${uid}`);
  if (ports !== undefined) {
    parts.push(`-m multiport --dports ${ports.map(formatPorts).join(',')}`);
  }
  if (toThisPod === true) parts.push('-m addrtype --dst-type LOCAL');
  parts.push(`-m comment --comment "${comment}"`);
  if (target === 'RETURN') parts.push('-j RETURN');
  else if ('jump' in target) parts.push(`-j ${target.jump}`);
  else parts.push(`-j REDIRECT --to-ports ${target.redirectPort}`);
  return parts.join(' ');
}

const formatPorts = ({ first, last }: PortRange): string =>
  first === last ? String(first) : `${first}:${last}`;

/** What is left of a list when each part has as many slots as one rule takes. */
export function portParts(ranges: readonly PortRange[]): readonly (readonly PortRange[])[] {
  const parts: PortRange[][] = [];
  let free = 0;
  for (const range of ranges) {
    const slots = range.first === range.last ? 1 : 2;
    if (slots > free) {
      parts.push([]);
      free = PORT_SLOTS_MAX;
    }
    parts.at(-1)?.push(range);
    free -= slots;
  }
  return parts;
}

/** A line of iptables-save or -restore, read as far as this program needs it. */
export interface ReadLine {
  readonly chain: string;
  /** Where a matching packet goes on: a chain, RETURN, REDIRECT …; empty when nowhere. */
  readonly target: string;
  /** Empty when it has none. */
  readonly comment: string;
  /**
   * Options and values but the chain's and the comment's, sorted: back ends and versions print them
   * in orders of their own, and name the modules that options need or not.
   */
  readonly said: string;
}

/** Reads a line that begins with "-A CHAIN"; undefined for any other. */
export function readLine(line: string): ReadLine | undefined {
  const [command, chain, ...rest] = words(line);
  if (command !== '-A' || chain === undefined) return undefined;
  const said: string[] = [];
  let target = '';
  let comment = '';
  for (let at = 0; at < rest.length; at++) {
    const option = rest[at] ?? '';
    if (!option.startsWith('-')) {
      said.push(option);
      continue;
    }
    const value = rest[at + 1]?.startsWith('-') === false ? (rest[++at] ?? '') : '';
    if (option === '--comment') comment = value;
    if (option === '-j' || option === '-g') target = value;
    if (option !== '--comment' && option !== '-m') said.push(`${option} ${plain(option, value)}`);
  }
  return { chain, target, comment, said: said.toSorted().join(' ') };
}

/** Addresses have many spellings; the other values of our rules have one. */
function plain(option: string, value: string): string {
  const subnet = option === '-s' || option === '-d' ? parseSubnet(value) : undefined;
  return subnet === undefined ? value : formatSubnet(subnet);
}

/** The words of a line; quotes hold one together, a backslash in them takes the next as it is. */
function words(line: string): readonly string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll(/\\(.)/g, '$1') ?? bare ?? '',
  );
}
