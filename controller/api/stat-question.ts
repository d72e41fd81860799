/** What a StatSummary request asks: which series count, and for which resource each. */
import { ResourceKind } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { ResourceRef, StatSummaryRequest } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { Direction } from '../../api/gen/culvert/proxy/v1/telemetry.ts';
import type { Series } from '../telemetry/reporter.ts';
import { destinationOf, sourceOf, matchesRef } from './stat-resources.ts';
import type { Grouped } from './stat-resources.ts';

const WINDOW_SECONDS_MIN = 10;
const WINDOW_SECONDS_MAX = 3_600;

/** A request that cannot be answered, in a sentence for the caller. */
export interface InvalidRequest {
  readonly invalid: string;
}

/** A request that was understood. */
export interface Question {
  readonly resource: ResourceRef;
  /** All resources it speaks of: the one asked for, and the other end. */
  readonly refs: readonly ResourceRef[];
  /** Resources without traffic have rows too. */
  readonly withIdle: boolean;
  /** Connections and bytes are counted for a sidecar as a whole, not for where it calls. */
  readonly withConnections: boolean;
  /** The resource a series counts for; undefined: it does not count. */
  readonly groupOf: (series: Series) => Grouped | undefined;
}

/** Says what is wrong with a request that is no question. */
export function readQuestion(request: StatSummaryRequest): Question | InvalidRequest {
  const { resource, windowSeconds, to, from } = request;
  if (!(windowSeconds >= WINDOW_SECONDS_MIN && windowSeconds <= WINDOW_SECONDS_MAX)) {
    const range = `${WINDOW_SECONDS_MIN} to ${WINDOW_SECONDS_MAX}`;
    return { invalid: `window_seconds must be ${range}, is ${windowSeconds}` };
  }
  if (resource === undefined || !isKnownKind(resource.kind)) {
    return {
      invalid: 'resource.kind must be a namespace, deployment, pod, service, authority or route',
    };
  }
  const invalid = edgeProblem(resource.kind, to?.kind, from?.kind);
  if (invalid !== undefined) return { invalid };
  const isEdge = to !== undefined || from !== undefined;
  return {
    resource,
    refs: [resource, to, from].filter((ref) => ref !== undefined),
    withIdle: !isEdge,
    withConnections: !isEdge && hasSidecars(resource.kind),
    groupOf: grouping(resource.kind, to, from),
  };
}

const POD_IS_NO_DESTINATION =
  'callers count by workload, not by pod: name its deployment or service';

/** Why there is no such edge; undefined when there is, or none was asked for. */
function edgeProblem(
  kind: ResourceKind,
  to: ResourceKind | undefined,
  from: ResourceKind | undefined,
): string | undefined {
  if (to !== undefined && from !== undefined) return 'either to or from may be given, not both';
  if (to !== undefined) {
    if (!isKnownKind(to)) return 'to.kind is not known';
    if (to === ResourceKind.RESOURCE_KIND_POD) return `to: ${POD_IS_NO_DESTINATION}`;
    if (hasSidecars(kind)) return undefined;
    return 'to is for namespaces, deployments and pods: only those call others';
  }
  if (from === undefined) return undefined;
  if (!hasSidecars(from)) {
    return 'from must be a namespace, deployment or pod: only those call others';
  }
  return kind === ResourceKind.RESOURCE_KIND_POD ? `from: ${POD_IS_NO_DESTINATION}` : undefined;
}

function grouping(
  kind: ResourceKind,
  to: ResourceRef | undefined,
  from: ResourceRef | undefined,
): Question['groupOf'] {
  if (to !== undefined) {
    return (series) => {
      if (series.definition.direction !== Direction.DIRECTION_OUTBOUND) return undefined;
      const called = destinationOf(series, to.kind);
      return called !== undefined && matchesRef(to, called) ? sourceOf(series, kind) : undefined;
    };
  }
  if (from === undefined && hasSidecars(kind)) {
    return (series) =>
      series.definition.direction === Direction.DIRECTION_INBOUND
        ? sourceOf(series, kind)
        : undefined;
  }
  return (series) => {
    if (series.definition.direction !== Direction.DIRECTION_OUTBOUND) return undefined;
    if (from !== undefined) {
      const caller = sourceOf(series, from.kind);
      if (caller === undefined || !matchesRef(from, caller)) return undefined;
    }
    return destinationOf(series, kind);
  };
}

const hasSidecars = (kind: ResourceKind): boolean =>
  kind === ResourceKind.RESOURCE_KIND_NAMESPACE ||
  kind === ResourceKind.RESOURCE_KIND_DEPLOYMENT ||
  kind === ResourceKind.RESOURCE_KIND_POD;

const isKnownKind = (kind: ResourceKind): boolean =>
  hasSidecars(kind) ||
  kind === ResourceKind.RESOURCE_KIND_SERVICE ||
  kind === ResourceKind.RESOURCE_KIND_AUTHORITY ||
  kind === ResourceKind.RESOURCE_KIND_ROUTE;
