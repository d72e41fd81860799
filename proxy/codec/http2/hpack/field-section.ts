/**
 * The fields of one decoded block (RFC 7541 section 1.3: a header list), as lines with offsets:
 *
 *   bytes: | gap |:method: GET␍␊:path: /␍␊|   room   |accept: x␍␊te: trailers␍␊|  next line  |
 *                                                    ^regularStart             ^length
 *
 * Pseudo-fields are lines too. Before the first regular line stands as much room as they took, and
 * the gap: a start line can be laid there without moving any other.
 */
import { FIELD_PSEUDO } from './field-id.ts';

/** A status line is one byte longer than the line of `:status`. */
const GAP_BYTES = 16;
const FIELD_INTS = 4;
const ROOM_MIN = 4096;
const OVERHEAD_BYTES = 32;

/** Marks of a field, as bits: a value that no field may have. */
export const MARK_INVALID = 1;
/** It must be a never-indexed literal on every hop (RFC 7541 section 6.2.3). */
export const MARK_NEVER_INDEXED = 2;
/** A name that no field may have. */
export const MARK_INVALID_NAME = 4;

/** Used for block after block; it grows to the largest and stays so. */
export class FieldSection {
  bytes: Buffer = Buffer.alloc(0);
  /** End of the last line. */
  length = GAP_BYTES;
  count = 0;
  /** Name, value and 32 of each field, as SETTINGS_MAX_HEADER_LIST_SIZE counts them. */
  sizeBytes = 0;
  /** More bytes or fields than allowed: the rest is not here. */
  tooLarge = false;
  /**
   * A name that is no token in lower case, bytes that no value may hold (RFC 9113 section 8.2.1),
   * or a pseudo-field behind a regular one.
   */
  invalid = false;
  /** A field must stay a never-indexed literal. */
  secret = false;
  /** Pseudo-fields, all before the first regular one. */
  pseudoCount = 0;
  /** Start of the first regular line; 0 while there is none. */
  regularStart = 0;
  /** Bit `id` is set when a regular field has that id. */
  idBits = 0;
  #ids: Uint8Array = new Uint8Array(32);
  /** nameStart, nameEnd, valueEnd and marks of each field. */
  #offsets: Int32Array = new Int32Array(32 * FIELD_INTS);

  clear(): void {
    this.length = GAP_BYTES;
    this.count = 0;
    this.sizeBytes = 0;
    this.tooLarge = false;
    this.invalid = false;
    this.secret = false;
    this.pseudoCount = 0;
    this.regularStart = 0;
    this.idBits = 0;
  }

  id(i: number): number {
    return this.#ids[i] ?? 0;
  }

  /** Start of the line of field `i`. */
  nameStart(i: number): number {
    return this.#offsets[i * FIELD_INTS] ?? 0;
  }

  nameEnd(i: number): number {
    return this.#offsets[i * FIELD_INTS + 1] ?? 0;
  }

  valueStart(i: number): number {
    return (this.#offsets[i * FIELD_INTS + 1] ?? 0) + 2;
  }

  valueEnd(i: number): number {
    return this.#offsets[i * FIELD_INTS + 2] ?? 0;
  }

  neverIndexed(i: number): boolean {
    return ((this.#offsets[i * FIELD_INTS + 3] ?? 0) & MARK_NEVER_INDEXED) !== 0;
  }

  /** Makes room for `bytes` at `length`. */
  reserve(bytes: number): void {
    if (this.length + bytes > this.bytes.length) this.#grow(this.length + bytes);
  }

  /** The next field is a regular one, or there is none: leaves room for a start line, once. */
  openRoom(): void {
    if (this.regularStart !== 0) return;
    this.pseudoCount = this.count;
    if (this.count > 0) this.length += this.length;
    this.regularStart = this.length;
  }

  /** Forgets the regular fields; their bytes stay until others are added. */
  dropRegular(): void {
    this.count = this.pseudoCount;
    this.length = this.regularStart;
    this.idBits = 0;
  }

  // HOT: per frame. Adds the line that stands at `length`, for which there was room.
  add(id: number, nameLength: number, valueLength: number, marks: number): void {
    const i = this.count++;
    if (i === this.#ids.length) this.#growFields();
    this.#ids[i] = id;
    const at = i * FIELD_INTS;
    const offsets = this.#offsets;
    const nameEnd = this.length + nameLength;
    const valueEnd = nameEnd + 2 + valueLength;
    offsets[at] = this.length;
    offsets[at + 1] = nameEnd;
    offsets[at + 2] = valueEnd;
    offsets[at + 3] = marks;
    this.length = valueEnd + 2;
    this.sizeBytes += nameLength + valueLength + OVERHEAD_BYTES;
    if (id < FIELD_PSEUDO) this.idBits |= 1 << id;
    else if (this.regularStart !== 0) this.invalid = true;
    if (marks !== 0) {
      if (marks !== MARK_NEVER_INDEXED) this.invalid = true;
      if ((marks & MARK_NEVER_INDEXED) !== 0) this.secret = true;
    }
  }

  #grow(need: number): void {
    let size = Math.max(ROOM_MIN, this.bytes.length);
    while (size < need) size *= 2;
    const bytes = Buffer.allocUnsafeSlow(size);
    this.bytes.copy(bytes);
    this.bytes = bytes;
  }

  #growFields(): void {
    const ids = new Uint8Array(this.#ids.length * 2);
    ids.set(this.#ids);
    this.#ids = ids;
    const offsets = new Int32Array(this.#offsets.length * 2);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
  }
}
