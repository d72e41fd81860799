/**
 * Programs of the machine that make the network of a run. The guardian knows each of them before it
 * begins: when `dev` is killed in the middle of one, that one is ended before what there is of the
 * network is taken away. Else it would go on making what nobody takes away any more.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { findSystemProgram } from '../../../k8s/init/runner.ts';
import type { Ran, Runner } from '../../../k8s/init/runner.ts';
import { messageOf } from '../../failure.ts';
import { REGISTER_AND_EXEC } from '../child.ts';
import type { Guardian } from '../guardian.ts';

/** Waiting for the lock of the tables takes up to 5 s; this is for what hangs. */
const RUN_MS_MAX = 30_000;
const OUTPUT_CHARACTERS_MAX = 16 * 2 ** 20;

const NOTHING = { stdout: '', stderr: '' } as const;

/** Runs programs, behind `prefix` when there is one, in process groups of their own. */
export function guardedRunner(guardian: Guardian, prefix: readonly string[] = []): Runner {
  return (program, args, input) => {
    const found = findSystemProgram(program);
    if (found === undefined) {
      return Promise.resolve({ code: undefined, missing: true, ...NOTHING });
    }
    return runGuarded([...prefix, found, ...args], input, guardian);
  };
}

/** Never rejects. */
async function runGuarded(
  argv: readonly string[],
  input: string,
  guardian: Guardian,
): Promise<Ran> {
  let child: ChildProcess;
  try {
    child = spawn('/bin/sh', ['-c', REGISTER_AND_EXEC, 'sh', ...argv], {
      stdio: ['pipe', 'pipe', 'pipe', guardian.pipe],
      detached: true,
    });
  } catch (error) {
    // Its pipe is closed, as it is gone: whoever waits for that hears of it.
    return { code: undefined, missing: false, ...NOTHING, stderr: messageOf(error) };
  }
  const { pid } = child;
  const hangs = setTimeout(() => killGroup(pid), RUN_MS_MAX);
  const stdout = gather(child.stdout);
  const stderr = gather(child.stderr);
  // A program that ends without reading what it was given is judged by its exit code.
  child.stdin?.on('error', () => {}).end(input);
  const { promise, resolve } = Promise.withResolvers<Pick<Ran, 'code' | 'stderr'>>();
  child.once('error', (error) => resolve({ code: undefined, stderr: error.message }));
  child.once('close', (code, signal) => {
    const said = stderr.text() || (signal === null ? '' : `ended by ${signal}`);
    resolve({ code: code ?? undefined, stderr: said });
  });
  const ended = await promise;
  clearTimeout(hangs);
  if (pid !== undefined) guardian.release(pid);
  return { ...ended, missing: false, stdout: stdout.text() };
}

interface Gathered {
  text(): string;
}

/** More than anybody reads is dropped. */
function gather(stream: Readable | null): Gathered {
  const parts: string[] = [];
  let left = OUTPUT_CHARACTERS_MAX;
  stream?.setEncoding('utf8').on('data', (part: string) => {
    left -= part.length;
    if (left >= 0) parts.push(part);
  });
  return { text: () => parts.join('') };
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: it has just ended.
  }
}
