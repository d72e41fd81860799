/** A temporary directory of an arm: configuration, pid file, bodies. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEnd } from './last-acts.ts';

/** Exists from construction to `remove`, or to the end of this process. */
export class Scratch {
  readonly directory: string;
  readonly #forget: () => void;

  constructor(name: string) {
    this.directory = mkdtempSync(path.join(tmpdir(), `culvert-bench-${name}-`));
    this.#forget = beforeEnd(() => this.#delete());
  }

  /** Writes a file in it; returns its path. */
  write(name: string, content: string | Buffer): string {
    const file = path.join(this.directory, name);
    writeFileSync(file, content);
    return file;
  }

  /** Safe to call twice. */
  remove(): void {
    this.#forget();
    this.#delete();
  }

  #delete(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
