/**
 * Watches a changing set of directories for any change of their entries. Not recursive: the reader
 * of a tree names every directory it found. A directory that was replaced by another of the same
 * name is watched anew. What cannot be watched is left to the reader's poll.
 */
import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';

/** A directory to watch. */
export interface Watched {
  readonly path: string;
  /** Tells a directory from its replacement. */
  readonly inode: bigint;
  /** Only changes of this entry count; undefined: of all. */
  readonly entry: string | undefined;
}

/** The watches of one reader. */
export class WatchedDirectories {
  readonly #onChange: () => void;
  readonly #watchers = new Map<string, FSWatcher>();

  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  /** Watches exactly these from now on. */
  set(wanted: readonly Watched[]): void {
    const byKey = new Map(
      wanted.map((one) => [`${one.inode}|${one.entry ?? ''}|${one.path}`, one]),
    );
    for (const [key, watcher] of this.#watchers) {
      if (byKey.has(key)) continue;
      watcher.close();
      this.#watchers.delete(key);
    }
    for (const [key, one] of byKey) {
      if (!this.#watchers.has(key)) this.#open(key, one);
    }
  }

  close(): void {
    this.set([]);
  }

  #open(key: string, { path, entry }: Watched): void {
    try {
      const watcher = watch(path, (_event, filename) => {
        if (entry === undefined || filename === null || filename === entry) this.#onChange();
      });
      watcher.on('error', () => {
        watcher.close();
        this.#watchers.delete(key);
      });
      this.#watchers.set(key, watcher);
    } catch {
      // Gone again, or the system's limit of watches is reached: the poll sees its changes.
    }
  }
}
