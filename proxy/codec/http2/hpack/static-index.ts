/** Finds entries of the static table by their bytes. */
import { hashName, isName, isRun } from './byte-hash.ts';
import {
  STATIC_COUNT,
  STATIC_LINES,
  STATIC_NAME_LENGTHS,
  STATIC_STARTS,
  STATIC_VALUE_LENGTHS,
} from './static-table.ts';

/** By index: hash of the name. */
export const STATIC_HASHES: Int32Array = new Int32Array(STATIC_COUNT + 1);
const STATIC_SLOTS = 256;
/** Index of the first entry of each name, by its hash; a taken slot is passed over. */
const STATIC_BY_HASH: Uint8Array = new Uint8Array(STATIC_SLOTS);
for (let i = 1; i <= STATIC_COUNT; i++) {
  const start = STATIC_STARTS[i] ?? 0;
  const hash = hashName(STATIC_LINES, start, start + (STATIC_NAME_LENGTHS[i] ?? 0));
  STATIC_HASHES[i] = hash;
  if (hash === STATIC_HASHES[i - 1]) continue;
  let slot = hash & (STATIC_SLOTS - 1);
  while (STATIC_BY_HASH[slot] !== 0) slot = (slot + 1) & (STATIC_SLOTS - 1);
  STATIC_BY_HASH[slot] = i;
}

/** First static index of the name in bytes[start, end), letter case ignored, or 0. */
// HOT: per exchange.
export function staticName(hash: number, bytes: Buffer, start: number, end: number): number {
  for (let slot = hash & (STATIC_SLOTS - 1); ; slot = (slot + 1) & (STATIC_SLOTS - 1)) {
    const index = STATIC_BY_HASH[slot] ?? 0;
    if (index === 0) return 0;
    if (STATIC_HASHES[index] !== hash || STATIC_NAME_LENGTHS[index] !== end - start) continue;
    if (isName(STATIC_LINES, STATIC_STARTS[index] ?? 0, bytes, start, end)) return index;
  }
}

/** The entry of the name at static `first` with the value bytes[start, end), or 0. */
// HOT: per exchange.
export function staticField(
  first: number,
  nameHash: number,
  bytes: Buffer,
  start: number,
  end: number,
): number {
  for (let i = first; i <= STATIC_COUNT && STATIC_HASHES[i] === nameHash; i++) {
    if (STATIC_VALUE_LENGTHS[i] !== end - start) continue;
    const value = (STATIC_STARTS[i] ?? 0) + (STATIC_NAME_LENGTHS[i] ?? 0) + 2;
    if (isRun(STATIC_LINES, value, bytes, start, end)) return i;
  }
  return 0;
}
