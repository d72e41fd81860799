import type { EndpointSummary } from '../../api/gen/culvert/mesh/v1/mesh.ts';
import type { MeshApi } from '../mesh-api.ts';
import { formatJson } from '../output.ts';
import type { Output } from '../output.ts';
import { renderTable } from '../render/table.ts';
import type { Column } from '../render/table.ts';

/** What the user asked of `diagnostics endpoints`. */
export interface DiagnosticsEndpointsOptions {
  readonly output: 'table' | 'json';
  /** Where short names are looked up. */
  readonly namespace: string;
}

const COLUMNS: readonly Column<EndpointSummary>[] = [
  { title: 'ENDPOINT', align: 'left', cell: ({ address }) => address },
  { title: 'STATE', align: 'left', cell: stateOf },
  { title: 'MESHED', align: 'left', cell: ({ meshed }) => (meshed ? 'yes' : 'no') },
  { title: 'PROTOCOL', align: 'left', cell: ({ protocol }) => protocol || '-' },
  { title: 'POD', align: 'left', cell: ({ pod, namespace }) => pod && `${namespace}/${pod}` },
];

function stateOf({ ready, terminating }: EndpointSummary): string {
  if (terminating) return 'terminating';
  return ready ? 'ready' : 'not ready';
}

/** `meshctl diagnostics endpoints AUTHORITY`: what the controller tells sidecars of it now. */
export async function runDiagnosticsEndpoints(
  api: Pick<MeshApi, 'listEndpoints'>,
  authority: string,
  { namespace, output: format }: DiagnosticsEndpointsOptions,
  output: Output,
): Promise<void> {
  const answer = await api.listEndpoints({ authority, namespace });
  const ready = answer.endpoints.filter((one) => one.ready).length;
  if (format === 'json') {
    output.out(formatJson({ ...answer, ready, total: answer.endpoints.length }));
    return;
  }
  output.out(`${answer.authority}: ${ready} of ${answer.endpoints.length} endpoints ready\n`);
  if (answer.endpoints.length > 0) output.out(`\n${renderTable(COLUMNS, answer.endpoints)}`);
  else output.out("No pod is behind it: does the Service's selector match any pod's labels?\n");
}
