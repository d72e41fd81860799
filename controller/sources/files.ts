/**
 * Resources from files and directories, read again when they change.
 *
 *   change of an entry --\
 *                         >- settle time -> scan: list, read what changed, merge -> snapshot
 *   slow poll -----------/
 *
 * A file is read again when its size, times or inode differ, or when it was so young at the last
 * reading that a second write could have left them equal. A file that is gone takes its resources
 * with it; a whole `--resources` path that is gone does not (it may be on its way to be replaced),
 * nor does what is there and cannot be read.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import type { Resource } from '../resources/resource.ts';
import { readFileContent } from './documents.ts';
import type { FileContent } from './documents.ts';
import { codeOf, listResourceFiles } from './resource-files.ts';
import type { ResourceFile, RootListing } from './resource-files.ts';
import type { Problem, Snapshot, Source } from './source.ts';
import { WatchedDirectories } from './watched-directories.ts';

/** What to read and how soon. */
export interface FilesSourceOptions {
  /** Files or directories, in order: of the same resource given twice the first counts. */
  readonly paths: readonly string[];
  /** Milliseconds since 1970, as the file system dates changes. */
  readonly now: () => number;
  /** From the last change seen to the reading. */
  readonly settleMs?: number;
  /** The net under the watches: what they miss is seen after this time. */
  readonly pollMs?: number;
}

const SETTLE_MS = 50;
/** A stream of changes puts a reading off no longer than this. */
const SETTLE_MS_MAX = 500;
const POLL_MS = 2_000;
/** File systems date changes in steps; a file younger than this may change unseen. */
const TIMESTAMP_STEP_MS = 100;

interface KnownFile {
  readonly signature: string;
  /** The signature would show any later change. */
  readonly settled: boolean;
  readonly content: FileContent;
}

const NOTHING: FileContent = { resources: new Map(), problems: [] };

