import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const POLL_MS = 500;

/**
 * Calls `onGone` when the program that started this one is gone without a word: npm dies of a
 * SIGTERM or SIGKILL and leaves what it runs behind. Between npm and us there is often a shell that
 * lives on, so its parent is watched too. Only under npm or our launcher: who starts `dev` in the
 * background by hand wants it to outlive the shell. The answer ends the watch.
 */
export async function watchAncestors(
  environment: Readonly<Record<string, string | undefined>>,
  onGone: () => void,
): Promise<() => void> {
  const underNpm = environment['npm_lifecycle_event'] !== undefined;
  const underLauncher = environment['CULVERT_LAUNCHED'] !== undefined;
  if (!underNpm && !underLauncher) return () => {};
  const parent = process.ppid;
  const grandparent = underNpm ? await parentOf(parent) : undefined;
  const timer = setInterval(() => {
    if (process.ppid === parent && (grandparent === undefined || processExists(grandparent)))
      return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

async function parentOf(pid: number): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)('ps', ['-o', 'ppid=', '-p', String(pid)]);
    const parent = Number(stdout);
    return Number.isInteger(parent) && parent > 1 ? parent : undefined;
  } catch {
    // No `ps` here: the parent alone is watched.
    return undefined;
  }
}

/** Whether there is such a process, of whichever user; one that has ended and nobody has asked after counts. */
export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
