import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stringify } from 'yaml';
import { Failure, messageOf } from '../failure.ts';
import { newStateDirectoryName } from './state-owner.ts';

/** A new path for the state of one run of this process; nothing is created yet. */
export const newStateDirectoryPath = (): string =>
  path.join(tmpdir(), newStateDirectoryName(process.pid));

/**
 * The resources that `dev` tells the controller of: one YAML file each, replaced by a rename, so
 * that a reader sees the old resource or the new one and never half of one.
 */
export class StateDirectory {
  readonly path: string;
  readonly #written = new Map<string, string>();

  /** Creates the directory, for this user alone; a `Failure` when that cannot be. */
  constructor(directory: string) {
    this.path = directory;
    this.#orFail(() => mkdirSync(directory, { mode: 0o700 }));
  }

  /**
   * Writes `resource` to `<name>.yaml`, when it differs from what was written last; a `Failure`
   * when that cannot be.
   */
  write(name: string, resource: object): void {
    const text = stringify(resource);
    if (this.#written.get(name) === text) return;
    const file = path.join(this.path, `${name}.yaml`);
    // Readers take *.yaml only: the unfinished file has another ending.
    const unfinished = `${file}.new`;
    this.#orFail(() => {
      writeFileSync(unfinished, text);
      renameSync(unfinished, file);
    });
    this.#written.set(name, text);
  }

  /** Writes a resource that stays as it is for the whole run; a `Failure` when that cannot be. */
  writeOnce(name: string, resource: object): void {
    this.#orFail(() => writeFileSync(path.join(this.path, `${name}.yaml`), stringify(resource)));
  }

  /** Removes the resources that were written and are not among `names`. */
  removeOthers(names: readonly string[]): void {
    for (const name of this.#written.keys()) {
      if (names.includes(name)) continue;
      this.#orFail(() => rmSync(path.join(this.path, `${name}.yaml`), { force: true }));
      this.#written.delete(name);
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }

  #orFail(write: () => void): void {
    try {
      write();
    } catch (error) {
      throw new Failure(
        `cannot keep the mesh's state in ${this.path}: ${messageOf(error)}; let TMPDIR name a directory that can be written to`,
      );
    }
  }
}
