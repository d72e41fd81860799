/** The mesh as the controller knows it: one immutable value with a version, and its one holder. */
import type { PortRange } from '../base/port-list.ts';
import { indexAddresses } from './addresses.ts';
import type { Addresses } from './addresses.ts';
import { resourceKey } from './resources/resource.ts';
import type {
  EndpointSlice,
  HttpRoute,
  IpAddress,
  Pod,
  Resource,
  Service,
  Workload,
} from './resources/resource.ts';

/** All resources at one moment, with the indexes that discovery needs. */
export interface Mesh extends Addresses {
  /** Grows by one with each change; 0 is the empty mesh before the first. */
  readonly version: number;
  /** By "namespace/name". */
  readonly pods: ReadonlyMap<string, Pod>;
  readonly services: ReadonlyMap<string, Service>;
  readonly workloads: readonly Workload[];
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
  const givenAddresses: IpAddress[] = [];
  const slicesOfService = new Map<string, EndpointSlice[]>();
  const routesOfService = new Map<string, HttpRoute[]>();
  const podsOfNamespace = new Map<string, Pod[]>();
  for (const resource of resources) {
    const key = resourceKey(resource.namespace, resource.name);
    switch (resource.kind) {
      case 'Pod':
        pods.set(key, resource);
        append(podsOfNamespace, resource.namespace, resource);
        break;
      case 'Service':
        services.set(key, resource);
        break;
      case 'IPAddress':
        givenAddresses.push(resource);
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
    ...indexAddresses(services, pods.values(), givenAddresses),
    slicesOfService,
    routesOfService,
    podsOfNamespace,
    defaultOpaquePorts,
  };
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
