/**
 * Strings in Huffman code (RFC 7541 section 5.2). Most bytes of a head have codes of at most eight
 * bits: one look-up with the next thirteen bits finds one of them, and mostly the one behind it too.
 *
 *   bits:  ...|    next 13    |....   PAIRS[next 13] = second << 16 | first << 8 | two << 4 | bits of both
 *             ^acc, its lowest `held` bits                                0 for a longer code
 *
 * The last bits, too few for that, are looked up by eight:  PREFIX[next 8] = symbol << 4 | bits
 */
import { CODE_BITS } from './huffman-table.ts';

const EOS = 256;
const PREFIX_BITS = 8;
/** 32 KiB of pairs: with fewer bits most pairs of a random token are not found at once. */
const PAIR_BITS = 13;
const PAIR_MASK = (1 << PAIR_BITS) - 1;
const SP = 0x20;
/** What `decodeHuffman` reads at a time. */
const REFILL_BITS = 16;
/** The longest code. */
const WINDOW_BITS = 30;
const PADDING_BITS_MAX = 7;

/** Code of each symbol, right-aligned. */
const CODES: Uint32Array = new Uint32Array(CODE_BITS.length);
/** Bits of each symbol's code. */
const BITS: Uint8Array = Uint8Array.from(CODE_BITS);
const PREFIX: Uint16Array = new Uint16Array(1 << PREFIX_BITS);
/** The same by PAIR_BITS, before the second symbol is added. */
const PAIRS: Int32Array = new Int32Array(1 << PAIR_BITS);

/** Codes longer than PREFIX_BITS, a row for each length in use. */
interface Length {
  readonly bits: number;
  /** The first code of this length, right-aligned. */
  readonly first: number;
  /** Left-aligned windows below this one begin with a code of this length, or a shorter one. */
  readonly below: number;
  readonly symbols: readonly number[];
}
const longLengths: Length[] = [];

let code = 0;
for (let bits = 1; bits <= WINDOW_BITS; bits++) {
  const first = code;
  const symbols: number[] = [];
  for (let symbol = 0; symbol < CODE_BITS.length; symbol++) {
    if (CODE_BITS[symbol] !== bits) continue;
    symbols.push(symbol);
    CODES[symbol] = code;
    if (bits <= PREFIX_BITS) {
      const from = code << (PREFIX_BITS - bits);
      PREFIX.fill((symbol << 4) | bits, from, from + (1 << (PREFIX_BITS - bits)));
    }
    // NUL has a short code; what is no value's goes the long way.
    if (bits <= PAIR_BITS && symbol >= SP) {
      const from = code << (PAIR_BITS - bits);
      PAIRS.fill((symbol << 8) | bits, from, from + (1 << (PAIR_BITS - bits)));
    }
    code++;
  }
  if (symbols.length > 0 && bits > PREFIX_BITS) {
    longLengths.push({ bits, first, below: code << (WINDOW_BITS - bits), symbols });
  }
  code *= 2;
}

const SINGLES = PAIRS.slice();
for (let window = 0; window < SINGLES.length; window++) {
  const first = SINGLES[window] ?? 0;
  const second = SINGLES[(window << (first & 15)) & PAIR_MASK] ?? 0;
  const bits = (first & 15) + (second & 15);
  if (first === 0 || second === 0 || bits > PAIR_BITS) continue;
  PAIRS[window] = ((second >> 8) << 16) | (first & 0xff00) | 0x10 | bits;
}

/** Most bytes that `bytes` of code decode to: the shortest code has five bits. */
export const decodedBytesMax = (bytes: number): number => Math.floor((bytes * 8) / 5);

/** Of the string decoded last. */
let plain = true;

/**
 * Whether the string that `decodeHuffman` decoded last is of visible ASCII and blanks for certain, as its
 * codes tell without a look at its bytes.
 */
export const decodedPlain = (): boolean => plain;

/**
 * Decodes bytes[start, end) into `out` at `at`, where decodedBytesMax are free. Returns where it
 * stopped, or -1 when the code is malformed: EOS in it, or a padding that is long or not of ones.
 */
// HOT: per byte.
export function decodeHuffman(
  bytes: Buffer,
  start: number,
  end: number,
  out: Buffer,
  at: number,
): number {
  const pairs = PAIRS;
  plain = true;
  let acc = 0;
  let held = 0;
  let from = start;
  let to = at;
  for (;;) {
    if (held < PAIR_BITS) {
      if (from + 1 >= end) break;
      acc = (acc << REFILL_BITS) | ((bytes[from] ?? 0) << 8) | (bytes[from + 1] ?? 0);
      from += 2;
      held += REFILL_BITS;
    }
    const found = pairs[(acc >>> (held - PAIR_BITS)) & PAIR_MASK] ?? 0;
    if (found === 0) break;
    // A second byte that is none is written over, or stands in room that is free: more bits follow.
    out[to] = found >> 8;
    out[to + 1] = found >> 16;
    to += 1 + ((found >> 4) & 1);
    held -= found & 15;
  }
  return decodeRest(bytes, start, end, (from - start) * 8 - held, out, to);
}

/**
 * The same from bit `begun` on: a long code and what is behind it, or the end. Apart, because the compiler
 * keeps more of the short loop above in registers so.
 */
