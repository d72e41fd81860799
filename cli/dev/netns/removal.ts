/** Takes away what a run made on the machine; remove.sh does it, for the guardian too. */
import { fileURLToPath } from 'node:url';
import type { Runner } from '../../../k8s/init/runner.ts';
import { Failure } from '../../failure.ts';

/** The one implementation: it must work when there is no `dev` any more. */
export const REMOVE_SCRIPT = fileURLToPath(new URL('remove.sh', import.meta.url));

/** Removes everything; a `Failure` says what is left. */
export const removeAll = (run: Runner): Promise<void> => remove(run, []);

/** Removes one pod's namespace and its port of the bridge. */
export const removePod = (run: Runner, networkNamespace: string, port: string): Promise<void> =>
  remove(run, [networkNamespace, port]);

async function remove(run: Runner, what: readonly string[]): Promise<void> {
  const { code, stderr } = await run('sh', [REMOVE_SCRIPT, ...what], '');
  if (code === 0) return;
  throw new Failure(
    `${stderr.trim() || 'the network of the mesh could not be removed'}; try "meshctl dev --network netns --clean"`,
  );
}
