/**
 * The rules that bring a pod's TCP connections to its sidecar (docs/proxy-init.md has the drawing).
 * Own chains in table nat, so that they can be told from everybody else's and taken away whole.
 */
import { mergeRanges } from '../../base/port-list.ts';
import type { PortRange } from '../../base/port-list.ts';
import { portParts } from './rule.ts';
import type { Match, Rule } from './rule.ts';
import { parseSubnet } from './subnet.ts';
import type { Family, Subnet } from './subnet.ts';

/** Of connections that arrive at the pod. */
export const INBOUND_CHAIN = 'CULVERT_INBOUND';
/** Of connections that programs of the pod open. */
export const OUTBOUND_CHAIN = 'CULVERT_OUTBOUND';
/** Both, in the order in which iptables-save lists them. */
export const OWN_CHAINS: readonly string[] = [INBOUND_CHAIN, OUTBOUND_CHAIN];

/** What the rules are made from. */
export interface InterceptionOptions {
  /** The user that the sidecar runs as: what it sends is not brought back to it. */
  readonly proxyUid: number;
  /** Where the sidecar takes what arrives (4143). */
  readonly inboundPort: number;
  /** Where the sidecar takes what leaves (4140). */
  readonly outboundPort: number;
  /** The sidecar's own server (4191): reached directly from outside. */
  readonly adminPort: number;
  /** Ports of the pod that are reached directly. */
  readonly skipInboundPorts: readonly PortRange[];
  /** Ports anywhere that the pod reaches directly. */
  readonly skipOutboundPorts: readonly PortRange[];
  /** Whoever is there reaches the pod directly, and is reached directly. */
  readonly skipSubnets: readonly Subnet[];
}

/** The rules of one family. */
export interface InterceptionRules {
  readonly family: Family;
  /** In chains of our own, in order. */
  readonly rules: readonly Rule[];
  /** In the chains of the kernel: one each. */
  readonly jumps: readonly Rule[];
}

const RETURN = 'RETURN';
/** The loopback network: connections inside the pod. */
const LOOPBACK: Readonly<Record<Family, string>> = { ipv4: '127.0.0.0/8', ipv6: '::1/128' };
/** These name a neighbour only together with an interface, which a redirect would lose. */
const LINK_LOCAL = 'fe80::/10';

/** The rules of `family`. */
export function interceptionRules(options: InterceptionOptions, family: Family): InterceptionRules {
  return {
    family,
    rules: [...inboundRules(options, family), ...outboundRules(options, family)],
    jumps: [
      rule('PREROUTING', {}, { jump: INBOUND_CHAIN }, 'connections that arrive'),
      rule('OUTPUT', {}, { jump: OUTBOUND_CHAIN }, 'connections that leave'),
    ],
  };
}

function inboundRules(options: InterceptionOptions, family: Family): readonly Rule[] {
  const { adminPort, inboundPort, skipInboundPorts, skipSubnets } = options;
  const admin = { ports: [{ first: adminPort, last: adminPort }] };
  const pass = (match: Match, comment: string): Rule => rule(INBOUND_CHAIN, match, RETURN, comment);
  return [
    pass(admin, 'admin server of the proxy'),
    ...linkLocal(family).map((destination) => pass({ destination }, 'link-local address')),
    ...of(skipSubnets, family).map((source) => pass({ source }, 'from a skipped subnet')),
    ...portParts(mergeRanges(skipInboundPorts)).map((ports) => pass({ ports }, 'skipped ports')),
    // What is only passing through (containers in the pod, tunnels) is nobody's of this pod.
    rule(
      INBOUND_CHAIN,
      { toThisPod: true },
      { redirectPort: inboundPort },
      'to the proxy, inbound',
    ),
  ];
}

function outboundRules(options: InterceptionOptions, family: Family): readonly Rule[] {
  const { proxyUid, outboundPort, skipOutboundPorts, skipSubnets } = options;
  const pass = (match: Match, comment: string): Rule =>
    rule(OUTBOUND_CHAIN, match, RETURN, comment);
  return [
    // First, and whatever the destination: also what the sidecar hands to the application over lo.
    pass({ uid: proxyUid }, 'connections of the proxy'),
    // By destination, not by "-o lo": the pod's own addresses are reached over lo too, and are meshed.
    ...subnets(LOOPBACK[family]).map((destination) => pass({ destination }, 'loopback')),
    ...linkLocal(family).map((destination) => pass({ destination }, 'link-local address')),
    ...of(skipSubnets, family).map((destination) => pass({ destination }, 'to a skipped subnet')),
    ...portParts(mergeRanges(skipOutboundPorts)).map((ports) => pass({ ports }, 'skipped ports')),
    rule(OUTBOUND_CHAIN, {}, { redirectPort: outboundPort }, 'to the proxy, outbound'),
  ];
}

const rule = (chain: string, match: Match, target: Rule['target'], comment: string): Rule => ({
  chain,
  match,
  target,
  comment: `culvert: ${comment}`,
});

const of = (subnets: readonly Subnet[], family: Family): readonly Subnet[] =>
  subnets.filter((subnet) => subnet.family === family);

function subnets(text: string): readonly Subnet[] {
  const subnet = parseSubnet(text);
  return subnet === undefined ? [] : [subnet];
}

const linkLocal = (family: Family): readonly Subnet[] => of(subnets(LINK_LOCAL), family);
