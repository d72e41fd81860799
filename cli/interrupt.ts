import { setTimeout } from 'node:timers/promises';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs `use` with a signal that aborts when somebody ends the program, by Ctrl-C for one: what asks
 * for no end of its own is not failed by that, and has time to tidy up.
 */
export async function untilInterrupted(use: (stop: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  const onSignal = (): void => controller.abort();
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    await use(controller.signal);
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  }
}

/** Yields each `intervalMs` from now until `stop` aborts. What takes longer delays, and adds up to no burst. */
export async function* ticks(intervalMs: number, stop: AbortSignal): AsyncGenerator<undefined> {
  let nextMs = performance.now() + intervalMs;
  while (!stop.aborted) {
    const nowMs = performance.now();
    await setTimeout(Math.max(0, nextMs - nowMs), undefined, { signal: stop }).catch(() => {});
    if (stop.aborted) return;
    yield undefined;
    nextMs = Math.max(nextMs + intervalMs, performance.now());
  }
}
