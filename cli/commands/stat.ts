import type {
  StatSummaryRequest,
  StatSummaryResponse,
} from '../../api/gen/culvert/mesh/v1/mesh.ts';
import { messageOf } from '../failure.ts';
import type { MeshApi } from '../mesh-api.ts';
import { formatJson } from '../output.ts';
import type { Output } from '../output.ts';
import { statJson } from '../stat/stat-json.ts';
import { parseResource, resourceRef } from '../stat/stat-kind.ts';
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
  return {
    resource: refer(type, name),
    windowSeconds: options.timeWindow,
    to: options.to === undefined ? undefined : refer(options.to),
    from: options.from === undefined ? undefined : refer(options.from),
  };
}

/** `meshctl stat`, once. */
export async function runStat(
  api: Pick<MeshApi, 'statSummary'>,
  request: StatSummaryRequest,
  options: StatOptions,
  output: Output,
): Promise<void> {
  const response = await api.statSummary(request);
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
  show(await api.statSummary(request));
  for await (const _ of ticks) {
    try {
      show(await api.statSummary(request));
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
  if (rows.length === 0) return emptyText(request, options);
  return renderStatTable(rows, {
    withNamespace: options.allNamespaces,
    wide: options.output === 'wide',
  });
}

function emptyText(request: StatSummaryRequest, options: StatOptions): string {
  const window = formatTimeWindow(request.windowSeconds);
  const sentence = `No traffic in the last ${window}. Is the workload meshed? Try: meshctl check --proxy\n`;
  const searched = request.resource?.namespace ?? '';
  return searched === '' || options.allNamespaces
    ? sentence
    : `${sentence}Only the namespace "${searched}" was looked at: -A looks at all, -n NAMESPACE at another.\n`;
}
