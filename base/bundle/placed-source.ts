/**
 * A source in a bundle is elsewhere than it says: what it finds beside itself it must find from there.
 * Bundles are two folders below the root (`.bundle/NAME/`).
 */
import path from 'node:path';

/** Names of the modules that were made of entries, by the entry's path from the root. */
export type OutputNames = Readonly<Record<string, string>>;

const THREAD = /new URL\('([^']+\.ts)', import\.meta\.url\)/g;
/** Of its place, what is not kept. */
const PLACE = /\bimport\.meta\.(?!url\b)\w+/g;

/** Of what stands beside the bundle, in its code. */
const urlOf = (target: string): string => `new URL(${JSON.stringify(target)}, import.meta.url)`;

/**
 * `text` of `file`, which is relative to the root, so that `import.meta.url` is that of the source, and
 * the first file of a thread is what was bundled of it. Lines stay. Throws where the source asks for
 * its place in another way.
 */
export function placedSource(text: string, file: string, names: OutputNames): string {
  if (!text.includes('import.meta')) return text;
  for (const { 0: place, index } of text.matchAll(PLACE)) {
    const line = text.slice(0, index).split('\n').length;
    throw new Error(
      `${file}:${line}: a bundled source knows its place by import.meta.url only, not by ${place}`,
    );
  }
  const own = `${urlOf(`../../${file}`)}.href`;
  return text
    .split(THREAD)
    .map((part, i) => {
      if (i % 2 === 0) return part.replaceAll('import.meta.url', own);
      const target = path.posix.join(path.posix.dirname(file), part);
      const name = names[target];
      return name === undefined ? `new URL('${part}', ${own})` : urlOf(`./${name}`);
    })
    .join('');
}
