/**
 * A pod's own files in /etc. `ip netns exec` mounts what lies in /etc/netns/<namespace>/ over what
 * lies in /etc, for the program it starts alone: so for ours, and for those that people start.
 */

/** Where names of the mesh end. */
export const CLUSTER_DOMAIN = 'cluster.local';

/** Text by file name. */
export type EtcFiles = Readonly<Record<string, string>>;

/** What is asked of a pod for them. */
export interface PodIdentity {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
}

/**
 * As kubelet writes them: names go to the name server with the search list of the pod's namespace,
 * so `web`, `web.demo` and `web.demo.svc` all become `web.demo.svc.cluster.local`.
 */
export function etcFiles(
  { address, name, namespace }: PodIdentity,
  nameServer: string,
  machineNsswitch: string,
): EtcFiles {
  const search = [`${namespace}.svc.${CLUSTER_DOMAIN}`, `svc.${CLUSTER_DOMAIN}`, CLUSTER_DOMAIN];
  return {
    'resolv.conf': `nameserver ${nameServer}\nsearch ${search.join(' ')}\noptions ndots:5\n`,
    hosts: `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n${address} ${name}\n`,
    'nsswitch.conf': nsswitch(machineNsswitch),
  };
}

/**
 * The machine's, but for hosts: services such as systemd-resolved and mDNS answer through sockets in
 * the file system, which the pod shares with the machine, and know nothing of the mesh.
 */
function nsswitch(machine: string): string {
  const others = machine.split('\n').filter((line) => !/^\s*hosts\s*:/.test(line));
  return `${others.join('\n').trimEnd()}\nhosts: files dns\n`.trimStart();
}
