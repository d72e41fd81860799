/**
 * Reads the statuses of HTTP/2 answers, that of gRPC too, and nothing else: the least of HPACK (RFC
 * 7541) that is right whatever an encoder does. Of each entry that the server puts into the dynamic
 * table only its status is kept, so no string is made and no Huffman code is read but that of digits.
 * Evicted entries are kept too, as a server that refers to one is beyond what a generator judges.
 * Independent of the proxy's own codec on purpose, as http1-response.ts.
 */

/** The block has no status: trailers. */
export const NO_STATUS = 0;
/** The block is no HPACK, or its status is none, or in the wrong place. */
export const MALFORMED_BLOCK = -1;
/** The block has no grpc-status. */
export const NO_GRPC_STATUS = -1;

/** Statuses of the static table, from index 8 (RFC 7541 appendix A). */
const STATIC_STATUSES = [200, 204, 206, 304, 400, 404, 500];
const STATIC_FIRST = 8;
const STATIC_LAST = 14;
const STATIC_ENTRIES = 61;
/** Entries of a table of 4,096 bytes at most: 32 bytes is the least that one counts. */
const ENTRIES = 128;

/** A name whose values are read: three digits, or up to two. */
interface StatusName {
  readonly plain: Buffer;
  readonly huffman: Buffer;
  /** What is added to its values, to tell them from others. */
  readonly base: number;
  readonly digitsMin: number;
  readonly digitsMax: number;
  readonly min: number;
}

/** Values of grpc-status are 1,000 and more among statuses. */
const GRPC_BASE = 1_000;
const STATUS: StatusName = {
  plain: Buffer.from(':status'),
  huffman: Buffer.from('b8848d36a3', 'hex'),
  base: 0,
  digitsMin: 3,
  digitsMax: 3,
  min: 100,
};
const GRPC_STATUS: StatusName = {
  plain: Buffer.from('grpc-status'),
  huffman: Buffer.from('9acac8b21234da8f', 'hex'),
  base: GRPC_BASE,
  digitsMin: 1,
  digitsMax: 2,
  min: 0,
};
const NAMES: readonly StatusName[] = [STATUS, GRPC_STATUS];

/** Values of entries and fields beside statuses. */
const OTHER_FIELD = 0;
/** A table entry has the name ":status", or the field; its value is no status. */
const BAD_STATUS = -1;

/** The decoder of one connection: give it every block, in order. */
export class Http2StatusReader {
  /** Of the block that was read last: 0 to 99, or NO_GRPC_STATUS. */
  grpcStatus = NO_GRPC_STATUS;
  /** Status of each entry, OTHER_FIELD for those of other names; newest at `#inserted` - 1. */
  readonly #entries = new Int16Array(ENTRIES);
  #inserted = 0;
  /** Where the last integer or string ended. */
  #at = 0;
  /** Start, end and coding of the last string. */
  #start = 0;
  #huffman = false;

