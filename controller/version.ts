/** The version of this controller: that of the package. */
import { readFileSync } from 'node:fs';

import { isObject } from './resources/fields.ts';

/** As in package.json. Throws when the file is not that of a package. */
export function readVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  const content: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!isObject(content) || typeof content['version'] !== 'string') {
    throw new Error(`${file.pathname} names no version`);
  }
  return content['version'];
}
