import { isatty } from 'node:tty';
import { exitCodeOf, HeardSignals } from '../await/heard-signals.ts';
import { untilReady } from '../await/until-ready.ts';
import { runWrapped } from '../await/wrapped-program.ts';
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

/** What ends the wait; the others mean nothing yet. */
const ENDING = new Set<NodeJS.Signals>(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']);

/**
 * `meshctl await -- CMD`: runs the command once the sidecar is ready, and ends the sidecar after
 * it. Resolves to the command's exit code; rejects with a `Failure` when the sidecar is not ready
 * in time, and ends it then too.
 */
export async function runAwait(
  command: readonly string[],
  options: AwaitOptions,
  output: Output,
): Promise<number> {
  const sidecar = new SidecarAdmin(options.admin);
  const say = (sentence: string): void => output.err(`meshctl await: ${sentence}\n`);
  const stopping = new AbortController();
  let interrupted: NodeJS.Signals | undefined;
  const signals = new HeardSignals((signal) => {
    if (!ENDING.has(signal)) return;
    interrupted ??= signal;
    stopping.abort();
  });
  try {
    const { timeout: timeoutSeconds } = options;
    const waiting = { timeoutSeconds, say, signal: stopping.signal };
    await untilReady(sidecar, waiting).catch(async (error: unknown) => {
      if (interrupted !== undefined) return;
      // A pod that is never started again would else run for ever, for its sidecar alone.
      await end(sidecar, say);
      throw error;
    });
    if (interrupted !== undefined) return exitCodeOf(interrupted);
    const { exitCode, problem } = await runWrapped(command, isatty(0), signals);
    if (problem !== undefined) say(problem);
    await end(sidecar, say);
    return exitCode;
  } finally {
    signals.close();
  }
}

/** What the command did, or why it was not run, stands, whatever becomes of its sidecar. */
async function end(sidecar: SidecarAdmin, say: (sentence: string) => void): Promise<void> {
  try {
    await sidecar.shutdown();
  } catch (error) {
    say(messageOf(error));
  }
}
