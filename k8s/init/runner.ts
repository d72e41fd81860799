/** Programs of the machine, run to their end. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** How a program ended. */
export interface Ran {
  /** Undefined when it is not installed, or something ended it. */
  readonly code: number | undefined;
  readonly missing: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `program` with `input` as its standard input; never rejects. */
export type Runner = (program: string, args: readonly string[], input: string) => Promise<Ran>;

/** Where system programs are; not in everybody's PATH. */
const SYSTEM_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin'];
/** Waiting for the lock of the tables takes up to 5 s; this is for what hangs. */
const RUN_MS_MAX = 30_000;
const OUTPUT_BYTES_MAX = 16 * 2 ** 20;

/** Absolute path of a program; undefined when it is not installed. */
export function findSystemProgram(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(path.delimiter), ...SYSTEM_DIRECTORIES];
  return directories
    .filter((directory) => directory !== '')
    .map((directory) => path.join(directory, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * Runs programs of this machine, behind `prefix` when there is one: `['ip', 'netns', 'exec', NAME]`
 * makes them see the tables of that namespace.
 */
export function systemRunner(prefix: readonly string[] = []): Runner {
  return (program, args, input) => {
    const found = findSystemProgram(program);
    if (found === undefined) {
      return Promise.resolve({ code: undefined, missing: true, stdout: '', stderr: '' });
    }
    const [file = found, ...rest] = [...prefix, found, ...args];
    return run(file, rest, input);
  };
}

function run(file: string, args: readonly string[], input: string): Promise<Ran> {
  const options = {
    timeout: RUN_MS_MAX,
    maxBuffer: OUTPUT_BYTES_MAX,
    killSignal: 'SIGKILL',
  } as const;
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const child = execFile(file, args, options, (error, stdout, stderr) => {
    const code = error === null ? 0 : error.code;
    const said =
      stderr === '' && error !== null && typeof code !== 'number' ? error.message : stderr;
    resolve({
      code: typeof code === 'number' ? code : undefined,
      missing: false,
      stdout,
      stderr: said,
    });
  });
  // A program that ends without reading what it was given is judged by its exit code.
  child.stdin?.on('error', () => undefined).end(input);
  return promise;
}
