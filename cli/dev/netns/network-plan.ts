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
 * Service addresses are nobody's. They lead to the bridge, whose namespace takes them for its own and
 * listens nowhere: a port that no sidecar and no rule stands for is refused at once.
 *
 * The bridge has a namespace of its own: what passes a bridge passes the firewall rules of the
 * bridge's namespace (br_netfilter), and those of a machine with a container runtime drop it. So the
 * machine itself gets one link, with one address.
 */
import { addressAt, formatIpRange } from './ip-range.ts';
import type { IpRange } from './ip-range.ts';
import { BRIDGE, BRIDGE_NAMESPACE, bridgePortOf, HOST_LINK, HOST_PORT, POD_LINK } from './names.ts';

/** A program and its arguments. */
export type Command = readonly string[];

/** What leads where. */
export interface NetworkLayout {
  readonly pods: IpRange;
  /** Together all addresses of services. */
  readonly services: readonly IpRange[];
}

/** A pod on the network. */
export interface PodPlace {
  readonly networkNamespace: string;
  readonly address: string;
}

/** A service port that is called past a sidecar, and the endpoint that stands for it. */
export interface PinnedService {
  readonly clusterIp: string;
  readonly port: number;
  readonly endpoint: { readonly host: string; readonly port: number };
}

/** The machine's address on the network: the pods' way out, their name server and controller. */
export const gatewayOf = (pods: IpRange): string => addressAt(pods, 1);

/** Makes the bridge and the machine's link to it. */
export function bridgeCommands({ pods, services }: NetworkLayout): readonly Command[] {
  const inBridge = `ip -n ${BRIDGE_NAMESPACE}`;
  return [
    `ip netns add ${BRIDGE_NAMESPACE}`,
    `${inBridge} link set lo up`,
    `${inBridge} link add ${BRIDGE} type bridge`,
    `${inBridge} link set ${BRIDGE} up`,
    `${inBridge} route add ${formatIpRange(pods)} dev ${BRIDGE}`,
    ...services.map((range) => `${inBridge} route add local ${formatIpRange(range)} dev lo`),
    `ip link add ${HOST_LINK} type veth peer name ${HOST_PORT} netns ${BRIDGE_NAMESPACE}`,
    `${inBridge} link set ${HOST_PORT} master ${BRIDGE} up`,
    `ip address add ${gatewayOf(pods)}/${pods.prefixLength} dev ${HOST_LINK}`,
    `ip link set ${HOST_LINK} up`,
  ].map(wordsOf);
}

/** Makes a pod's namespace, with its link, its address and its way out. */
export function podCommands(
  { networkNamespace, address }: PodPlace,
  { pods, services }: NetworkLayout,
): readonly Command[] {
  const inBridge = `ip -n ${BRIDGE_NAMESPACE}`;
  const inPod = `ip -n ${networkNamespace}`;
  const port = bridgePortOf(address);
  return [
    `ip netns add ${networkNamespace}`,
    // Asked of the bridge's namespace: kernels before 6.13 look for the new name where they are
    // asked, and a machine has an eth0.
    `${inBridge} link add ${port} type veth peer name ${POD_LINK} netns ${networkNamespace}`,
    `${inPod} link set lo up`,
    `${inPod} address add ${address}/${pods.prefixLength} dev ${POD_LINK}`,
    `${inPod} link set ${POD_LINK} up`,
    `${inPod} route add default via ${gatewayOf(pods)}`,
    ...services.map((range) => `${inPod} route add ${formatIpRange(range)} dev ${POD_LINK}`),
    `${inBridge} link set ${port} master ${BRIDGE} up`,
  ].map(wordsOf);
}

/** As container runtimes do: whoever a program runs as, it may listen on port 80 of its pod. */
export const lowPortsCommand = (networkNamespace: string): Command => [
  ...wordsOf(`ip netns exec ${networkNamespace} sh -c`),
  'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start',
];

/**
 * Where no sidecar stands for a service, its first endpoint does, as on loopback. To be run inside the
 * pod's namespace, with the program `iptables` of the back end that other rules there are in.
 */
export const pinCommands = (
  pinned: readonly PinnedService[],
  iptables: string,
): readonly Command[] =>
  pinned.map(({ clusterIp, port, endpoint: { host, port: target } }) => {
    const match = `-d ${clusterIp}/32 -p tcp --dport ${port}`;
    return wordsOf(
      `${iptables} -w -t nat -A OUTPUT ${match} -j DNAT --to-destination ${host}:${target}`,
    );
  });

const wordsOf = (line: string): Command => line.split(' ');
