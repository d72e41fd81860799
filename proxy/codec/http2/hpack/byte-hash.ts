/** Hashes of bytes, for look-ups, and the comparisons that follow them. */

const PRIME = 0x0100_0193;

/** Upper-case letters to lower case; other bytes as they are. */
export const LOWER: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte,
);

/** A 32-bit hash of bytes[start, end), letter case ignored. */
// HOT: per byte.
export function hashName(bytes: Buffer, start: number, end: number): number {
  const lower = LOWER;
  let hash = end - start;
  for (let at = start; at < end; at++) {
    hash = Math.imul(hash ^ (lower[bytes[at] ?? 0] ?? 0), PRIME);
  }
  return hash ^ (hash >>> 15);
}

/** A 32-bit hash of bytes[start, end), four at a time, begun with `seed`. */
// HOT: per byte.
export function hashBytes(seed: number, bytes: Buffer, start: number, end: number): number {
  let hash = Math.imul(seed ^ (end - start), PRIME);
  let at = start;
  for (const whole = end - 3; at < whole; at += 4) {
    const word =
      (bytes[at] ?? 0) |
      ((bytes[at + 1] ?? 0) << 8) |
      ((bytes[at + 2] ?? 0) << 16) |
      ((bytes[at + 3] ?? 0) << 24);
    hash = Math.imul(((hash << 5) | (hash >>> 27)) ^ word, PRIME);
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), PRIME);
  hash = Math.imul(hash ^ (hash >>> 15), PRIME);
  return hash ^ (hash >>> 13);
}

/** Whether the bytes at `at` are bytes[start, end). */
// HOT: per byte.
export function isRun(own: Buffer, at: number, bytes: Buffer, start: number, end: number): boolean {
  const offset = at - start;
  for (let i = start; i < end; i++) if (own[i + offset] !== bytes[i]) return false;
  return true;
}

/** Whether the lower-case name at `at` is bytes[start, end), letter case ignored. */
// HOT: per byte.
export function isName(
  own: Buffer,
  at: number,
  bytes: Buffer,
  start: number,
  end: number,
): boolean {
  const offset = at - start;
  for (let i = start; i < end; i++) if (own[i + offset] !== LOWER[bytes[i] ?? 0]) return false;
  return true;
}