  /** The status of `block[start..end)`: 100 to 999, NO_STATUS or MALFORMED_BLOCK. */
  read(block: Buffer, start: number, end: number): number {
    let status = NO_STATUS;
    let fields = 0;
    this.grpcStatus = NO_GRPC_STATUS;
    this.#at = start;
    while (this.#at < end) {
      const byte = block[this.#at] ?? 0;
      if (byte >> 5 === 1) {
        // A size of the table; only before the first field.
        if (fields > 0 || this.#integer(block, end, 5) < 0) return MALFORMED_BLOCK;
        continue;
      }
      const found = byte >= 0x80 ? this.#indexed(block, end) : this.#literal(block, end);
      if (found < 0) return MALFORMED_BLOCK;
      if (found >= GRPC_BASE) {
        this.grpcStatus = found - GRPC_BASE;
      } else if (found > 0) {
        // The one pseudo-field of an answer, before all others.
        if (fields > 0) return MALFORMED_BLOCK;
        status = found;
      }
      fields++;
    }
    return this.#at === end ? status : MALFORMED_BLOCK;
  }

  #indexed(block: Buffer, end: number): number {
    const index = this.#integer(block, end, 7);
    return index <= 0 ? MALFORMED_BLOCK : this.#entry(index);
  }

  #literal(block: Buffer, end: number): number {
    const inserts = (block[this.#at] ?? 0) >= 0x40;
    const index = this.#integer(block, end, inserts ? 6 : 4);
    if (index < 0) return MALFORMED_BLOCK;
    let name: StatusName | undefined;
    if (index > 0) {
      const entry = this.#entry(index);
      if (entry < 0) return MALFORMED_BLOCK;
      if (entry !== OTHER_FIELD) name = entry >= GRPC_BASE ? GRPC_STATUS : STATUS;
    } else {
      if (!this.#string(block, end)) return MALFORMED_BLOCK;
      name = this.#statusName(block);
    }
    if (!this.#string(block, end)) return MALFORMED_BLOCK;
    const found = name === undefined ? OTHER_FIELD : this.#statusValue(block, name);
    if (inserts) this.#entries[this.#inserted++ % ENTRIES] = found;
    return found;
  }

  /** Status of a table entry, OTHER_FIELD, or below 0 when there is no such entry. */
  #entry(index: number): number {
    if (index <= STATIC_ENTRIES) {
      return index >= STATIC_FIRST && index <= STATIC_LAST
        ? (STATIC_STATUSES[index - STATIC_FIRST] ?? OTHER_FIELD)
        : OTHER_FIELD;
    }
    const back = index - STATIC_ENTRIES;
    if (back > ENTRIES || back > this.#inserted) return MALFORMED_BLOCK;
    return this.#entries[(this.#inserted - back) % ENTRIES] ?? OTHER_FIELD;
  }

  /** RFC 7541 section 5.1; below 0 when it is cut or longer than anybody needs. */
  #integer(block: Buffer, end: number, prefixBits: number): number {
    const mask = (1 << prefixBits) - 1;
    let value = (block[this.#at++] ?? 0) & mask;
    if (value < mask) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      if (this.#at >= end) return MALFORMED_BLOCK;
      const byte = block[this.#at++] ?? 0;
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return MALFORMED_BLOCK;
  }

  /** RFC 7541 section 5.2: sets `#start`, `#at` (its end) and `#huffman`; false when it is cut. */
  #string(block: Buffer, end: number): boolean {
    if (this.#at >= end) return false;
    this.#huffman = (block[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(block, end, 7);
    if (length < 0 || length > end - this.#at) return false;
    this.#start = this.#at;
    this.#at += length;
    return true;
  }

  #statusName(block: Buffer): StatusName | undefined {
    for (let i = 0; i < NAMES.length; i++) {
      const name = NAMES[i];
      if (name !== undefined && this.#is(block, this.#huffman ? name.huffman : name.plain)) {
        return name;
      }
    }
    return undefined;
  }

  #is(block: Buffer, text: Buffer): boolean {
    if (this.#at - this.#start !== text.length) return false;
    for (let i = 0; i < text.length; i++) if (block[this.#start + i] !== text[i]) return false;
    return true;
  }

  #statusValue(block: Buffer, name: StatusName): number {
    const status = this.#huffman
      ? this.#huffmanDigits(block, name)
      : this.#plainDigits(block, name);
    return status < name.min ? BAD_STATUS : status + name.base;
  }

  #plainDigits(block: Buffer, { digitsMax, digitsMin }: StatusName): number {
    const digits = this.#at - this.#start;
    if (digits < digitsMin || digits > digitsMax) return BAD_STATUS;
    let value = 0;
    for (let i = this.#start; i < this.#at; i++) {
      const digit = (block[i] ?? 0) - 48;
      if (digit < 0 || digit > 9) return BAD_STATUS;
      value = value * 10 + digit;
    }
    return value;
  }

  /** Codes of RFC 7541 appendix B: 0, 1 and 2 have five bits, 3 to 9 are 25 to 31 in six. */
  #huffmanDigits(block: Buffer, { digitsMax, digitsMin }: StatusName): number {
    const bytes = this.#at - this.#start;
    if (bytes < 1 || bytes > 3) return BAD_STATUS;
    // Bits from the left of 24.
    let bits = block.readUIntBE(this.#start, bytes) << (24 - bytes * 8);
    let left = bytes * 8;
    let value = 0;
    let digits = 0;
    // No digit's code is of ones, as what fills the last byte is.
    for (; digits < digitsMax && !isPadding(bits, left); digits++) {
      const five = (bits >> 19) & 0x1f;
      const six = (bits >> 18) & 0x3f;
      const length = five <= 2 ? 5 : 6;
      if ((length === 6 && (six < 25 || six > 31)) || length > left) return BAD_STATUS;
      value = value * 10 + (length === 5 ? five : six - 22);
      bits = (bits << length) & 0xffffff;
      left -= length;
    }
    return digits >= digitsMin && isPadding(bits, left) ? value : BAD_STATUS;
  }
}

/** Whether the first `left` of 24 bits are ones, and fewer than a byte. */
const isPadding = (bits: number, left: number): boolean =>
  left < 8 && bits >> (24 - left) === (1 << left) - 1;
