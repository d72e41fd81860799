/** Numbers of header blocks, as the generator writes them. */

/**
 * Writes a number of a header block (RFC 7541 section 5.1) at `at`, its first byte shared with
 * `pattern`; returns where it ends.
 */
export function writeInteger(
  out: Buffer,
  at: number,
  pattern: number,
  prefixBits: number,
  value: number,
): number {
  const mask = (1 << prefixBits) - 1;
  if (value < mask) {
    out[at] = pattern | value;
    return at + 1;
  }
  out[at] = pattern | mask;
  let left = value - mask;
  let end = at + 1;
  for (; left >= 0x80; left >>>= 7) out[end++] = (left & 0x7f) | 0x80;
  out[end] = left;
  return end + 1;
}