function decodeRest(
  bytes: Buffer,
  start: number,
  end: number,
  begun: number,
  out: Buffer,
  at: number,
): number {
  const prefix = PREFIX;
  let from = start + (begun >> 3);
  let acc = 0;
  let held = 0;
  let to = at;
  if ((begun & 7) !== 0) {
    acc = bytes[from++] ?? 0;
    held = 8 - (begun & 7);
  }
  for (;;) {
    while (held <= 24 && from < end) {
      acc = (acc << 8) | (bytes[from++] ?? 0);
      held += 8;
    }
    if (held < PREFIX_BITS) break;
    const found = prefix[(acc >>> (held - PREFIX_BITS)) & 0xff] ?? 0;
    if (found !== 0) {
      out[to++] = found >> 4;
      held -= found & 15;
      continue;
    }
    const bit = (from - start) * 8 - held;
    const long = longSymbol(bytes, start, end, bit);
    if (long < 0) return -1;
    plain = false;
    out[to++] = long >> 5;
    const next = bit + (long & 31);
    from = start + (next >> 3) + 1;
    acc = bytes[from - 1] ?? 0;
    held = 8 - (next & 7);
    if (from > end) {
      from = end;
      held = 0;
    }
  }
  return finish(acc, held, out, to);
}

/** The last bits, fewer than eight: codes, then ones. */
function finish(acc: number, bits: number, out: Buffer, at: number): number {
  let held = bits;
  let to = at;
  for (;;) {
    const rest = acc & ((1 << held) - 1);
    if (rest === (1 << held) - 1) return to;
    const window = (rest << (PREFIX_BITS - held)) | ((1 << (PREFIX_BITS - held)) - 1);
    const found = PREFIX[window] ?? 0;
    const length = found & 15;
    if (found === 0 || length > held) return -1;
    out[to++] = found >> 4;
    held -= length;
  }
}

/** Symbol << 5 | bits of the long code at `bit` of bytes[start, end), or -1 when there is none. */
function longSymbol(bytes: Buffer, start: number, end: number, bit: number): number {
  // 30 bits as of `bit`, ones behind the end: these complete no code but that of EOS.
  const first = start + (bit >> 3);
  let window = 0;
  for (let i = 0; i < 4; i++) {
    window = (window << 8) | (first + i < end ? (bytes[first + i] ?? 0) : 0xff);
  }
  const fifth = first + 4 < end ? (bytes[first + 4] ?? 0) : 0xff;
  const shift = bit & 7;
  window = ((window << shift) | (fifth >> (8 - shift))) >>> (32 - WINDOW_BITS);
  for (const { bits, first: least, below, symbols } of longLengths) {
    if (window >= below) continue;
    const symbol = symbols[(window >>> (WINDOW_BITS - bits)) - least] ?? EOS;
    return symbol === EOS || bit + bits > (end - start) * 8 ? -1 : (symbol << 5) | bits;
  }
  return -1;
}

/** What `finish` writes when nobody wants it: at most one symbol fits in seven bits. */
const scratch = Buffer.alloc(PADDING_BITS_MAX);

/** Bytes that bytes[start, end) decode to, or -1 when the code is malformed; nothing is kept. */
export function decodedBytes(bytes: Buffer, start: number, end: number): number {
  let total = 0;
  let bit = 0;
  const bits = (end - start) * 8;
  while (bits - bit > PADDING_BITS_MAX) {
    const found = PREFIX[prefixAt(bytes, start, end, bit)] ?? 0;
    if (found === 0) {
      const long = longSymbol(bytes, start, end, bit);
      if (long < 0) return -1;
      bit += long & 31;
    } else bit += found & 15;
    total++;
  }
  if (bit > bits) return -1;
  const rest = finish(bytes[end - 1] ?? 0, bits - bit, scratch, 0);
  return rest < 0 ? -1 : total + rest;
}

/** The eight bits at `bit`; there are eight. */
function prefixAt(bytes: Buffer, start: number, end: number, bit: number): number {
  const first = start + (bit >> 3);
  const next = first + 1 < end ? (bytes[first + 1] ?? 0) : 0;
  return ((((bytes[first] ?? 0) << 8) | next) >> (8 - (bit & 7))) & 0xff;
}

/** Bytes that bytes[start, end) take in Huffman code. */
// HOT: per byte.
export function huffmanBytes(bytes: Buffer, start: number, end: number): number {
  let bits = 0;
  for (let at = start; at < end; at++) bits += BITS[bytes[at] ?? 0] ?? 0;
  return (bits + 7) >> 3;
}

/** Writes bytes[start, end) in Huffman code into `out` at `at`; returns where it stopped. */
// HOT: per byte.
export function encodeHuffman(
  out: Buffer,
  at: number,
  bytes: Buffer,
  start: number,
  end: number,
): number {
  let to = at;
  let acc = 0;
  let held = 0;
  for (let from = start; from < end; from++) {
    const byte = bytes[from] ?? 0;
    const symbol = CODES[byte] ?? 0;
    let left = BITS[byte] ?? 0;
    // A code is written by parts that fit beside what is held: at most 7 + 24 bits.
    while (left > 0) {
      const part = left > 24 ? 24 : left;
      left -= part;
      acc = (acc << part) | ((symbol >>> left) & ((1 << part) - 1));
      held += part;
      while (held >= 8) {
        held -= 8;
        out[to++] = (acc >>> held) & 0xff;
      }
    }
  }
  if (held > 0) out[to++] = ((acc << (8 - held)) | ((1 << (8 - held)) - 1)) & 0xff;
  return to;
}
