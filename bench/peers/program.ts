/** Programs of the machine: where they are, which version, what to install when they are not. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';

/** Where Debian keeps servers; not in the PATH of everybody. */
const SERVER_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Absolute path of `name`, or undefined when it is not installed. A path is taken as it is. */
export function findProgram(name: string): string | undefined {
  if (name.includes('/')) return isExecutable(name) ? path.resolve(name) : undefined;
  const directories = [...(process.env['PATH'] ?? '').split(path.delimiter), ...SERVER_DIRECTORIES];
  return directories
    .filter((directory) => directory !== '')
    .map((directory) => path.join(directory, name))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** A program and the Debian package it comes in. */
export interface Wanted {
  readonly program: string;
  readonly debianPackage: string;
}

/** Both are in util-linux: they pin what they run, and end it with us. */
const ALWAYS: readonly Wanted[] = [
  { program: 'taskset', debianPackage: 'util-linux' },
  { program: 'setpriv', debianPackage: 'util-linux' },
];

/** One sentence naming the first program that is not installed; undefined when all are. */
export function missingProgram(...wanted: readonly Wanted[]): string | undefined {
  const missing = [...wanted, ...ALWAYS].find(({ program }) => findProgram(program) === undefined);
  if (missing === undefined) return undefined;
  return `${missing.program} is not installed: apt-get install ${missing.debianPackage}.`;
}

/** The first version number that `program FLAG` writes; empty when it is missing or silent. */
export function versionOf(program: string, flag: string): string {
  const file = findProgram(program);
  if (file === undefined) return '';
  const { stderr, stdout } = spawnSync(file, [flag], { encoding: 'utf8', timeout: 5_000 });
  return /\d+\.\d+[\w.-]*/.exec(`${stdout}\n${stderr}`)?.[0] ?? '';
}
