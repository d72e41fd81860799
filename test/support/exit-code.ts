/** How a program ended that `execFile` ran, as one number. */
import type { ExecFileException } from 'node:child_process';
import { constants } from 'node:os';

/** What shells say of a program that could not be started. */
const NOT_STARTED = 127;

/**
 * The exit code of a program by what `execFile` calls back with: 128 and the signal's number for one
 * that a signal ended, 127 for one that never ran.
 */
export function exitCodeOf(error: ExecFileException | null): number {
  if (error === null) return 0;
  if (typeof error.code === 'number') return error.code;
  return error.signal ? 128 + constants.signals[error.signal] : NOT_STARTED;
}
