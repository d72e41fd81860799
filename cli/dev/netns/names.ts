/**
 * What `dev --network netns` makes on a machine has these names, which remove.sh has too: there is one
 * such run a machine.
 */

/** How the names of its network namespaces begin. */
export const NAMESPACE_PREFIX = 'culvert-';
/** The namespace of the bridge. No pod has this name: theirs end in a number. */
export const BRIDGE_NAMESPACE = 'culvert-bridge';
/** The bridge, in its namespace. */
export const BRIDGE = 'br0';
/** The machine's own end of the pair into the bridge: the one link on the machine itself. */
export const HOST_LINK = 'culvert0';
/** The other end of it. */
export const HOST_PORT = 'host0';
/** A pod's only link but loopback. */
export const POD_LINK = 'eth0';
/** As which a sidecar runs: what proxy-init lets pass. */
export const SIDECAR_UID = 2102;
/** Where `ip netns exec` takes a namespace's files in /etc from. */
export const ETC_NETNS = '/etc/netns';
/** Where named namespaces are. */
export const RUN_NETNS = '/run/netns';
/** A file for each network namespace of the run, of its name, is there before the namespace is. */
export const NAMESPACE_RECORDS = '/run/culvert-netns/namespaces';
/** Where a sidecar sees the checkout, wherever that lies. */
export const CHECKOUT_VIEW = '/run/culvert-netns/checkout';
/** The compile cache of sidecars, which is their user's. */
export const SIDECAR_CACHE = '/run/culvert-netns/compile-cache';
/** There when it was this run that made /run/netns a mount. */
export const RUN_NETNS_MADE = '/run/culvert-netns/made-run-netns';

interface NamedPod {
  readonly namespace: string;
  readonly name: string;
  readonly deployment: { readonly name: string };
}

/**
 * The network namespace of a pod: `culvert-<pod>`, or `culvert-<pod>.<namespace>` where Deployments
 * of one name are in several namespaces of the manifest.
 */
export function networkNamespaceOf(
  { name, namespace, deployment }: NamedPod,
  deployments: readonly { readonly name: string }[],
): string {
  const namesakes = deployments.filter((one) => one.name === deployment.name);
  return `${NAMESPACE_PREFIX}${name}${namesakes.length > 1 ? `.${namespace}` : ''}`;
}

/** The bridge's end of the pair to the pod with this address: at most 12 bytes, "v199-0-17". */
export const bridgePortOf = (podAddress: string): string =>
  `v${podAddress.split('.').slice(1).join('-')}`;
