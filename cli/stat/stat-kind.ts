import { ResourceKind } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { ResourceRef } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { usageFailure } from '../failure.ts';

/** A kind of resource that `stat` knows, under every name that kubectl's users type. */
export interface StatKind {
  readonly kind: ResourceKind;
  /** Lower case, singular: what JSON says. */
  readonly name: string;
  readonly shortName: string;
  readonly plural: string;
}

/** Every kind, in the order of the help text. */
export const STAT_KINDS: readonly StatKind[] = [
  {
    kind: ResourceKind.RESOURCE_KIND_DEPLOYMENT,
    name: 'deployment',
    shortName: 'deploy',
    plural: 'deployments',
  },
  { kind: ResourceKind.RESOURCE_KIND_POD, name: 'pod', shortName: 'po', plural: 'pods' },
  {
    kind: ResourceKind.RESOURCE_KIND_NAMESPACE,
    name: 'namespace',
    shortName: 'ns',
    plural: 'namespaces',
  },
  {
    kind: ResourceKind.RESOURCE_KIND_SERVICE,
    name: 'service',
    shortName: 'svc',
    plural: 'services',
  },
  {
    kind: ResourceKind.RESOURCE_KIND_AUTHORITY,
    name: 'authority',
    shortName: 'au',
    plural: 'authorities',
  },
  { kind: ResourceKind.RESOURCE_KIND_ROUTE, name: 'route', shortName: 'route', plural: 'routes' },
];

/** In place of a type: every kind at once. */
export const ALL_KINDS = 'all';

/** What `stat` takes as a type, as short as can be. */
export const STAT_TYPES: readonly string[] = STAT_KINDS.map(({ shortName }) => shortName);

/** "deploy", "deployments/web" and the like; a usage failure for anything else. */
export function parseResource(
  text: string,
  separateName: string | undefined,
): { readonly kind: StatKind; readonly name: string } {
  const slash = text.indexOf('/');
  const type = (slash === -1 ? text : text.slice(0, slash)).toLowerCase();
  const kind = STAT_KINDS.find(
    ({ name, shortName, plural }) => type === name || type === shortName || type === plural,
  );
  if (kind === undefined)
    throw usageFailure(`"${type}" is no resource type; use one of ${STAT_TYPES.join(', ')}`);
  // A route's name holds slashes of its own: only the first one separates.
  const attached = slash === -1 ? undefined : text.slice(slash + 1);
  if (attached === '') throw usageFailure(`"${text}" has no name after the slash`);
  if (attached !== undefined && separateName !== undefined) {
    throw usageFailure(`"${text} ${separateName}" names two resources; give one`);
  }
  return { kind, name: attached ?? separateName ?? '' };
}

/** The kind that the API means; undefined for one that `stat` does not know. */
export const statKindOf = (kind: ResourceKind): StatKind | undefined =>
  STAT_KINDS.find((known) => known.kind === kind);

/** The reference that the API takes. Namespaces have no namespace of their own. */
export function resourceRef(
  { kind, name }: { readonly kind: StatKind; readonly name: string },
  namespace: string,
): ResourceRef {
  const inNamespace = kind.kind !== ResourceKind.RESOURCE_KIND_NAMESPACE;
  return { kind: kind.kind, namespace: inNamespace ? namespace : '', name };
}
