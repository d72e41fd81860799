/**
 * The fields of one decoded block (RFC 7541 section 1.3: a header list), as lines with offsets:
 *
 *   bytes: |  :method: GET␍␊:path: /␍␊  |  room  |accept: x␍␊te: trailers␍␊|  next line  |
 *          ^PSEUDO_ROOM                  ^as much again  ^regularStart          ^length
 *
 * Pseudo-fields are lines too. Between them and the first regular line stands at least as much
 * room as they take, so that a start line can be laid before the regular lines without moving any.
 */
import { FIELD_PSEUDO } from './field-id.ts';

/** Before the first line, and added to the room: a status line is one byte longer than `:status`. */
const GAP_BYTES = 16;
const FIELD_INTS = 4;
const ROOM_MIN = 4096;

/** Marks of a field, as bits: also of what is kept of it in a table. */
export const MARK_INVALID = 1;
export const MARK_NEVER_INDEXED = 2;

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
  /** A name that is no lower-case token, or bytes that no value may hold (RFC 9113 8.2.1). */
  invalid = false;
  /** A field must stay a never-indexed literal. */
  secret = false;
  /** Pseudo-fields that stand before the first regular one. */
  pseudoCount = 0;
  /** Start of the first regular line, once there is one. */
  regularStart = GAP_BYTES;
  ids: Uint8Array = new Uint8Array(32);
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
    this.regularStart = GAP_BYTES;
  }

  id(i: number): number {
    return this.ids[i] ?? 0;
  }

  nameStart(i: number): number {
    return this.#offsets[i * FIELD_INTS] ?? 0;
  }

  nameEnd(i: number): number {
    return this.#offsets[i * FIELD_INTS + 1] ?? 0;
  }

  valueStart(i: number): number {
    return this.nameEnd(i) + 2;
  }

  valueEnd(i: number): number {
    return this.#offsets[i * FIELD_INTS + 2] ?? 0;
  }

  neverIndexed(i: number): boolean {
    return ((this.#offsets[i * FIELD_INTS + 3] ?? 0) & MARK_NEVER_INDEXED) !== 0;
  }

  /** Makes room for `bytes` behind `length`, and for the gap that may open there. */
  reserve(bytes: number): void {
    const need = this.length * 2 + GAP_BYTES + bytes;
    if (need > this.bytes.length) this.#grow(need);
  }

  /**
   * Opens the room for a start line: called before the first regular line is written, and after
   * the last pseudo-field when there is none.
   */
  openRoom(): void {
    this.pseudoCount = this.count;
    if (this.count > 0) this.length += this.length;
    this.regularStart = this.length;
  }

  // HOT: per frame. Adds the line that stands at `length`, for which there was room.
  add(id: number, nameLength: number, valueLength: number, marks: number): void {
    const i = this.count++;
    if (i === this.ids.length) this.#growFields();
    this.ids[i] = id;
    const at = i * FIELD_INTS;
    const nameEnd = this.length + nameLength;
    const valueEnd = nameEnd + 2 + valueLength;
    this.#offsets[at] = this.length;
    this.#offsets[at + 1] = nameEnd;
    this.#offsets[at + 2] = valueEnd;
    this.#offsets[at + 3] = marks;
    this.length = valueEnd + 2;
    this.sizeBytes += nameLength + valueLength + 32;
    if (marks === 0) return;
    if ((marks & MARK_INVALID) !== 0) this.invalid = true;
    if ((marks & MARK_NEVER_INDEXED) !== 0) this.secret = true;
  }

  #grow(need: number): void {
    let size = Math.max(ROOM_MIN, this.bytes.length);
    while (size < need) size *= 2;
    const bytes = Buffer.allocUnsafeSlow(size);
    this.bytes.copy(bytes, 0, 0, this.length);
    this.bytes = bytes;
  }

  #growFields(): void {
    const ids = new Uint8Array(this.ids.length * 2);
    ids.set(this.ids);
    this.ids = ids;
    const offsets = new Int32Array(this.#offsets.length * 2);
    offsets.set(this.#offsets);
    this.#offsets = offsets;
  }
}

/** Whether `id` is of a pseudo-field. */
export const isPseudo = (id: number): boolean => id >= FIELD_PSEUDO;
