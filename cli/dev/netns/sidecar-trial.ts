/** Runs a sidecar once before there is any pod: as its user, from where sidecars see the checkout. */
import { Failure } from '../../failure.ts';
import { Child } from '../child.ts';
import type { Program } from '../child.ts';
import type { Guardian } from '../guardian.ts';

/** What is asked of it. */
export interface SidecarTrial {
  readonly program: Program;
  readonly guardian: Guardian;
  /** How long it may take, milliseconds. */
  readonly deadlineMs: number;
  /** Aborts when nobody waits for it any more. */
  readonly stop: AbortSignal;
}

/**
 * Resolves to undefined when the sidecar has been ready and has ended: then the compile cache of
 * sidecars has all that it needs. Else to why it was not.
 */
export async function trySidecar(trial: SidecarTrial): Promise<string | undefined> {
  const { deadlineMs, guardian, program, stop } = trial;
  const said: string[] = [];
  let ready = false;
  const child = new Child(program, guardian, (stream, line) => {
    if (stream === 'stderr') said.push(line);
    else if (isReadyLine(line)) {
      ready = true;
      child.signal('SIGTERM');
    }
  });
  const over = AbortSignal.any([stop, AbortSignal.timeout(deadlineMs)]);
  const kill = (): void => child.signal('SIGKILL');
  over.addEventListener('abort', kill);
  if (over.aborted) kill();
  await child.exited;
  over.removeEventListener('abort', kill);
  return ready ? undefined : reasonIn(said.join('\n'), deadlineMs);
}

/** A `Failure` with what a sidecar that cannot run is to be given. */
export const trialFailure = (reason: string, uid: number, root: string): Failure =>
  new Failure(
    `user ${uid}, as which sidecars run, cannot run them (${reason}): let everybody read ${root}, with "chmod -R o+rX", and run ${process.execPath}`,
  );

/** `{"event":"ready",…}`. */
const isReadyLine = (line: string): boolean => line.startsWith('{"event":"ready"');

/** The line that says it, of what a runtime prints around it. */
function reasonIn(stderr: string, deadlineMs: number): string {
  const found = /Error: .*|.*(denied|not permitted).*/.exec(stderr)?.[0] ?? stderr.trim();
  return found === '' ? `it was not ready within ${deadlineMs / 1_000} s` : found;
}
