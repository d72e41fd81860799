import { isatty } from 'node:tty';
import { exitCodeOf, runWrapped } from '../await/wrapped-program.ts';
import { untilReady } from '../await/until-ready.ts';
import type { SocketAddress } from '../../base/settings.ts';
import { messageOf } from '../failure.ts';
import type { Output } from '../output.ts';
import { SidecarAdmin } from '../sidecar-admin.ts';

/** What the user asked of `await`. */
export interface AwaitOptions {
  readonly admin: SocketAddress;
  /** Whole seconds. */
  readonly timeout: number;
}

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * `meshctl await -- CMD`: runs the command once the sidecar is ready, and ends the sidecar after
 * it. Resolves to the command's exit code; rejects with a `Failure` when the sidecar is not ready
 * in time.
 */
export async function runAwait(
  command: readonly string[],
  options: AwaitOptions,
  output: Output,
): Promise<number> {
  const sidecar = new SidecarAdmin(options.admin);
  const say = (sentence: string): void => output.err(`meshctl await: ${sentence}\n`);
  const interrupted = await waitFor(sidecar, options.timeout, say);
  if (interrupted !== undefined) return exitCodeOf(interrupted);
  const { exitCode, problem } = await runWrapped(command, isatty(0));
  if (problem !== undefined) say(problem);
  try {
    await sidecar.shutdown();
  } catch (error) {
    // What the command did stands, whatever became of its sidecar.
    say(messageOf(error));
  }
  return exitCode;
}

/** Resolves when the sidecar is ready, or to the signal that ended the wait. */
async function waitFor(
  sidecar: SidecarAdmin,
  timeoutSeconds: number,
  say: (sentence: string) => void,
): Promise<NodeJS.Signals | undefined> {
  const stopping = new AbortController();
  let by: NodeJS.Signals | undefined;
  const onSignal = (signal: NodeJS.Signals): void => {
    by ??= signal;
    stopping.abort();
  };
  for (const signal of ENDING) process.on(signal, onSignal);
  try {
    await untilReady(sidecar, { timeoutSeconds, say, signal: stopping.signal });
  } catch (error) {
    if (by === undefined) throw error;
  } finally {
    for (const signal of ENDING) process.off(signal, onSignal);
  }
  return by;
}
