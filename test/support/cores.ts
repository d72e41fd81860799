/**
 * Which core does what where one program is measured and others load it, as in the bench: what is measured
 * has one for itself, or who loads it would be measured too. Linux, with taskset (util-linux).
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** The core of what is measured. */
export const MEASURED_CORE = 0;
/** The core of everything else; the same where there is no other. */
export const LOAD_CORE: number = availableParallelism() > 1 ? 1 : MEASURED_CORE;

/** Keeps all threads of process `pid`, and those it will start, on `core`. Throws when that cannot be. */
export function pin(pid: number, core: number): void {
  execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'pipe' });
}
