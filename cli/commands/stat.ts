import { ResourceKind } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type {
  ResourceRef,
  StatSummaryRequest,
  StatSummaryResponse,
} from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { Failure, messageOf, usageFailure } from '../failure.ts';
import type { MeshApi } from '../mesh-api.ts';
import { formatJson } from '../output.ts';
import type { Output } from '../output.ts';
import { statJson } from '../stat/stat-json.ts';
import { parseResource, resourceRef, statKindOf } from '../stat/stat-kind.ts';
import { renderStatTable } from '../stat/stat-table.ts';
import { formatTimeWindow } from '../time-window.ts';

/** What the user asked of `stat`. */
export interface StatOptions {
  /** Of the resources looked at; ignored with `allNamespaces`. */
  readonly namespace: string;
  readonly allNamespaces: boolean;
  /** Seconds, 10 to 3600. */
  readonly timeWindow: number;
  readonly output: 'table' | 'wide' | 'json';
  readonly to: string | undefined;
  readonly from: string | undefined;
}

/** The API's question for `stat TYPE [NAME]`; a usage failure when the words make none. */
export function statRequest(
  type: string,
  name: string | undefined,
  options: StatOptions,
): StatSummaryRequest {
  const namespace = options.allNamespaces ? '' : options.namespace;
  const refer = (text: string, separateName?: string) =>
    resourceRef(parseResource(text, separateName), namespace);
  const request = {
    resource: refer(type, name),
    windowSeconds: options.timeWindow,
    to: options.to === undefined ? undefined : refer(options.to),
    from: options.from === undefined ? undefined : refer(options.from),
  };
  refusePodAsDestination(request);
  return request;
}

/** Nobody counts towards a pod: an empty answer would be taken for no traffic. */
function refusePodAsDestination({ resource, to, from }: StatSummaryRequest): void {
  const { RESOURCE_KIND_POD } = ResourceKind;
  if (to?.kind === RESOURCE_KIND_POD) {
    throw usageFailure('traffic to one pod is not counted; use --to deploy/NAME or --to svc/NAME');
  }
  if (from !== undefined && resource?.kind === RESOURCE_KIND_POD) {
    throw usageFailure('traffic to one pod is not counted; use stat deploy or stat svc --from');
  }
}

/** Without --to and --from a resource has its row, busy or not; routes are only ever seen. */
const showsIdle = ({ resource, to, from }: StatSummaryRequest): boolean =>
  to === undefined && from === undefined && resource?.kind !== ResourceKind.RESOURCE_KIND_ROUTE;

/** The API's answer; a `Failure` when it asks for a resource that is not there. */
async function ask(
  api: Pick<MeshApi, 'statSummary'>,
  request: StatSummaryRequest,
): Promise<StatSummaryResponse> {
  const response = await api.statSummary(request);
  const { resource } = request;
  const named = resource !== undefined && resource.name !== '' && showsIdle(request);
  if (named && response.rows.length === 0) throw new Failure(`no ${describe(resource)}`);
  return response;
}

function describe({ kind, namespace, name }: ResourceRef): string {
  const what = `${statKindOf(kind)?.name ?? 'resource'} "${name}"`;
  if (kind === ResourceKind.RESOURCE_KIND_NAMESPACE) return what;
  return `${what} in ${namespace === '' ? 'any namespace' : `namespace "${namespace}"`}`;
}

/** `meshctl stat`, once. */
export async function runStat(
  api: Pick<MeshApi, 'statSummary'>,
  request: StatSummaryRequest,
  options: StatOptions,
  output: Output,
): Promise<void> {
  const response = await ask(api, request);
  output.out(
    options.output === 'json'
      ? formatJson(statJson(response))
      : statText(response, request, options),
  );
}

const CLEAR_SCREEN = '\u001B[H\u001B[2J';

/**
 * `meshctl stat --watch`: again at each tick, redrawn on a terminal, one line of JSON a sample with
 * `-o json`. Fails when the first call fails; later the sentence is shown and the next tick tries.
 */
export async function watchStat(
  api: Pick<MeshApi, 'statSummary'>,
  request: StatSummaryRequest,
  options: StatOptions,
  output: Output,
  ticks: AsyncIterable<unknown>,
): Promise<void> {
  const show = (response: StatSummaryResponse): void => {
    if (options.output === 'json') {
      output.out(`${JSON.stringify(statJson(response))}\n`);
      return;
    }
    const text = statText(response, request, options);
    output.out(output.interactive ? `${CLEAR_SCREEN}${text}` : `${text}\n`);
  };
  show(await ask(api, request));
  for await (const _ of ticks) {
    try {
      show(await ask(api, request));
    } catch (error) {
      output.err(`${messageOf(error)}\n`);
    }
  }
}

function statText(
  { rows }: StatSummaryResponse,
  request: StatSummaryRequest,
  options: StatOptions,
): string {
  if (rows.length === 0) return emptyText(request);
  return renderStatTable(rows, {
    withNamespace: options.allNamespaces,
    wide: options.output === 'wide',
  });
}

function emptyText(request: StatSummaryRequest): string {
  const { resource, windowSeconds } = request;
  const kind = statKindOf(resource?.kind ?? ResourceKind.UNRECOGNIZED)?.plural ?? 'resources';
  const sentence = showsIdle(request)
    ? `No ${kind}.\n`
    : `No traffic in the last ${formatTimeWindow(windowSeconds)}. Is the workload meshed? Try: meshctl check --proxy\n`;
  const searched = resource?.namespace ?? '';
  return searched === ''
    ? sentence
    : `${sentence}Only the namespace "${searched}" was looked at: -A looks at all, -n NAMESPACE at another.\n`;
}
