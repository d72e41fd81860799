import assert from 'node:assert/strict';
import { it } from 'node:test';
import { freshText } from './change.ts';
import { interceptionRules } from './interception-rules.ts';
import type { InterceptionOptions, InterceptionRules } from './interception-rules.ts';
import { PORT_SLOTS_MAX } from './rule.ts';
import type { Match, Rule } from './rule.ts';
import { parseSubnet, parseSubnets } from './subnet.ts';
import type { Subnet } from './subnet.ts';

const DEFAULTS: InterceptionOptions = {
  proxyUid: 2102,
  inboundPort: 4143,
  outboundPort: 4140,
  adminPort: 4191,
  skipInboundPorts: [],
  skipOutboundPorts: [],
  skipSubnets: [],
};
const OPTIONS: InterceptionOptions = {
  ...DEFAULTS,
  skipInboundPorts: [{ first: 9000, last: 9100 }],
  skipOutboundPorts: [
    { first: 587, last: 587 },
    { first: 25, last: 25 },
  ],
  skipSubnets: parseSubnets('192.0.2.0/24,2001:db8::/32') ?? assert.fail(),
};

it('The rules of IPv4 are these', () => {
  assert.equal(
    freshText(interceptionRules(OPTIONS, 'ipv4')),
    `*nat
:CULVERT_INBOUND - [0:0]
:CULVERT_OUTBOUND - [0:0]
-A CULVERT_INBOUND -p tcp -m multiport --dports 4191 -m comment --comment "culvert: admin server of the proxy" -j RETURN
-A CULVERT_INBOUND -s 192.0.2.0/24 -p tcp -m comment --comment "culvert: from a skipped subnet" -j RETURN
-A CULVERT_INBOUND -p tcp -m multiport --dports 9000:9100 -m comment --comment "culvert: skipped ports" -j RETURN
-A CULVERT_INBOUND -p tcp -m addrtype --dst-type LOCAL -m comment --comment "culvert: to the proxy, inbound" -j REDIRECT --to-ports 4143
-A CULVERT_OUTBOUND -p tcp -m owner --uid-owner 2102 -m comment --comment "culvert: connections of the proxy" -j RETURN
-A CULVERT_OUTBOUND -d 127.0.0.0/8 -p tcp -m comment --comment "culvert: loopback" -j RETURN
-A CULVERT_OUTBOUND -d 192.0.2.0/24 -p tcp -m comment --comment "culvert: to a skipped subnet" -j RETURN
-A CULVERT_OUTBOUND -p tcp -m multiport --dports 25,587 -m comment --comment "culvert: skipped ports" -j RETURN
-A CULVERT_OUTBOUND -p tcp -m comment --comment "culvert: to the proxy, outbound" -j REDIRECT --to-ports 4140
-A PREROUTING -p tcp -m comment --comment "culvert: connections that arrive" -j CULVERT_INBOUND
-A OUTPUT -p tcp -m comment --comment "culvert: connections that leave" -j CULVERT_OUTBOUND
COMMIT
`,
  );
});

/** Lines that name no address. */
const without = (all: readonly string[]): readonly string[] =>
  all.filter((line) => !/ -[sd] /.test(line));

it('The rules of IPv6 are those of IPv4 with other addresses, and link-local ones pass', () => {
  const lines = freshText(interceptionRules(OPTIONS, 'ipv6')).split('\n');
  const withAddress = lines.filter((line) => / -[sd] /.test(line));
  assert.deepEqual(
    withAddress.map((line) => line.replace(/ -p tcp.*/, '')),
    [
      '-A CULVERT_INBOUND -d fe80::/10',
      '-A CULVERT_INBOUND -s 2001:db8::/32',
      '-A CULVERT_OUTBOUND -d ::1/128',
      '-A CULVERT_OUTBOUND -d fe80::/10',
      '-A CULVERT_OUTBOUND -d 2001:db8::/32',
    ],
  );
  const ipv4 = freshText(interceptionRules(OPTIONS, 'ipv4')).split('\n');
  assert.deepEqual(without(lines), without(ipv4));
});

it('A long list of ports is several rules, none with more slots than the kernel takes', () => {
  const skipOutboundPorts = Array.from({ length: 40 }, (_, at) => ({
    first: 1000 + at * 10,
    last: 1000 + at * 10 + (at % 3),
  }));
  const { rules } = interceptionRules({ ...DEFAULTS, skipOutboundPorts }, 'ipv4');
  const lists = rules.filter(({ comment }) => comment === 'culvert: skipped ports');
  const slots = lists.map(({ match }) =>
    (match.ports ?? []).reduce((sum, { first, last }) => sum + (first === last ? 1 : 2), 0),
  );
  assert.ok(slots.length >= 5 && slots.every((each) => each >= 1 && each <= PORT_SLOTS_MAX));
  assert.deepEqual(
    lists.flatMap(({ match }) => match.ports),
    skipOutboundPorts,
  );
});

