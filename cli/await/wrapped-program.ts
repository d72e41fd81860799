import { spawn, type ChildProcess } from 'node:child_process';
import { messageOf } from '../failure.ts';
import { exitCodeOf, type HeardSignals } from './heard-signals.ts';

/** A terminal sends these to the program itself: twice would be a second Ctrl-C. */
const OF_TERMINALS = new Set<NodeJS.Signals>(['SIGINT', 'SIGQUIT']);

/** What shells say of a program that cannot be run, and of one that is not there. */
const EXIT_NOT_RUN = 126;
const EXIT_NOT_FOUND = 127;

/** The system's words for what keeps a program from being run, for people. */
const WHY = new Map([
  ['EACCES', 'it may not be executed'],
  ['E2BIG', 'its arguments and its environment are too long'],
]);

/** How a program ended. */
export interface ProgramEnd {
  /** As shells say it: 128 and the signal's number for one that a signal ended. */
  readonly exitCode: number;
  /** Why it could not be started; undefined when it ran. */
  readonly problem: string | undefined;
}

/**
 * Runs the program on our standard streams and passes `signals` on, until it ends. Resolves to how,
 * never rejects. `terminal`: our standard input is one.
 */
export function runWrapped(
  argv: readonly string[],
  terminal: boolean,
  signals: HeardSignals,
): Promise<ProgramEnd> {
  const [file = '', ...args] = argv;
  if (file === '') return Promise.resolve(notFound(file));
  try {
    const child = spawn(file, args, { stdio: 'inherit', env: theirEnvironment() });
    signals.passTo((signal) => {
      if (!terminal || !OF_TERMINALS.has(signal)) child.kill(signal);
    });
    return ended(child, file);
  } catch (error) {
    // Some of what the system says is thrown, and some told by an event.
    return Promise.resolve(notRun(file, error));
  }
}

function ended(child: ChildProcess, file: string): Promise<ProgramEnd> {
  const { promise, resolve } = Promise.withResolvers<ProgramEnd>();
  child.once('error', (error) => resolve(notRun(file, error)));
  child.once('exit', (code, signal) => {
    const exitCode = signal === null ? (code ?? 0) : exitCodeOf(signal);
    resolve({ exitCode, problem: undefined });
  });
  return promise;
}

const notFound = (file: string): ProgramEnd => ({
  exitCode: EXIT_NOT_FOUND,
  problem: `there is no program "${file}"`,
});

function notRun(file: string, error: unknown): ProgramEnd {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENOENT') return notFound(file);
  const why = WHY.get(code) ?? messageOf(error);
  return { exitCode: EXIT_NOT_RUN, problem: `"${file}" cannot be run: ${why}` };
}

/** What the launcher sets for programs of ours alone. */
const OUR_VARIABLES = new Set([
  'CULVERT_LAUNCHED',
  'NODE_COMPILE_CACHE',
  'NODE_COMPILE_CACHE_PORTABLE',
]);

const theirEnvironment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !OUR_VARIABLES.has(name)));
