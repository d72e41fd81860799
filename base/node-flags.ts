/** Flags of Node.js that a program of Culvert runs with; package.json has them, and 012 why. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

interface Manifest {
  readonly culvert?: { readonly nodeFlags?: Readonly<Record<string, readonly string[]>> };
}

/**
 * What comes before `base/launch.mjs` when `entry`, relative to the repository's root, is started on
 * the pinned runtime at once. Without them the launcher starts a second process that has them.
 * `root` is that of another checkout, which may be older and know of none.
 */
export function nodeFlags(
  entry: string,
  root = fileURLToPath(new URL('..', import.meta.url)),
): readonly string[] {
  const text = readFileSync(path.join(root, 'package.json'), 'utf8');
  return (JSON.parse(text) as Manifest).culvert?.nodeFlags?.[entry] ?? [];
}
