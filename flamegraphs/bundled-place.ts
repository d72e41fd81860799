/** Where the sources have a function that ran from a bundle (docs/decisions/015-programs-run-bundled.md). */
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import path from 'node:path';
import { BUNDLE_FOLDER } from '../base/bundle.mjs';

/** A place; lines and columns count from 0. */
export interface Place {
  /** A path from the root of the sources. */
  readonly file: string;
  readonly line: number;
}

const MODULE = new RegExp(`/${RegExp.escape(BUNDLE_FOLDER)}/([^/]+)/([^/]+\\.mjs)$`);

/** Maps of bundles that this checkout has; undefined: it has none by that name. */
const maps = new Map<string, SourceMap | undefined>();

/**
 * The source of a place in a bundle, which may have been read on another machine: bundles are named
 * after what is in them. Undefined where `url` is no bundle's, or of one that this checkout never made.
 */
export function bundledPlace(
  root: string,
  url: string,
  line: number,
  column: number,
): Place | undefined {
  const [, directory, name] = MODULE.exec(url.split('?')[0] ?? '') ?? [];
  if (directory === undefined || name === undefined) return undefined;
  const file = path.join(root, BUNDLE_FOLDER, directory, `${name}.map`);
  if (!maps.has(file)) maps.set(file, readMap(file));
  const found = maps.get(file)?.findEntry(line, column);
  if (found === undefined || !('originalSource' in found)) return undefined;
  const source = path.posix.join(BUNDLE_FOLDER, directory, found.originalSource);
  return { file: source, line: found.originalLine };
}

function readMap(file: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(file, 'utf8')) as SourceMapPayload);
  } catch {
    return undefined;
  }
}
