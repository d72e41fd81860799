/** Runs a command with this process's terminal and gives its exit code. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

const outlive = (): void => undefined;

/**
 * Exit code of `command`, 128 + signal number when a signal ended it. SIGTERM to this process is
 * passed on; a terminal sends SIGINT to the command by itself, so this process only outlives it.
 * Throws when the command cannot be started.
 */
export async function runCommand(command: string, args: readonly string[]): Promise<number> {
  const child = spawn(command, args, { stdio: 'inherit' });
  const passOn = (): void => void child.kill('SIGTERM');
  process.on('SIGTERM', passOn);
  process.on('SIGINT', outlive);
  try {
    return await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
  } finally {
    process.off('SIGTERM', passOn);
    process.off('SIGINT', outlive);
  }
}
