/** The mesh as the controller knows it: one immutable value with a version, and its one holder. */
import type { PortRange } from '../base/port-list.ts';
import { resourceKey } from './resources/resource.ts';
import type {
  EndpointSlice,
  HttpRoute,
  Pod,
  Resource,
  Service,
  Workload,
} from './resources/resource.ts';

/** All resources at one moment, with the indexes that discovery needs. */
export interface Mesh {
  /** Grows by one with each change; 0 is the empty mesh before the first. */
  readonly version: number;
  /** By "namespace/name". */
  readonly pods: ReadonlyMap<string, Pod>;
  readonly services: ReadonlyMap<string, Service>;
  readonly workloads: readonly Workload[];
  /** By canonical address; of pods that share one, one that runs. */
  readonly podByAddress: ReadonlyMap<string, Pod>;
  readonly serviceByAddress: ReadonlyMap<string, Service>;
  /** By "namespace/name" of the service. */
  readonly slicesOfService: ReadonlyMap<string, readonly EndpointSlice[]>;
  readonly routesOfService: ReadonlyMap<string, readonly HttpRoute[]>;
  readonly podsOfNamespace: ReadonlyMap<string, readonly Pod[]>;
  /** Ports that are opaque where nobody says otherwise. */
  readonly defaultOpaquePorts: readonly PortRange[];
}

/** Compiles resources, one of each identity, into a mesh. */
export function buildMesh(
  version: number,
  resources: readonly Resource[],
  defaultOpaquePorts: readonly PortRange[] = [],
): Mesh {
  const pods = new Map<string, Pod>();
  const services = new Map<string, Service>();
  const workloads: Workload[] = [];
  const podByAddress = new Map<string, Pod>();
  const serviceByAddress = new Map<string, Service>();
  const slicesOfService = new Map<string, EndpointSlice[]>();
  const routesOfService = new Map<string, HttpRoute[]>();
  const podsOfNamespace = new Map<string, Pod[]>();
  for (const resource of resources) {
    const key = resourceKey(resource.namespace, resource.name);
    switch (resource.kind) {
      case 'Pod':
        pods.set(key, resource);
        append(podsOfNamespace, resource.namespace, resource);
        for (const address of resource.addresses) addPodAddress(podByAddress, address, resource);
        break;
      case 'Service':
        services.set(key, resource);
        for (const address of resource.clusterAddresses) serviceByAddress.set(address, resource);
        break;
      case 'EndpointSlice':
        if (resource.service !== undefined) {
          append(slicesOfService, resourceKey(resource.namespace, resource.service), resource);
        }
        break;
      case 'HTTPRoute': {
        const parents = resource.parents.map((one) => resourceKey(one.namespace, one.service));
        for (const parent of new Set(parents)) append(routesOfService, parent, resource);
        break;
      }
      default:
        workloads.push(resource);
    }
  }
  return {
    version,
    pods,
    services,
    workloads,
    podByAddress,
    serviceByAddress,
    slicesOfService,
    routesOfService,
    podsOfNamespace,
    defaultOpaquePorts,
  };
}

/** A pod that ended keeps its address in its status while a new pod may have been given it. */
function addPodAddress(podByAddress: Map<string, Pod>, address: string, pod: Pod): void {
  if (pod.phase === 'ended') return;
  const other = podByAddress.get(address);
  if (other === undefined || (other.terminating && !pod.terminating)) {
    podByAddress.set(address, pod);
  }
}

function append<T>(lists: Map<string, T[]>, key: string, item: T): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [item]);
  else list.push(item);
}

/** Holds the current mesh and tells listeners when another takes its place. */
export class MeshState {
  readonly #defaultOpaquePorts: readonly PortRange[];
  #current: Mesh;
  readonly #listeners = new Set<() => void>();

  constructor(defaultOpaquePorts: readonly PortRange[] = []) {
    this.#defaultOpaquePorts = defaultOpaquePorts;
    this.#current = buildMesh(0, [], defaultOpaquePorts);
  }

  get current(): Mesh {
    return this.#current;
  }

  replace(resources: readonly Resource[]): void {
    const version = this.#current.version + 1;
    this.#current = buildMesh(version, resources, this.#defaultOpaquePorts);
    for (const listener of this.#listeners) listener();
  }

  /** Returns what ends the listening. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