/** The files source. */
export class FilesSource implements Source {
  readonly #paths: readonly string[];
  readonly #settleMs: number;
  readonly #pollMs: number;
  readonly #now: () => number;
  readonly #watched = new WatchedDirectories(() => this.#onChange());
  /** Files of each root, by path, in order. */
  readonly #roots = new Map<string, ReadonlyMap<string, KnownFile>>();
  #onSnapshot: (snapshot: Snapshot) => void = () => {};
  #lastReported = '';
  #settleTimer: NodeJS.Timeout | undefined;
  #firstChangeMs = 0;
  #pollTimer: NodeJS.Timeout | undefined;
  #scanning: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: FilesSourceOptions) {
    this.#paths = [...new Set(options.paths)];
    this.#settleMs = options.settleMs ?? SETTLE_MS;
    this.#now = options.now;
    this.#pollMs = options.pollMs ?? POLL_MS;
  }

  async start(onSnapshot: (snapshot: Snapshot) => void): Promise<void> {
    this.#onSnapshot = onSnapshot;
    await this.#scan(true);
    if (this.#stopped) return;
    this.#pollTimer = setInterval(() => this.#queueScan(), this.#pollMs);
    this.#pollTimer.unref();
    // What changed between the first reading and the watches.
    this.#onChange();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#settleTimer);
    clearInterval(this.#pollTimer);
    this.#watched.close();
    await this.#scanning;
  }

  #onChange(): void {
    if (this.#stopped) return;
    const now = performance.now();
    if (this.#settleTimer === undefined) this.#firstChangeMs = now;
    else if (now - this.#firstChangeMs > SETTLE_MS_MAX) return;
    clearTimeout(this.#settleTimer);
    this.#settleTimer = setTimeout(() => {
      this.#settleTimer = undefined;
      this.#queueScan();
    }, this.#settleMs);
  }

  /** One scan at a time; each begins after what asked for it. */
  #queueScan(): void {
    this.#scanning = this.#scanning.then(() => this.#scan(false));
  }

  async #scan(first: boolean): Promise<void> {
    if (this.#stopped) return;
    const problems: Problem[] = [];
    const listings = await Promise.all(this.#paths.map((root) => listResourceFiles(root)));
    let changed = first;
    for (const listing of listings) {
      problems.push(...listing.problems);
      changed = (await this.#readRoot(listing)) || changed;
    }
    if (this.#stopped) return;
    this.#watched.set(listings.flatMap((listing) => listing.directories));
    this.#report(problems, changed);
  }

  /** Whether a file of the root was read again or is gone. */
  async #readRoot(listing: RootListing): Promise<boolean> {
    const before = this.#roots.get(listing.root) ?? new Map<string, KnownFile>();
    if (listing.missing) return false;
    const after = new Map<string, KnownFile>();
    let changed = false;
    for (const file of listing.files) {
      const known = before.get(file.path);
      const current = await readKnownFile(file, known, this.#now());
      if (current !== known) changed = true;
      if (current !== undefined) after.set(file.path, current);
    }
    const kept = [...before].filter(([file]) => listing.unread.some((at) => isWithin(file, at)));
    const files = new Map([...after, ...kept].toSorted(([a], [b]) => (a < b ? -1 : 1)));
    changed ||= [...before.keys()].some((file) => !files.has(file));
    this.#roots.set(listing.root, files);
    return changed;
  }

  #report(rootProblems: readonly Problem[], changed: boolean): void {
    const snapshot = mergeFiles([...this.#roots.values()], rootProblems);
    const reported = JSON.stringify(snapshot.problems);
    if (!changed && reported === this.#lastReported) return;
    this.#lastReported = reported;
    this.#onSnapshot(snapshot);
  }
}

/** The file as it is now; `known` itself when it did not change, undefined when it is gone. */
async function readKnownFile(
  file: ResourceFile,
  known: KnownFile | undefined,
  nowMs: number,
): Promise<KnownFile | undefined> {
  if (known?.settled === true && known.signature === file.signature) return known;
  const lastGood = known?.content.resources ?? NOTHING.resources;
  const settled = nowMs - file.changedAtMs > TIMESTAMP_STEP_MS;
  let text: string;
  try {
    text = await readFile(file.path, 'utf8');
  } catch (failure) {
    const code = codeOf(failure);
    if (code === 'ENOENT') return undefined;
    const content = unusable(file.path, `cannot be read (${code})`, lastGood);
    if (known?.content.problems[0]?.reason === content.problems[0]?.reason) return known;
    // Not settled: reading is tried again with every scan.
    return { signature: '', settled: false, content };
  }
  return { signature: file.signature, settled, content: parse(file.path, text, lastGood) };
}

/** No text of one file may end the reading of all. */
function parse(file: string, text: string, lastGood: FileContent['resources']): FileContent {
  try {
    return readFileContent(file, text, lastGood);
  } catch (failure) {
    const reason = failure instanceof Error ? failure.message : String(failure);
    return unusable(file, `cannot be parsed: ${reason}`, lastGood);
  }
}

const unusable = (
  file: string,
  reason: string,
  lastGood: FileContent['resources'],
): FileContent => ({
  resources: lastGood,
  problems: [fileProblem(file, reason, lastGood.size > 0)],
});

const isWithin = (file: string, at: string): boolean =>
  file === at || file.startsWith(`${at}${path.sep}`);

const fileProblem = (origin: string, reason: string, lastGoodKept: boolean): Problem => ({
  origin,
  line: undefined,
  resource: undefined,
  path: '',
  reason,
  lastGoodKept,
});

/** Of the same resource in two files the first counts, the second is a problem. */
function mergeFiles(
  roots: readonly ReadonlyMap<string, KnownFile>[],
  rootProblems: readonly Problem[],
): Snapshot {
  const resources = new Map<string, { readonly resource: Resource; readonly file: string }>();
  const problems: Problem[] = [...rootProblems];
  const seen = new Set<string>();
  for (const files of roots) {
    for (const [path, { content }] of files) {
      // A file named by two --resources paths is one file.
      if (seen.has(path)) continue;
      seen.add(path);
      problems.push(...content.problems);
      for (const [identity, resource] of content.resources) {
        const first = resources.get(identity);
        if (first === undefined) resources.set(identity, { resource, file: path });
        else {
          const reason = `given twice, the one in ${first.file} counts`;
          problems.push({ ...fileProblem(path, reason, false), resource: identity });
        }
      }
    }
  }
  return {
    resources: [...resources.values()].map(({ resource }) => resource),
    problems,
    inputs: seen.size,
  };
}
