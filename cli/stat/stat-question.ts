import { ResourceKind } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { ResourceRef, StatSummaryRequest } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { usageFailure } from '../failure.ts';
import { ALL_KINDS, parseResource, resourceRef, STAT_KINDS } from './stat-kind.ts';

/** The part of the command line that says what `stat` is about. */
export interface StatQuestionOptions {
  /** Of the resources looked at, and of the other end unless told; unused with `allNamespaces`. */
  readonly namespace: string;
  readonly allNamespaces: boolean;
  /** Seconds, 10 to 3600. */
  readonly timeWindow: number;
  readonly to: string | undefined;
  readonly toNamespace: string | undefined;
  readonly from: string | undefined;
  readonly fromNamespace: string | undefined;
}

/** What to ask the API: once for a type, once a kind for all of them. */
export interface StatQuestion {
  readonly requests: readonly StatSummaryRequest[];
  /** Every kind was asked for: rows must say theirs. */
  readonly allKinds: boolean;
}

/** The API's questions for `stat TYPE [NAME]`; a usage failure when the words make none. */
export function statQuestion(
  type: string,
  name: string | undefined,
  options: StatQuestionOptions,
): StatQuestion {
  const namespace = options.allNamespaces ? '' : options.namespace;
  const end = (
    flag: string,
    text: string | undefined,
    own: string | undefined,
  ): ResourceRef | undefined => {
    if (text !== undefined) return resourceRef(parseResource(text, undefined), own ?? namespace);
    if (own === undefined) return undefined;
    throw usageFailure(`--${flag}-namespace says where to find --${flag}: give that too`);
  };
  const to = end('to', options.to, options.toNamespace);
  const from = end('from', options.from, options.fromNamespace);
  const requestOf = (resource: ResourceRef): StatSummaryRequest => ({
    resource,
    windowSeconds: options.timeWindow,
    to,
    from,
  });
  if (type.toLowerCase() !== ALL_KINDS) {
    const request = requestOf(resourceRef(parseResource(type, name), namespace));
    const problem = edgeProblem(request);
    if (problem !== undefined) throw usageFailure(problem);
    return { requests: [request], allKinds: false };
  }
  if (name !== undefined) throw usageFailure('all takes no name; give a type: deploy/NAME');
  const requests = STAT_KINDS.map((kind) => requestOf(resourceRef({ kind, name: '' }, namespace)));
  const askable = requests.filter((request) => edgeProblem(request) === undefined);
  if (askable.length > 0) return { requests: askable, allKinds: true };
  throw usageFailure(edgeProblem(requests[0]) ?? 'nothing to ask for');
}

const { RESOURCE_KIND_DEPLOYMENT, RESOURCE_KIND_NAMESPACE, RESOURCE_KIND_POD } = ResourceKind;
const callers: ReadonlySet<ResourceKind | undefined> = new Set([
  RESOURCE_KIND_DEPLOYMENT,
  RESOURCE_KIND_NAMESPACE,
  RESOURCE_KIND_POD,
]);

/** Why no traffic is counted between these two ends; undefined when it is. */
function edgeProblem(request: StatSummaryRequest | undefined): string | undefined {
  const kind = request?.resource?.kind;
  const to = request?.to?.kind;
  const from = request?.from?.kind;
  if (to !== undefined && from !== undefined) return 'give --to or --from, not both';
  if (to === RESOURCE_KIND_POD) {
    return 'traffic to one pod is not counted; use --to deploy/NAME or --to svc/NAME';
  }
  if (from !== undefined && kind === RESOURCE_KIND_POD) {
    return 'traffic to one pod is not counted; use stat deploy or stat svc --from';
  }
  if (to !== undefined && !callers.has(kind)) {
    return 'only deploy, po and ns call others: use stat deploy --to';
  }
  if (from !== undefined && !callers.has(from)) {
    return 'only deploy, po and ns call others: use --from deploy/NAME';
  }
  return undefined;
}
