/** Integers with a prefix (RFC 7541 section 5.1). */

/** Octets behind the prefix: values below 2^28 and a little more, larger than any block. */
const OCTETS_MAX = 4;

/**
 * Writes `value` behind the bits of `first`, of which the lowest are free: as many as are set in
 * `mask`, the largest prefix. Returns where it stopped.
 */
// HOT: per frame.
export function writeInteger(
  out: Buffer,
  at: number,
  first: number,
  mask: number,
  value: number,
): number {
  if (value < mask) {
    out[at] = first | value;
    return at + 1;
  }
  out[at] = first | mask;
  let to = at + 1;
  let rest = value - mask;
  while (rest >= 0x80) {
    out[to++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  out[to++] = rest;
  return to;
}

/** Reads integers; where one ends and what it is are two numbers. */
export class IntegerReader {
  value = 0;

  /**
   * Reads what follows a full prefix `mask` at `from`; returns where it stopped, or -1 when the
   * integer is cut at `end` or has more octets than any we would accept needs.
   */
  // HOT: per frame.
  rest(bytes: Buffer, from: number, end: number, mask: number): number {
    let value = mask;
    for (let i = 0; i < OCTETS_MAX && from + i < end; i++) {
      const byte = bytes[from + i] ?? 0;
      value += (byte & 0x7f) << (7 * i);
      if (byte < 0x80) {
        this.value = value;
        return from + i + 1;
      }
    }
    return -1;
  }
}