/** The first packet of a TCP connection. */
interface Packet {
  readonly from: string;
  readonly to: string;
  readonly port: number;
  /** Of the socket that sends it; absent for what arrives. */
  readonly uid?: number;
}

/** The pod's own addresses. */
const POD = new Set(['10.1.0.5', 'fd00::5', 'fe80::5']);

const inSubnet = (address: string, subnet: Subnet): boolean => {
  const host = parseSubnet(address) ?? assert.fail(address);
  const width = subnet.family === 'ipv4' ? 32 : 128;
  const behind = BigInt(width - subnet.prefixBits);
  return host.family === subnet.family && host.address >> behind === subnet.address >> behind;
};

const matches = ({ uid, source, destination, ports, toThisPod }: Match, packet: Packet): boolean =>
  (uid === undefined || uid === packet.uid) &&
  (source === undefined || inSubnet(packet.from, source)) &&
  (destination === undefined || inSubnet(packet.to, destination)) &&
  (ports === undefined ||
    ports.some(({ first, last }) => first <= packet.port && packet.port <= last)) &&
  (toThisPod !== true || POD.has(packet.to));

/** Where the kernel would bring the packet: a port of the pod, or undefined for where it was going. */
function whereTo({ rules, jumps }: InterceptionRules, packet: Packet): number | undefined {
  const start = packet.uid === undefined ? 'PREROUTING' : 'OUTPUT';
  const walk = (chain: string): number | undefined => {
    for (const { match, target } of [...rules, ...jumps].filter((it: Rule) => it.chain === chain)) {
      if (!matches(match, packet)) continue;
      if (target === 'RETURN') return undefined;
      if ('redirectPort' in target) return target.redirectPort;
      const port = walk(target.jump);
      if (port !== undefined) return port;
    }
    return undefined;
  };
  return walk(start);
}

const APP = { from: '10.1.0.5', uid: 1000 };
const PROXY = { from: '10.1.0.5', uid: 2102 };
const PEER = { from: '10.1.0.9' };

const packets: readonly (readonly [what: string, packet: Packet, port: number | undefined])[] = [
  ['what a peer sends to the pod', { ...PEER, to: '10.1.0.5', port: 8080 }, 4143],
  ['what a peer sends to the admin port', { ...PEER, to: '10.1.0.5', port: 4191 }, undefined],
  ['what a peer sends to the outbound port', { ...PEER, to: '10.1.0.5', port: 4140 }, 4143],
  ['what a peer sends to a skipped port', { ...PEER, to: '10.1.0.5', port: 9050 }, undefined],
  ['what a skipped subnet sends', { from: '192.0.2.8', to: '10.1.0.5', port: 80 }, undefined],
  ['what passes through the pod', { from: '172.17.0.2', to: '203.0.113.1', port: 443 }, undefined],
  ['what the application sends to a peer', { ...APP, to: '10.1.0.9', port: 80 }, 4140],
  ['what the application sends to a service', { ...APP, to: '10.96.0.1', port: 80 }, 4140],
  ['what the application sends to its own pod', { ...APP, to: '10.1.0.5', port: 8080 }, 4140],
  ['what the application sends over loopback', { ...APP, to: '127.0.0.1', port: 80 }, undefined],
  ['what it sends to 127.0.0.11', { ...APP, to: '127.0.0.11', port: 53 }, undefined],
  ['what it sends to a skipped port', { ...APP, to: '10.1.0.9', port: 25 }, undefined],
  ['what it sends to a skipped subnet', { ...APP, to: '192.0.2.1', port: 80 }, undefined],
  ['what the proxy sends to a peer', { ...PROXY, to: '10.1.0.9', port: 80 }, undefined],
  ['what the proxy hands to its pod', { ...PROXY, to: '10.1.0.5', port: 8080 }, undefined],
  ['what root sends', { from: '10.1.0.5', uid: 0, to: '10.1.0.9', port: 80 }, 4140],
  ['what a peer sends over IPv6', { from: 'fd00::9', to: 'fd00::5', port: 8080 }, 4143],
  ['what a neighbour sends, link-local', { from: 'fe80::9', to: 'fe80::5', port: 80 }, undefined],
  ['what it sends over IPv6', { from: 'fd00::5', uid: 1000, to: 'fd00::9', port: 80 }, 4140],
  ['what it sends to ::1', { from: '::1', uid: 1000, to: '::1', port: 80 }, undefined],
  ['what it sends to a neighbour', { ...APP, to: 'fe80::9', port: 80 }, undefined],
];

for (const [what, packet, port] of packets) {
  it(`The rules bring ${what} ${port === undefined ? 'where it was going' : `to ${port}`}`, () => {
    const family = packet.to.includes(':') ? 'ipv6' : 'ipv4';
    assert.equal(whereTo(interceptionRules(OPTIONS, family), packet), port);
  });
}
