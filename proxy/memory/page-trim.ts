/** Drops clean pages of files: mostly code and constants of the runtime that only its start needs. */
import { readFileSync } from 'node:fs';
import { isDroppable, parseMappings } from './mappings.ts';

/** The mappings of this process, as text. */
export const readOwnMappings = (): string => readFileSync('/proc/self/smaps', 'utf8');

/** Drops the pages of a mapping; false when the kernel refuses. */
export type DropPages = (address: bigint, bytes: bigint) => boolean;

/** Pages of a file that are mapped and can be read again. */
export interface FilePages {
  readonly address: bigint;
  /** Bytes of the mapping. */
  readonly bytes: bigint;
  readonly residentBytes: number;
}

/** What may be dropped; throws when the mappings are not understood. Takes some milliseconds. */
export function droppablePages(text: string): readonly FilePages[] {
  const mappings = parseMappings(text);
  if (mappings === undefined) throw new Error('the mappings of this process are not understood');
  return mappings.filter(isDroppable).map(({ end, kilobytes, start }) => ({
    address: start,
    bytes: end - start,
    residentBytes: (kilobytes.get('Rss') ?? 0) * 1024,
  }));
}

/** Drops them, and gives back how many bytes were resident; what is needed is back at once. */
export function dropAll(pages: readonly FilePages[], dropPages: DropPages): number {
  let dropped = 0;
  for (const { address, bytes, residentBytes } of pages) {
    if (dropPages(address, bytes)) dropped += residentBytes;
  }
  return dropped;
}
