import { askDev, connectToDev } from '../dev/running-dev.ts';
import { usageFailure } from '../failure.ts';
import { formatJson } from '../output.ts';
import type { Output } from '../output.ts';

/** What the user asked of `dev restart`. */
export interface DevRestartOptions {
  readonly namespace: string | undefined;
  /** Undefined: the one mesh that runs on this machine. */
  readonly stateDirectory: string | undefined;
  readonly output: 'table' | 'json';
}

/** What stands before the slash: as `kubectl rollout restart` takes it. */
const KINDS = new Set(['deploy', 'deployment', 'deployments']);

/** `meshctl dev restart deploy/NAME`. Rejects with a `Failure` when not all pods were replaced. */
export async function runDevRestart(
  resource: string,
  options: DevRestartOptions,
  output: Output,
): Promise<void> {
  const [kind = '', name = '', ...rest] = resource.split('/');
  if (!KINDS.has(kind) || name === '' || rest.length > 0) {
    throw usageFailure(`"${resource}" is not deploy/NAME`);
  }
  const json = options.output === 'json';
  // With JSON, stdout is for the answer.
  const say = (line: string): void => (json ? output.err : output.out)(`${line}\n`);
  const sinceMs = performance.now();
  const socket = await connectToDev(options.stateDirectory);
  const question = { do: 'restart', deployment: name, namespace: options.namespace } as const;
  const pods = await askDev(socket, question, say);
  const durationMs = Math.round(performance.now() - sinceMs);
  if (json) output.out(formatJson({ deployment: name, durationMs, pods }));
  else
    say(
      `deploy/${name} is restarted: ${pods.length} new pod${pods.length === 1 ? '' : 's'} in ${(durationMs / 1_000).toFixed(1)} s`,
    );
}
