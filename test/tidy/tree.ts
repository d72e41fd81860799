/** The repository as the style rules see it: paths and texts, sources scanned, imports resolved. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { scan } from './scan.ts';
import type { Scanned } from './scan.ts';

/** One `import … from`, `export … from` or `import()`. */
export interface Import {
  readonly specifier: string;
  /** Path in the repository; undefined for packages and Node's own modules. */
  readonly target: string | undefined;
  /** Offset in the text. */
  readonly start: number;
}

/** One `.ts` or `.mjs` file. */
export interface Source extends Scanned {
  /** From the repository's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
}

/** Everything below the repository's root that git would not ignore. */
export interface Tree {
  /** All files and folders. */
  readonly paths: ReadonlySet<string>;
  /** Texts other than sources, by path: documents, manifests, scripts. */
  readonly texts: ReadonlyMap<string, string>;
  readonly sources: ReadonlyMap<string, Source>;
}

/** Where a rule is broken, and how. `line` counts from 1. */
export interface Problem {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** A style rule as data. */
export interface Rule {
  readonly name: string;
  readonly reason: string;
  readonly check: (tree: Tree) => readonly Problem[];
  /** Small trees (path -> text) that break the rule; each proves that the rule can fail. */
  readonly bad: readonly Readonly<Record<string, string>>[];
  /** A small tree that comes close and keeps it. */
  readonly good: Readonly<Record<string, string>>;
}

const SOURCE = /\.(?:ts|mjs)$/;
const TEXT = /(?:\.(?:md|json|ya?ml|sh)|^\.ci\/\w+)$/;
const SKIPPED = new Set(['node_modules', '.git', '.state', '.bundle', 'package-lock.json']);

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** Tests and what only they use. */
export const isTest = (file: string): boolean =>
  file.startsWith('test/') || file.endsWith('.test.ts');

/** Sources that people write; generated ones keep their generator's style. */
export function written(tree: Tree): readonly Source[] {
  return [...tree.sources.values()].filter((source) => !source.path.startsWith('api/gen/'));
}

/** Reads the tree below `root`. */
export function readTree(root: string): Tree {
  const files: Record<string, string | undefined> = {};
  const walk = (directory: string): void => {
    for (const entry of readdirSync(path.join(root, directory), { withFileTypes: true })) {
      const name = path.posix.join(directory, entry.name);
      if (SKIPPED.has(entry.name)) continue;
      if (entry.isDirectory()) walk(name);
      else if (!SOURCE.test(name) && !TEXT.test(name)) files[name] = undefined;
      else files[name] = readFileSync(path.join(root, name), 'utf8');
    }
  };
  walk('.');
  return treeOf(files);
}

/** A tree of the given files; undefined is a file whose text no rule needs. */
export function treeOf(files: Readonly<Record<string, string | undefined>>): Tree {
  const paths = new Set<string>();
  const texts = new Map<string, string>();
  const sources = new Map<string, Source>();
  for (const [file, text] of Object.entries(files)) {
    for (let each = file; each !== '.'; each = path.posix.dirname(each)) paths.add(each);
    if (text === undefined) continue;
    if (SOURCE.test(file)) sources.set(file, readSource(file, text));
    else texts.set(file, text);
  }
  return { paths, texts, sources };
}

const FROM = /\b(?:import|export)\b(?:[^;'"`=]*?\bfrom)?\s*(?=['"])|\bimport\s*\(\s*(?=['"])/g;

function readSource(file: string, text: string): Source {
  const scanned = scan(text);
  const imports = [...scanned.code.matchAll(FROM)].map((match) => {
    const specifier = scanned.strings.get(match.index + match[0].length) ?? '';
    return { specifier, target: resolve(file, specifier), start: match.index };
  });
  return { path: file, text, imports, ...scanned };
}

/** A relative specifier as a path from the root. */
export function resolve(file: string, specifier: string): string | undefined {
  return /^\.{1,2}\//.test(specifier)
    ? path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier))
    : undefined;
}
