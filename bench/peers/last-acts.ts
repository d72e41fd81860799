/**
 * What must be undone when this process ends, also by a signal. Not by SIGKILL: then children are
 * ended by the kernel (pinned-process.ts), and temporary directories stay.
 */
import { constants } from 'node:os';

const acts = new Set<() => void>();
let installed = false;

/** Calls `act`, which must be synchronous, when this process ends; returns how to take it back. */
export function beforeEnd(act: () => void): () => void {
  if (!installed) install();
  acts.add(act);
  return () => acts.delete(act);
}

function install(): void {
  installed = true;
  process.on('exit', () => {
    // Last made, first undone: a program ends before its directory goes.
    for (const act of [...acts].toReversed()) act();
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => process.exit(128 + constants.signals[signal]));
  }
}
