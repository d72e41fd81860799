/** Drops clean pages of files: mostly code and constants of the runtime that only its start needs. */
import { readFileSync } from 'node:fs';
import { isDroppable, parseMappings } from './mappings.ts';

/** The mappings of this process, as text. */
export const readOwnMappings = (): string => readFileSync('/proc/self/smaps', 'utf8');

/** Drops the pages of a mapping; false when the kernel refuses. */
export type DropPages = (address: bigint, bytes: bigint) => boolean;

/**
 * Drops every page that can be read again from its file, and gives back how many bytes were
 * resident in them; some are back at once, as this very code needs them. Throws when the mappings
 * are not understood, having dropped nothing. Takes some milliseconds.
 */
export function trimPages(text: string, dropPages: DropPages): number {
  const mappings = parseMappings(text);
  if (mappings === undefined) throw new Error('the mappings of this process are not understood');
  let dropped = 0;
  for (const mapping of mappings) {
    if (!isDroppable(mapping)) continue;
    const { end, kilobytes, start } = mapping;
    if (dropPages(start, end - start)) dropped += (kilobytes.get('Rss') ?? 0) * 1024;
  }
  return dropped;
}
