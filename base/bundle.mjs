// Which file a program runs from: what was bundled of its sources, as long as they are the same.
//
// Two hundred modules are dear: each is resolved, read, hashed and kept, in every thread
// (docs/decisions/015-programs-run-bundled.md). So the programs that package.json names run from
// `.bundle/`, which is made again when a source has changed. Plain JavaScript for the same reason
// as launch.mjs, which asks this file; what makes the bundle is base/bundle/main.ts.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** Where bundles are, from the root; `manifest.json` says which is in use. */
export const BUNDLE_FOLDER = '.bundle';
/** Making a bundle takes a tenth of a second; who waits longer waits for nothing. */
const MAKE_MS = 20_000;

/**
 * URL of the module to run for `entry`, relative to `root`: of the bundle, or of the source itself
 * when none can be made, as without the bundler, on a read-only tree, or when a source is broken;
 * the source then tells what is wrong with it.
 */
export function moduleOf(root, entry) {
  const source = pathToFileURL(path.join(root, entry)).href;
  if (process.env.CULVERT_BUNDLE === 'off' || process.env.NODE_V8_COVERAGE) return source;
  const made = freshManifest(root) ?? (make(root) ? freshManifest(root) : undefined);
  const file = made?.files[entry];
  if (file === undefined) return source;
  return pathToFileURL(path.join(root, BUNDLE_FOLDER, made.directory, file)).href;
}

function make(root) {
  // Where none can be kept none is made: else each start would pay for one.
  const folder = path.join(root, BUNDLE_FOLDER);
  try {
    accessSync(existsSync(folder) ? folder : root, constants.W_OK);
  } catch {
    return false;
  }
  const maker = path.join(root, 'base/bundle/main.ts');
  const { status } = spawnSync(process.execPath, [maker], { stdio: 'ignore', timeout: MAKE_MS });
  return status === 0;
}

/** The manifest, when the bundle is there and of the sources as they are. */
function freshManifest(root) {
  try {
    const file = path.join(root, BUNDLE_FOLDER, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8'));
    statSync(path.join(root, BUNDLE_FOLDER, manifest.directory));
    return manifest.inputs.every((input) => isSame(root, input)) ? manifest : undefined;
  } catch {
    // No bundle yet, a source that is gone, or a manifest of another version.
    return undefined;
  }
}

/** A checkout that was copied has other times: then the bytes decide. */
function isSame(root, { file, size, mtimeMs, crc }) {
  // Not path.join: four hundred of them are milliseconds of every start.
  const at = `${root}/${file}`;
  const now = statSync(at);
  if (now.size !== size) return false;
  if (now.mtimeMs === mtimeMs) return true;
  // Loaded only here: starts are counted in milliseconds.
  return process.getBuiltinModule('node:zlib').crc32(readFileSync(at)) === crc;
}
