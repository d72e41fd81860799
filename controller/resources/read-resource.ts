/** From one untyped Kubernetes object to a resource, to its problems, or to "not ours". */
import { DNS_LABEL, Fields, SUBDOMAIN, isObject, show } from './fields.ts';
import type { FieldProblem, FieldPath, TextShape } from './fields.ts';
import { ADDRESS_NAME, readIpAddress } from './cluster-address.ts';
import { readHttpRoute } from './http-route.ts';
import { readPod, readWorkload } from './pod.ts';
import type { Place } from './pod.ts';
import type { Resource } from './resource.ts';
import { readEndpointSlice, readService } from './service.ts';

/** What became of one object. */
export type ReadResource =
  | { readonly outcome: 'resource'; readonly resource: Resource }
  /** `identity` is "Kind namespace/name" where those could be read. */
  | {
      readonly outcome: 'refused';
      readonly identity: string | undefined;
      readonly problems: readonly FieldProblem[];
    }
  /** A kind the mesh has no use for. */
  | { readonly outcome: 'ignored' };

interface Kind {
  readonly group: string;
  readonly versions: readonly string[];
  /** What its names look like, where that is not as most do. */
  readonly name?: TextShape;
  readonly read: (place: Place, top: Fields) => Resource;
}

const GATEWAY = 'gateway.networking.k8s.io';
const NETWORKING = 'networking.k8s.io';

const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['Deployment', workload('apps', 'Deployment')],
  ['StatefulSet', workload('apps', 'StatefulSet')],
  ['DaemonSet', workload('apps', 'DaemonSet')],
  ['Job', workload('batch', 'Job')],
  ['Pod', { group: '', versions: ['v1'], read: readPod }],
  ['Service', { group: '', versions: ['v1'], read: readService }],
  ['EndpointSlice', { group: 'discovery.k8s.io', versions: ['v1'], read: readEndpointSlice }],
  [
    'IPAddress',
    { group: NETWORKING, versions: ['v1', 'v1beta1'], name: ADDRESS_NAME, read: readIpAddress },
  ],
  ['HTTPRoute', { group: GATEWAY, versions: ['v1', 'v1beta1'], read: readHttpRoute }],
]);

function workload(group: string, kind: Parameters<typeof readWorkload>[0]): Kind {
  return { group, versions: ['v1'], read: (place, top) => readWorkload(kind, place, top) };
}

/** `path` is where the object stands in its document: [] unless it is an item of a List. */
export function readResource(value: unknown, path: FieldPath): ReadResource {
  if (!isObject(value)) {
    return refused(undefined, [{ path, reason: `must be a Kubernetes object, is ${show(value)}` }]);
  }
  const problems: FieldProblem[] = [];
  const top = new Fields(value, path, problems);
  const apiVersion = top.requiredText('apiVersion');
  const kindName = top.requiredText('kind');
  if (apiVersion === undefined || kindName === undefined) return refused(undefined, problems);
  const slash = apiVersion.lastIndexOf('/');
  const group = apiVersion.slice(0, Math.max(slash, 0));
  const kind = KINDS.get(kindName);
  if (kind === undefined || kind.group !== group) return { outcome: 'ignored' };
  const place = readPlace(top, kind.name ?? SUBDOMAIN);
  const identity = place === undefined ? undefined : `${kindName} ${place.namespace}/${place.name}`;
  if (!kind.versions.includes(apiVersion.slice(slash + 1))) {
    const known = kind.versions.map((version) => (group === '' ? version : `${group}/${version}`));
    top.refuse('apiVersion', `must be ${known.join(' or ')}, is ${show(apiVersion)}`);
  }
  // Its spec is read for its problems even when its name is wrong.
  const resource = kind.read(place ?? { namespace: '', name: '' }, top);
  return place === undefined || problems.length > 0
    ? refused(identity, problems)
    : { outcome: 'resource', resource };
}

function readPlace(top: Fields, shape: TextShape): Place | undefined {
  const metadata = top.object('metadata');
  const name = metadata.requiredText('name', shape);
  const given = metadata.value('namespace');
  const namespace = metadata.text('namespace', DNS_LABEL);
  if (name === undefined || (given !== undefined && namespace === undefined)) return undefined;
  return { name, namespace: namespace ?? 'default' };
}

const refused = (
  identity: string | undefined,
  problems: readonly FieldProblem[],
): ReadResource => ({ outcome: 'refused', identity, problems });
