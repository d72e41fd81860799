/**
 * Our sources in as few modules as the programs' entries and lazy imports allow. Names, order and
 * side effects stay; packages stay outside; types and comments go.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { crc32 } from 'node:zlib';
import { type OutputFile, type Plugin, build } from 'esbuild';
import { BUNDLE_FOLDER } from '../bundle.mjs';
import { type OutputNames, placedSource } from './placed-source.ts';

/** A source that is in the bundle, as it was read; `file` is relative to the root. */
export interface BundleInput {
  readonly file: string;
  readonly size: number;
  readonly mtimeMs: number;
  /** CRC-32 of its bytes. */
  readonly crc: number;
}

/** What `.bundle/manifest.json` says. */
export interface BundleManifest {
  /** Folder beside the manifest. */
  readonly directory: string;
  /** Module in that folder by entry, relative to the root. */
  readonly files: OutputNames;
  readonly inputs: readonly BundleInput[];
}

/** What decides about the bundle beside the sources in it. */
const OTHER_INPUTS = [
  'package.json',
  'package-lock.json',
  'base/bundle.mjs',
  'base/bundle/make-bundle.ts',
  'base/bundle/placed-source.ts',
];

/**
 * Makes the bundle of the tree at `root`; bundles that were replaced before `keepSinceMs` are
 * removed. Any number may run at a time. Rejects with the bundler's messages, or the system's error.
 */
export async function makeBundle(root: string, keepSinceMs: number): Promise<BundleManifest> {
  const entries = entriesOf(root);
  const others = OTHER_INPUTS.map((file) => read(root, file).input);
  const names: OutputNames = Object.fromEntries(
    entries.map((entry) => [entry, `${outputName(entry)}.mjs`]),
  );
  const sources: BundleInput[] = [];
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: entries.map((entry) => ({ in: entry, out: outputName(entry) })),
    outdir: path.join(root, BUNDLE_FOLDER, 'made'),
    write: false,
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'esnext',
    // What Node.js does to the sources, which reads no tsconfig.json.
    tsconfigRaw: {},
    // V8 keeps two bytes a character of a module that has one beyond Latin-1.
    charset: 'ascii',
    outExtension: { '.js': '.mjs' },
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'silent',
    plugins: [sourcesOf(root, names, sources)],
  });
  const directory = keep(path.join(root, BUNDLE_FOLDER), outputFiles);
  const inputs = [...others, ...sources].toSorted((a, b) => (a.file < b.file ? -1 : 1));
  const manifest: BundleManifest = { directory, files: names, inputs };
  leave(root);
  replaceFile(path.join(root, BUNDLE_FOLDER, 'manifest.json'), JSON.stringify(manifest));
  removeOthers(path.join(root, BUNDLE_FOLDER), directory, keepSinceMs);
  return manifest;
}

function entriesOf(root: string): readonly string[] {
  const text = readFileSync(path.join(root, 'package.json'), 'utf8');
  const { culvert } = JSON.parse(text) as { culvert?: { bundle?: readonly string[] } };
  return culvert?.bundle ?? [];
}

const outputName = (entry: string): string => entry.replace(/\.ts$/, '').replaceAll('/', '-');

function read(root: string, file: string): { readonly input: BundleInput; readonly text: Buffer } {
  const at = path.join(root, file);
  // Before it is read: what changes meanwhile makes the bundle stale at once.
  const { mtimeMs, size } = statSync(at);
  const text = readFileSync(at);
  return { input: { file, size, mtimeMs, crc: crc32(text) }, text };
}

/** Reads our sources for the bundler, notes each, and leaves its place in it. */
function sourcesOf(root: string, names: OutputNames, sources: BundleInput[]): Plugin {
  return {
    name: 'sources',
    setup: (bundler) =>
      bundler.onLoad({ filter: /\.ts$/ }, ({ path: at }) => {
        const file = path.relative(root, at).replaceAll(path.sep, '/');
        const { input, text } = read(root, file);
        sources.push(input);
        return { contents: placedSource(text.toString(), file, names), loader: 'ts' };
      }),
  };
}

/** Puts the files into a folder named after what is in them, whole or not at all. */
function keep(folder: string, files: readonly OutputFile[]): string {
  const hash = createHash('sha256');
  for (const { contents, path: at } of files) hash.update(path.basename(at)).update(contents);
  const directory = hash.digest('hex').slice(0, 16);
  mkdirSync(folder, { recursive: true });
  const made = mkdtempSync(path.join(folder, '.making-'));
  // Sidecars of other users run from it.
  chmodSync(made, 0o755);
  for (const { contents, path: at } of files) {
    writeFileSync(path.join(made, path.basename(at)), contents);
  }
  try {
    renameSync(made, path.join(folder, directory));
  } catch {
    // It is there: another start has made the same.
    rmSync(made, { recursive: true });
    statSync(path.join(folder, directory));
  }
  return directory;
}

/** Notes on the bundle that was in use until now when that ended. */
function leave(root: string): void {
  try {
    const text = readFileSync(path.join(root, BUNDLE_FOLDER, 'manifest.json'), 'utf8');
    const { directory } = JSON.parse(text) as BundleManifest;
    const now = new Date();
    utimesSync(path.join(root, BUNDLE_FOLDER, directory), now, now);
  } catch {
    // There was none, or it is gone.
  }
}

function replaceFile(file: string, text: string): void {
  const written = `${file}.${process.pid}`;
  writeFileSync(written, text);
  renameSync(written, file);
}

/** A process that still runs from one may not have loaded all of it yet. */
function removeOthers(folder: string, current: string, keepSinceMs: number): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const { name } = entry;
    if (name === current || !entry.isDirectory()) continue;
    const at = path.join(folder, name);
    if (statSync(at).mtimeMs < keepSinceMs) rmSync(at, { recursive: true, force: true });
  }
}
