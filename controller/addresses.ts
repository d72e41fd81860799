/**
 * Which address is whose. Of Services: those in their specs, then those that IPAddress resources
 * record. Of pods: their own, or their node's, which they share with whatever else runs there.
 */
import { resourceKey } from './resources/resource.ts';
import type { IpAddress, Pod, Service } from './resources/resource.ts';

/** Addresses in canonical form, and who has them. */
export interface Addresses {
  readonly serviceByAddress: ReadonlyMap<string, Service>;
  /** Of pods with a network of their own; of those that share an address, one that runs. */
  readonly podByAddress: ReadonlyMap<string, Pod>;
  /** Of pods in their node's network. */
  readonly hostPodsByAddress: ReadonlyMap<string, readonly Pod[]>;
  /** A sentence for each address that two claim; which of them has it is in the maps. */
  readonly addressConflicts: readonly string[];
}

/** Indexes what is alive; of two Services that claim an address the first has it. */
export function indexAddresses(
  services: ReadonlyMap<string, Service>,
  pods: Iterable<Pod>,
  given: readonly IpAddress[],
): Addresses {
  const conflicts: string[] = [];
  const serviceByAddress = indexServices(services, given, conflicts);
  const podByAddress = new Map<string, Pod>();
  const hostPodsByAddress = new Map<string, Pod[]>();
  for (const pod of pods) {
    // One that ended keeps its address in its status while a new pod may have been given it.
    if (pod.phase === 'ended') continue;
    for (const address of pod.addresses) {
      if (!pod.hostNetwork) addPod(podByAddress, address, pod);
      else {
        const others = hostPodsByAddress.get(address);
        if (others === undefined) hostPodsByAddress.set(address, [pod]);
        else others.push(pod);
      }
    }
  }
  for (const [address, pod] of podByAddress) {
    const service = serviceByAddress.get(address);
    if (service === undefined) continue;
    const claimants = `${nameOf(service)} and of ${nameOf(pod)}`;
    conflicts.push(`${address} is the address of ${claimants}: the Service has it`);
  }
  return { serviceByAddress, podByAddress, hostPodsByAddress, addressConflicts: conflicts };
}

function indexServices(
  services: ReadonlyMap<string, Service>,
  given: readonly IpAddress[],
  conflicts: string[],
): Map<string, Service> {
  const byAddress = new Map<string, Service>();
  const claim = (address: string, service: Service): void => {
    const holder = byAddress.get(address);
    if (holder === undefined) byAddress.set(address, service);
    else if (holder !== service) {
      const claimants = `${nameOf(holder)} and of ${nameOf(service)}`;
      conflicts.push(`${address} is the address of ${claimants}: the first has it`);
    }
  };
  for (const service of services.values()) {
    for (const address of service.clusterAddresses) claim(address, service);
  }
  for (const { name: address, service: key } of given) {
    const service = key === undefined ? undefined : services.get(key);
    // Nobody answers at an address of a Service that says it has none.
    if (service === undefined || service.headless || service.externalName !== undefined) continue;
    claim(address, service);
  }
  return byAddress;
}

/** Of two pods the one that stays has it. */
function addPod(podByAddress: Map<string, Pod>, address: string, pod: Pod): void {
  const other = podByAddress.get(address);
  if (other === undefined || (other.terminating && !pod.terminating)) {
    podByAddress.set(address, pod);
  }
}

/**
 * The pod behind a port of an address. On a node's address that is the one pod `hasPort` is true
 * of; undefined when it is true of none or, of those that stay, of several.
 */
export function podAt(
  { podByAddress, hostPodsByAddress }: Addresses,
  address: string,
  hasPort: (pod: Pod) => boolean,
): Pod | undefined {
  const own = podByAddress.get(address);
  if (own !== undefined) return own;
  const having = (hostPodsByAddress.get(address) ?? []).filter(hasPort);
  const staying = having.filter((pod) => !pod.terminating);
  const [pod, ...others] = staying.length > 0 ? staying : having;
  return others.length > 0 ? undefined : pod;
}

/** Whether a container of the pod says that it listens on the port. */
export const declaresPort = ({ ports }: Pod, port: number): boolean =>
  ports.some((one) => one.port === port);

const nameOf = ({ kind, namespace, name }: Service | Pod): string =>
  `${kind} ${resourceKey(namespace, name)}`;
