import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpRange } from './ip-range.ts';
import type { IpRange } from './ip-range.ts';
import { bridgePortOf, networkNamespaceOf } from './names.ts';
import {
  bridgeCommands,
  gatewayOf,
  lowPortsCommand,
  pinCommands,
  podCommands,
} from './network-plan.ts';

const PODS = parseIpRange('10.199.0.0/16') as IpRange;
const LAYOUT = { pods: PODS, services: [parseIpRange('10.198.0.0/16') as IpRange] };
const LINK_NAME_BYTES_MAX = 15;

const lines = (commands: readonly (readonly string[])[]): readonly string[] =>
  commands.map((command) => command.join(' '));

test('bridge is in a namespace of its own: the machine gets one link and one address', () => {
  assert.deepEqual(
    lines(bridgeCommands(LAYOUT)).filter((line) => !line.startsWith('ip -n culvert-bridge')),
    [
      'ip netns add culvert-bridge',
      'ip link add culvert0 type veth peer name host0 netns culvert-bridge',
      'ip address add 10.199.0.1/16 dev culvert0',
      'ip link set culvert0 up',
    ],
  );
});

test('pod gets its namespace before its link, and its address before its way out', () => {
  const place = { networkNamespace: 'culvert-web-1', address: '10.199.0.2' };
  assert.deepEqual(lines(podCommands(place, LAYOUT)), [
    'ip netns add culvert-web-1',
    'ip -n culvert-bridge link add v199-0-2 type veth peer name eth0 netns culvert-web-1',
    'ip -n culvert-web-1 link set lo up',
    'ip -n culvert-web-1 address add 10.199.0.2/16 dev eth0',
    'ip -n culvert-web-1 link set eth0 up',
    'ip -n culvert-web-1 route add default via 10.199.0.1',
    'ip -n culvert-web-1 route add 10.198.0.0/16 dev eth0',
    'ip -n culvert-bridge link set v199-0-2 master br0 up',
  ]);
});

test('pod makes nothing in the namespace of the machine itself', () => {
  const place = { networkNamespace: 'culvert-web-1', address: '10.199.0.2' };
  const commands = [...podCommands(place, LAYOUT), lowPortsCommand('culvert-web-1')];
  for (const line of lines(commands)) {
    assert.match(line, /^ip (netns (add|exec) culvert-web-1|-n culvert-(bridge|web-1) )/);
  }
});

test('service addresses lead to the bridge, which takes them and listens nowhere', () => {
  const alone = { base: 0x0a_00_00_07, prefixLength: 32 };
  const bridge = lines(bridgeCommands({ pods: PODS, services: [...LAYOUT.services, alone] }));
  for (const line of [
    'route add local 10.198.0.0/16 dev lo',
    'route add local 10.0.0.7/32 dev lo',
    'route add 10.199.0.0/16 dev br0',
  ]) {
    assert.ok(bridge.includes(`ip -n culvert-bridge ${line}`), line);
  }
});

test('gateway is the first address of the range', () => {
  assert.equal(gatewayOf(PODS), '10.199.0.1');
});

test('names of links fit into what the kernel takes', () => {
  for (const address of ['10.199.0.2', '10.255.255.254', '192.168.100.200']) {
    assert.ok(bridgePortOf(address).length <= LINK_NAME_BYTES_MAX, address);
  }
  assert.notEqual(bridgePortOf('10.199.0.2'), bridgePortOf('10.199.2.0'));
});

test('namespace has the name of the pod, and that of its own namespace where others have it too', () => {
  const pod = { namespace: 'demo', name: 'web-1', deployment: { name: 'web' } };
  const other = { name: 'bot' };
  assert.equal(networkNamespaceOf(pod, [pod.deployment, other]), 'culvert-web-1');
  assert.equal(
    networkNamespaceOf(pod, [pod.deployment, other, { name: 'web' }]),
    'culvert-web-1.demo',
  );
});

test('service is pinned to one endpoint where no sidecar stands for it', () => {
  const pinned = {
    clusterIp: '10.198.0.1',
    port: 80,
    endpoint: { host: '10.199.0.2', port: 7080 },
  };
  assert.deepEqual(lines(pinCommands([pinned], 'iptables-nft')), [
    'iptables-nft -w -t nat -A OUTPUT -d 10.198.0.1/32 -p tcp --dport 80 -j DNAT --to-destination 10.199.0.2:7080',
  ]);
});
