import { readFileSync } from 'node:fs';

/** The version of this meshctl: that of its package, as "0.1.0". */
export function clientVersion(): string {
  const manifest: unknown = JSON.parse(
    readFileSync(new URL('package.json', import.meta.url), 'utf8'),
  );
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) {
    throw new Error('cli/package.json has no version');
  }
  return String(manifest.version);
}
