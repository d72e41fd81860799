import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpRange } from './ip-range.ts';
import type { IpRange } from './ip-range.ts';
import { bridgePortOf, networkNamespaceOf } from './names.ts';
import { bridgeCommands, gatewayOf, pinCommands, podCommands } from './network-plan.ts';

const PODS = parseIpRange('10.199.0.0/16') as IpRange;
const LINK_NAME_BYTES_MAX = 15;

const lines = (commands: readonly (readonly string[])[]): readonly string[] =>
  commands.map((command) => command.join(' '));

test('bridge is in a namespace of its own: the machine gets one link and one address', () => {
  assert.deepEqual(
    lines(bridgeCommands(PODS)).filter((line) => !line.startsWith('ip -n culvert-bridge')),
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
  assert.deepEqual(lines(podCommands(place, PODS)), [
    'ip netns add culvert-web-1',
    'ip -n culvert-bridge link add v199-0-2 type veth peer name eth0 netns culvert-web-1',
    'ip -n culvert-web-1 link set lo up',
    'ip -n culvert-web-1 address add 10.199.0.2/16 dev eth0',
    'ip -n culvert-web-1 link set eth0 up',
    'ip -n culvert-web-1 route add default via 10.199.0.1',
    'ip -n culvert-bridge link set v199-0-2 master br0 up',
    'ip netns exec culvert-web-1 sh -c echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start',
  ]);
});

test('pod makes nothing in the namespace of the machine itself', () => {
  const place = { networkNamespace: 'culvert-web-1', address: '10.199.0.2' };
  for (const line of lines(podCommands(place, PODS))) {
    assert.match(line, /^ip (netns (add|exec) culvert-web-1|-n culvert-(bridge|web-1) )/);
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

test('service is pinned to one endpoint in a pod without a sidecar', () => {
  const pinned = {
    clusterIp: '10.198.0.1',
    port: 80,
    endpoint: { host: '10.199.0.2', port: 7080 },
  };
  assert.deepEqual(lines(pinCommands([pinned])), [
    'iptables -w -t nat -A OUTPUT -d 10.198.0.1/32 -p tcp --dport 80 -j DNAT --to-destination 10.199.0.2:7080',
  ]);
});
