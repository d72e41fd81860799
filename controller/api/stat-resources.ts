/** Resources as rows of a summary: those the mesh knows, and those a series speaks of. */
import { ResourceKind } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { ResourceRef } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { podsOfService } from '../discovery/selected-pods.ts';
import { resourceKey } from '../resources/resource.ts';
import type { Pod, Service } from '../resources/resource.ts';
import type { Mesh } from '../state.ts';
import type { Series } from '../telemetry/reporter.ts';

/** A resource that traffic is counted for. */
export interface Grouped {
  /** Empty for a namespace: its name says it. */
  readonly namespace: string;
  readonly name: string;
  /** Of a route; empty for every other kind. */
  readonly service: string;
  /** Pods; undefined where only telemetry speaks of the resource. */
  readonly meshed?: number;
  readonly running?: number;
}

/** Empty parts of the reference match everything; a namespace is matched by its name alone. */
export function matchesRef(ref: ResourceRef, group: Grouped): boolean {
  const isNamespace = ref.kind === ResourceKind.RESOURCE_KIND_NAMESPACE;
  return (
    (isNamespace || ref.namespace === '' || ref.namespace === group.namespace) &&
    (ref.name === '' || ref.name === group.name)
  );
}

const KIND_NAMES: Readonly<Partial<Record<ResourceKind, string>>> = {
  [ResourceKind.RESOURCE_KIND_NAMESPACE]: 'namespace',
  [ResourceKind.RESOURCE_KIND_DEPLOYMENT]: 'deployment',
  [ResourceKind.RESOURCE_KIND_POD]: 'pod',
  [ResourceKind.RESOURCE_KIND_SERVICE]: 'service',
};

/**
 * The first of `refs` that names a resource which neither the mesh nor any series knows, as
 * `deployment "web" in namespace "demo"`. Routes and authorities are only ever seen: none is missing.
 */
export function findMissing(
  refs: readonly ResourceRef[],
  mesh: Mesh,
  series: Iterable<Series>,
): string | undefined {
  const missing = refs.find(
    (ref) =>
      ref.name !== '' &&
      KIND_NAMES[ref.kind] !== undefined &&
      !knownResources(mesh, ref.kind).some((group) => matchesRef(ref, group)) &&
      !Iterator.from(series).some((one) => isSeenIn(one, ref)),
  );
  if (missing === undefined) return undefined;
  const { kind, namespace, name } = missing;
  const what = `${KIND_NAMES[kind]} "${name}"`;
  if (kind === ResourceKind.RESOURCE_KIND_NAMESPACE) return what;
  return `${what} in ${namespace === '' ? 'any namespace' : `namespace "${namespace}"`}`;
}

const isSeenIn = (series: Series, ref: ResourceRef): boolean =>
  [sourceOf(series, ref.kind), destinationOf(series, ref.kind)].some(
    (group) => group !== undefined && matchesRef(ref, group),
  );

/** The resource of `kind` whose sidecar reported the series. */
export function sourceOf(series: Series, kind: ResourceKind): Grouped | undefined {
  const { namespace, pod, workloadKind, workload } = series.reporter.owner;
  switch (kind) {
    case ResourceKind.RESOURCE_KIND_NAMESPACE:
      return place('', namespace);
    case ResourceKind.RESOURCE_KIND_POD:
      return place(namespace, pod);
    case ResourceKind.RESOURCE_KIND_DEPLOYMENT:
      return workloadKind === 'deployment' ? place(namespace, workload) : undefined;
    default:
      return undefined;
  }
}

/**
 * The resource of `kind` that an outbound series went to. An authority that is no service's belongs
 * to no namespace: it counts in the caller's, so that one namespace's view has all it calls.
 */
export function destinationOf(series: Series, kind: ResourceKind): Grouped | undefined {
  const { authority, dstNamespace, dstService, dstWorkloadKind, dstWorkload, route } =
    series.definition;
  if (kind === ResourceKind.RESOURCE_KIND_AUTHORITY) {
    const namespace = dstNamespace === '' ? series.reporter.owner.namespace : dstNamespace;
    return authority === '' ? undefined : place(namespace, authority);
  }
  if (dstNamespace === '') return undefined;
  switch (kind) {
    case ResourceKind.RESOURCE_KIND_NAMESPACE:
      return place('', dstNamespace);
    case ResourceKind.RESOURCE_KIND_DEPLOYMENT:
      return dstWorkloadKind === 'deployment' ? place(dstNamespace, dstWorkload) : undefined;
    case ResourceKind.RESOURCE_KIND_SERVICE:
      return dstService === '' ? undefined : place(dstNamespace, dstService);
    case ResourceKind.RESOURCE_KIND_ROUTE:
      return route === '' ? undefined : { ...place(dstNamespace, route), service: dstService };
    default:
      return undefined;
  }
}

/** Every resource of `kind` that the mesh knows, with its pods counted; routes and authorities are only ever seen. */
export function* knownResources(mesh: Mesh, kind: ResourceKind): Generator<Grouped> {
  switch (kind) {
    case ResourceKind.RESOURCE_KIND_NAMESPACE:
      for (const namespace of namespacesOf(mesh)) {
        yield counted('', namespace, mesh.podsOfNamespace.get(namespace) ?? []);
      }
      return;
    case ResourceKind.RESOURCE_KIND_POD:
      for (const pod of mesh.pods.values()) yield counted(pod.namespace, pod.name, [pod]);
      return;
    case ResourceKind.RESOURCE_KIND_DEPLOYMENT:
      yield* knownDeployments(mesh);
      return;
    case ResourceKind.RESOURCE_KIND_SERVICE:
      for (const service of mesh.services.values()) {
        yield counted(service.namespace, service.name, podsBehind(mesh, service));
      }
      return;
    default:
  }
}

function* knownDeployments(mesh: Mesh): Generator<Grouped> {
  const podsOf = Map.groupBy(mesh.pods.values(), (pod) =>
    pod.workloadKind === 'deployment' ? resourceKey(pod.namespace, pod.workload) : '',
  );
  for (const { kind, namespace, name } of mesh.workloads) {
    if (kind !== 'Deployment') continue;
    yield counted(namespace, name, podsOf.get(resourceKey(namespace, name)) ?? []);
  }
}

function namespacesOf(mesh: Mesh): Set<string> {
  const namespaces = new Set(mesh.podsOfNamespace.keys());
  for (const { namespace } of mesh.workloads) namespaces.add(namespace);
  for (const { namespace } of mesh.services.values()) namespaces.add(namespace);
  return namespaces;
}

/** Pods its slices name, else those its selector does. */
function podsBehind(mesh: Mesh, service: Service): readonly Pod[] {
  const slices = mesh.slicesOfService.get(resourceKey(service.namespace, service.name));
  if (slices === undefined) return podsOfService(mesh, service);
  const pods = new Set<Pod>();
  for (const { pod, address } of slices.flatMap((slice) => slice.endpoints)) {
    const found = pod === undefined ? mesh.podByAddress.get(address) : mesh.pods.get(pod);
    if (found !== undefined) pods.add(found);
  }
  return [...pods];
}

function counted(namespace: string, name: string, pods: readonly Pod[]): Grouped {
  const running = pods.filter((pod) => pod.phase === 'running');
  const meshed = running.filter((pod) => pod.meshed).length;
  return { ...place(namespace, name), meshed, running: running.length };
}

const place = (namespace: string, name: string): Grouped => ({ namespace, name, service: '' });
