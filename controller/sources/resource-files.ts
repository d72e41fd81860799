/** The files below one `--resources` path, and the directories to watch for changes of them. */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';

import type { Problem } from './source.ts';
import type { Watched } from './watched-directories.ts';

/** A file that may hold resources. */
export interface ResourceFile {
  readonly path: string;
  /** Differs when the file changed, but for two changes within one time step. */
  readonly signature: string;
  /** Milliseconds since 1970. */
  readonly changedAtMs: number;
}

/** What one `--resources` path holds now. */
export interface RootListing {
  readonly root: string;
  /** The path itself is not there, or cannot be read. */
  readonly missing: boolean;
  /** Sorted by path. */
  readonly files: readonly ResourceFile[];
  /** Files and directories that are there and cannot be read; a problem of each is below. */
  readonly unread: readonly string[];
  readonly directories: readonly Watched[];
  readonly problems: readonly Problem[];
}

interface Listing {
  readonly files: ResourceFile[];
  readonly unread: string[];
  readonly directories: Watched[];
  readonly problems: Problem[];
}

const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);
/** Below this many directories it is a loop or a mistake. */
const DEPTH_MAX = 16;

/**
 * Lists `root`: itself when it is a file (whatever its name), else every *.yaml, *.yml and *.json
 * below it. Entries that begin with "." are left out: those are editors' and atomic writers' own.
 */
export async function listResourceFiles(root: string): Promise<RootListing> {
  const listing: Listing = { files: [], unread: [], directories: [], problems: [] };
  const absolute = path.resolve(root);
  const parent = path.dirname(absolute);
  try {
    const { ino } = await stat(parent, { bigint: true });
    listing.directories.push({ path: parent, inode: ino, entry: path.basename(absolute) });
  } catch {
    // No parent either: the poll will see it appear.
  }
  try {
    const status = await stat(absolute, { bigint: true });
    if (status.isDirectory()) await listDirectory(root, status.ino, 0, listing);
    else listing.files.push(toResourceFile(root, status));
    listing.files.sort((a, b) => (a.path < b.path ? -1 : 1));
    return { root, missing: false, ...listing };
  } catch (failure) {
    return { root, missing: true, ...listing, problems: [unreadProblem(root, codeOf(failure))] };
  }
}

async function listDirectory(
  directory: string,
  inode: bigint,
  depth: number,
  listing: Listing,
): Promise<void> {
  listing.directories.push({ path: directory, inode, entry: undefined });
  const entries = await readdir(directory, { withFileTypes: true });
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const child = path.join(directory, entry.name);
    const candidate = EXTENSIONS.has(path.extname(entry.name));
    if (!candidate && !entry.isDirectory()) continue;
    try {
      const status = await stat(child, { bigint: true });
      // Linked directories are not followed, linked files are.
      if (entry.isDirectory()) {
        if (depth < DEPTH_MAX) await listDirectory(child, status.ino, depth + 1, listing);
        else addUnread(listing, child, `below ${DEPTH_MAX} directories`);
      } else if (status.isFile()) {
        listing.files.push(toResourceFile(child, status));
      }
    } catch (failure) {
      const code = codeOf(failure);
      // Gone since the directory was read.
      if (code !== 'ENOENT') addUnread(listing, child, code);
    }
  }
}

/** "EACCES"; "unknown" for what has no code. */
export const codeOf = (failure: unknown): string =>
  failure instanceof Error && 'code' in failure ? String(failure.code) : 'unknown';

function addUnread(listing: Listing, path: string, why: string): void {
  listing.unread.push(path);
  listing.problems.push(unreadProblem(path, why));
}

function unreadProblem(origin: string, why: string): Problem {
  const reason = why === 'ENOENT' ? 'no such file or directory' : `cannot be read (${why})`;
  return {
    origin,
    line: undefined,
    resource: undefined,
    path: '',
    reason: `${reason}; what it held before stays in force`,
    lastGoodKept: false,
  };
}

function toResourceFile(
  file: string,
  status: { ino: bigint; size: bigint; mtimeNs: bigint; ctimeNs: bigint; ctimeMs: bigint },
): ResourceFile {
  return {
    path: file,
    signature: `${status.ino}:${status.size}:${status.mtimeNs}:${status.ctimeNs}`,
    changedAtMs: Number(status.ctimeMs),
  };
}
