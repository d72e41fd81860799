import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../failure.ts';
import type { SidecarAdmin } from '../sidecar-admin.ts';

const POLL_MS = 50;
/** A sidecar that starts is ready before it is worth a word. */
const SAY_AFTER_MS = 1_000;

/** How long to wait, and whom to tell what for. */
export interface Waiting {
  readonly timeoutSeconds: number;
  readonly say: (sentence: string) => void;
  /** Gives up: the promise rejects with its reason. */
  readonly signal: AbortSignal;
}

/** Resolves when the sidecar is ready; a `Failure` says why it was not in time. */
export async function untilReady(
  sidecar: Pick<SidecarAdmin, 'address' | 'whyNotReady'>,
  { timeoutSeconds, say, signal }: Waiting,
): Promise<void> {
  const sinceMs = performance.now();
  let said: string | undefined;
  for (;;) {
    const why = await sidecar.whyNotReady(signal);
    if (why === undefined) return;
    const waitedMs = performance.now() - sinceMs;
    if (waitedMs >= timeoutSeconds * 1_000) {
      throw new Failure(
        `the sidecar at ${sidecar.address} was not ready within ${timeoutSeconds} s (${why}), so nothing was run; look at its log, or say where it is with --admin ADDRESS:PORT`,
      );
    }
    if (waitedMs >= SAY_AFTER_MS && why !== said) {
      said = why;
      say(`waiting for the sidecar at ${sidecar.address}: ${why}`);
    }
    await delay(POLL_MS, undefined, { signal });
  }
}
