/**
 * Bundles the programs that package.json names, for base/bundle.mjs, which runs this when a source has
 * changed: `node base/bundle/main.ts`. Exit code 1, with the bundler's messages, when it cannot.
 */
import path from 'node:path';
import { makeBundle } from './make-bundle.ts';

const DAY_MS = 86_400_000;

try {
  await makeBundle(path.resolve(import.meta.dirname, '../..'), Date.now() - 7 * DAY_MS);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
