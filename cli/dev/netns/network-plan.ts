/**
 * The commands that make the network of a run, as data.
 *
 *      the machine            culvert-bridge                    culvert-web-1
 *     +-----------+          +----------------+                +-------------+
 *     |  culvert0 |==========| host0          |                |             |
 *     | gateway   |  (veth)  |      br0       |================| eth0        |
 *     |           |          |       v199-0-2 |     (veth)     | pod address |
 *     +-----------+          +----------------+                +-------------+
 *
 * The bridge has a namespace of its own: what passes a bridge passes the firewall rules of the
 * bridge's namespace (br_netfilter), and those of a machine with a container runtime drop it. So the
 * machine itself gets one link, with one address.
 */
import type { IpRange } from './ip-range.ts';
import { addressAt } from './ip-range.ts';
import { BRIDGE, BRIDGE_NAMESPACE, bridgePortOf, HOST_LINK, HOST_PORT, POD_LINK } from './names.ts';

/** A program and its arguments. */
export type Command = readonly string[];

/** A pod on the network. */
export interface PodPlace {
  readonly networkNamespace: string;
  readonly address: string;
}

/** A service port that somebody without a sidecar calls, and the endpoint that stands for it. */
export interface PinnedService {
  readonly clusterIp: string;
  readonly port: number;
  readonly endpoint: { readonly host: string; readonly port: number };
}

/** The machine's address on the network: the pods' way out, their name server and controller. */
export const gatewayOf = (pods: IpRange): string => addressAt(pods, 1);

/** Makes the bridge and the machine's link to it. */
export function bridgeCommands(pods: IpRange): readonly Command[] {
  return [
    ['ip', 'netns', 'add', BRIDGE_NAMESPACE],
    ['ip', '-n', BRIDGE_NAMESPACE, 'link', 'set', 'lo', 'up'],
    ['ip', '-n', BRIDGE_NAMESPACE, 'link', 'add', BRIDGE, 'type', 'bridge'],
    ['ip', '-n', BRIDGE_NAMESPACE, 'link', 'set', BRIDGE, 'up'],
    [
      ...['ip', 'link', 'add', HOST_LINK, 'type', 'veth'],
      ...['peer', 'name', HOST_PORT, 'netns', BRIDGE_NAMESPACE],
    ],
    ['ip', '-n', BRIDGE_NAMESPACE, 'link', 'set', HOST_PORT, 'master', BRIDGE, 'up'],
    ['ip', 'address', 'add', `${gatewayOf(pods)}/${pods.prefixLength}`, 'dev', HOST_LINK],
    ['ip', 'link', 'set', HOST_LINK, 'up'],
  ];
}

/** Makes a pod's namespace, with its link, its address and its way out. */
export function podCommands(
  { networkNamespace, address }: PodPlace,
  pods: IpRange,
): readonly Command[] {
  const inPod = ['ip', '-n', networkNamespace];
  const port = bridgePortOf(address);
  return [
    ['ip', 'netns', 'add', networkNamespace],
    // Asked of the bridge's namespace: kernels before 6.13 look for the new name where they are
    // asked, and a machine has an eth0.
    [
      ...['ip', '-n', BRIDGE_NAMESPACE, 'link', 'add', port, 'type', 'veth'],
      ...['peer', 'name', POD_LINK, 'netns', networkNamespace],
    ],
    [...inPod, 'link', 'set', 'lo', 'up'],
    [...inPod, 'address', 'add', `${address}/${pods.prefixLength}`, 'dev', POD_LINK],
    [...inPod, 'link', 'set', POD_LINK, 'up'],
    // Service addresses are nowhere: they need a way all the same, or a connect has no route.
    [...inPod, 'route', 'add', 'default', 'via', gatewayOf(pods)],
    ['ip', '-n', BRIDGE_NAMESPACE, 'link', 'set', port, 'master', BRIDGE, 'up'],
    // As container runtimes do: whoever a program runs as, it may listen on port 80 of its pod.
    [
      ...['ip', 'netns', 'exec', networkNamespace, 'sh', '-c'],
      'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start',
    ],
  ];
}

/**
 * In a pod without a sidecar the first endpoint stands for a service, as on loopback. To be run inside
 * its namespace.
 */
export const pinCommands = (pinned: readonly PinnedService[]): readonly Command[] =>
  pinned.map(({ clusterIp, port, endpoint }) => [
    ...['iptables', '-w', '-t', 'nat', '-A', 'OUTPUT'],
    ...['-d', `${clusterIp}/32`, '-p', 'tcp', '--dport', String(port)],
    ...['-j', 'DNAT', '--to-destination', `${endpoint.host}:${endpoint.port}`],
  ]);
