import { clientVersion } from '../client-version.ts';
import type { MeshApi } from '../mesh-api.ts';
import { formatJson } from '../output.ts';
import type { Output } from '../output.ts';

/** What the user asked of `version`. */
export interface VersionOptions {
  readonly output: 'table' | 'json';
  /** Only this meshctl's version: the mesh is not asked. */
  readonly client: boolean;
}

/** `meshctl version`. Rejects with a `Failure` when the controller does not answer. */
export async function runVersion(
  api: Pick<MeshApi, 'version'>,
  options: VersionOptions,
  output: Output,
): Promise<void> {
  const client = { version: clientVersion(), runtime: `Node.js ${process.versions.node}` };
  const table = options.output === 'table';
  if (table) output.out(`Client version: ${client.version} (${client.runtime})\n`);
  if (options.client) {
    if (!table) output.out(formatJson({ client }));
    return;
  }
  try {
    const server = await api.version();
    if (table) output.out(`Server version: ${server.version} (${server.runtime})\n`);
    else output.out(formatJson({ client, server }));
  } catch (error) {
    if (!table) output.out(formatJson({ client }));
    throw error;
  }
}
