/**
 * Whose a state directory is. Its name says which process made it, and among which processes that one has its
 * number: `dev` and its guardian may be killed together, then nobody is left to remove it but the next `dev`.
 */
import { createHash, randomBytes } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { processExists } from './ancestors.ts';

/** How the names of state directories begin. */
const STATE_DIRECTORY_PREFIX = 'culvert-dev-';

const OWNED = new RegExp(`^${STATE_DIRECTORY_PREFIX}([0-9a-f]{8})-([1-9]\\d{0,8})-[0-9a-f]{8}$`);

/** A name that no other state directory has, of the process `pid`. */
export function newStateDirectoryName(pid: number): string {
  const numbers = numberedSince();
  const owner = numbers === undefined ? '' : `${numbers}-${pid}-`;
  return `${STATE_DIRECTORY_PREFIX}${owner}${randomBytes(4).toString('hex')}`;
}

/**
 * State directories in `parent` that belong to the user `uid`: in one that somebody else made,
 * somebody else answers. `uid` is undefined where the system knows no users.
 */
export function stateDirectories(parent: string, uid: number | undefined): readonly string[] {
  return namesIn(parent)
    .filter((name) => name.startsWith(STATE_DIRECTORY_PREFIX))
    .map((name) => path.join(parent, name))
    .filter((directory) => isOwn(directory, uid));
}

/** None in what cannot be read: whoever is to write there says so. */
function namesIn(parent: string): readonly string[] {
  try {
    return readdirSync(parent);
  } catch {
    return [];
  }
}

/** A link is its maker's, wherever it leads. */
function isOwn(directory: string, uid: number | undefined): boolean {
  const found = lstatSync(directory, { throwIfNoEntry: false });
  return found?.isDirectory() === true && (uid === undefined || found.uid === uid);
}

/**
 * Removes those of them whose `dev` is gone for sure, and tells `removed` of each.
 */
export function removeAbandoned(
  parent: string,
  uid: number | undefined,
  removed: (directory: string) => void,
): void {
  for (const directory of stateDirectories(parent, uid)) {
    if (!isAbandoned(path.basename(directory))) continue;
    try {
      rmSync(directory, { recursive: true });
      removed(directory);
    } catch {
      // Another has just removed it; what is in the way else is no reason not to run.
    }
  }
}

/** False where nobody can tell. */
function isAbandoned(name: string): boolean {
  const [, numbers, pid] = OWNED.exec(name) ?? [];
  return numbers !== undefined && numbers === numberedSince() && !processExists(Number(pid));
}

/**
 * The boot and the pid namespace that process numbers are of: directories are shared between containers, and
 * between machines. Undefined where the system does not tell.
 */
function numberedSince(): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    const namespace = readlinkSync('/proc/self/ns/pid');
    return createHash('sha256').update(`${boot} ${namespace}`).digest('hex').slice(0, 8);
  } catch {
    return undefined;
  }
}
