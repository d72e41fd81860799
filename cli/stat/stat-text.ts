import { ResourceKind } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type {
  ResourceRef,
  StatSummaryRequest,
  StatSummaryResponse,
} from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { formatDuration } from '../duration.ts';
import { statKindOf } from './stat-kind.ts';
import type { StatQuestion } from './stat-question.ts';
import { renderStatTable } from './stat-table.ts';

/** How the answers are shown. */
export interface StatTextOptions {
  readonly allNamespaces: boolean;
  readonly output: 'table' | 'wide' | 'json';
}

/** A table for each answer with rows, an empty line between; without any, a text that says why. */
export function statText(
  answers: readonly StatSummaryResponse[],
  question: StatQuestion,
  options: StatTextOptions,
): string {
  const tables = answers
    .filter(({ rows }) => rows.length > 0)
    .map(({ rows }) =>
      renderStatTable(rows, {
        withNamespace: options.allNamespaces,
        withKind: question.allKinds,
        wide: options.output === 'wide',
      }),
    );
  return tables.length > 0 ? tables.join('\n') : emptyText(question);
}

function emptyText({ requests, allKinds }: StatQuestion): string {
  const [request] = requests;
  if (request?.resource === undefined) return '';
  const { resource } = request;
  const sentence = showsIdle(request)
    ? `No ${allKinds ? 'resources' : pluralOf(resource)}.\n`
    : `No traffic${edgeText(request, allKinds)} in the last ${formatDuration(request.windowSeconds)}. Is the workload meshed? Try: meshctl check --proxy\n`;
  return resource.namespace === ''
    ? sentence
    : `${sentence}Only the namespace "${resource.namespace}" was looked at: -A looks at all, -n NAMESPACE at another.\n`;
}

/** Without --to and --from a resource has its row, busy or not; these two are only ever seen. */
const showsIdle = ({ resource, to, from }: StatSummaryRequest): boolean =>
  to === undefined &&
  from === undefined &&
  resource?.kind !== ResourceKind.RESOURCE_KIND_ROUTE &&
  resource?.kind !== ResourceKind.RESOURCE_KIND_AUTHORITY;

const pluralOf = ({ kind }: ResourceRef): string => statKindOf(kind)?.plural ?? 'resources';

/** Who was asked about, as ` from any deployment to service "rates"`; empty without another end. */
function edgeText({ resource, to, from }: StatSummaryRequest, allKinds: boolean): string {
  const near = allKinds ? 'anything' : nameOf(resource);
  if (to !== undefined) return ` from ${near} to ${placeOf(to, resource)}`;
  return from === undefined ? '' : ` from ${placeOf(from, resource)} to ${near}`;
}

function nameOf(ref: ResourceRef | undefined): string {
  const kind = statKindOf(ref?.kind ?? ResourceKind.UNRECOGNIZED)?.name ?? 'resource';
  return ref === undefined || ref.name === '' ? `any ${kind}` : `${kind} "${ref.name}"`;
}

/** With its namespace where that is another than `near`'s. */
const placeOf = (ref: ResourceRef, near: ResourceRef | undefined): string =>
  ref.namespace === '' || ref.namespace === near?.namespace
    ? nameOf(ref)
    : `${nameOf(ref)} in namespace "${ref.namespace}"`;
