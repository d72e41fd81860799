/**
 * HPACK decoder (RFC 7541). What it reads is laid down as lines in a FieldSection at once:
 *
 *   1xxxxxxx  indexed                       one look-up and one copy
 *   01xxxxxx  literal, added to the table   the line is decoded into the section, then copied
 *   001xxxxx  size update                   first in a block, at most two
 *   0001xxxx  literal, never indexed
 *   0000xxxx  literal, not indexed
 *
 * A section that grew beyond its bounds takes no more fields; the block is read on, as the table
 * must stay in step with the peer's. What then is decoded is written nowhere unless it goes into
 * the table, so that the work is bounded by the bytes of the block and those of the table.
 */
import { COLON, CR, FIELD_CONTENT, HTAB, LF, SP, TOKEN, putBytes } from '../../http1/bytes.ts';
import { DynamicTable, ENTRY_OVERHEAD_BYTES } from './dynamic-table.ts';
import { FIELD_PSEUDO, sectionFieldId } from './field-id.ts';
import {
  type FieldSection,
  MARK_INVALID,
  MARK_INVALID_NAME,
  MARK_NEVER_INDEXED,
} from './field-section.ts';
import { decodeHuffman, decodedBytes, decodedBytesMax, decodedPlain } from './huffman.ts';
import { IntegerReader } from './integer.ts';
import {
  STATIC_COUNT,
  STATIC_IDS,
  STATIC_LINES,
  STATIC_NAME_LENGTHS,
  STATIC_STARTS,
  STATIC_VALUE_LENGTHS,
} from './static-table.ts';

const SIZE_UPDATES_MAX = 2;
const SLOTS_AT_FIRST = 4;
/** The first byte of every name in Huffman code that begins with ":", less its last bit. */
const CODED_COLON = 0x5c;
const NOTHING = 0x7fff_ffff;
const TILDE = 0x7e;

/** Bytes of names in HTTP/2: tokens in lower case (RFC 9113 section 8.2.1). */
const LOWER_TOKEN: Uint8Array = TOKEN.slice();
LOWER_TOKEN.fill(0, 0x41, 0x5b);

/** A string literal whose bytes have been found, not decoded. */
class StringBytes {
  start = 0;
  end = 0;
  coded = false;

  /** Most bytes it decodes to. */
  get bytesMax(): number {
    const bytes = this.end - this.start;
    return this.coded ? decodedBytesMax(bytes) : bytes;
  }

  /** Bytes it decodes to, or -1 when its code is malformed. */
  bytesIn(block: Buffer): number {
    return this.coded ? decodedBytes(block, this.start, this.end) : this.end - this.start;
  }
}

/** Those of the thread: the name and the value that are being read. */
const nameFound = new StringBytes();
const valueFound = new StringBytes();
const integer = new IntegerReader();

/** The receiving direction of a connection. */
export class HpackDecoder {
  readonly #table: DynamicTable;
  /** The highest size the peer may choose. */
  #announced: number;
  /** The lowest size announced since the last block, when the peer must come down to it. */
  #owed = NOTHING;
  #sizeMax = 0;
  #countMax = 0;

  constructor(tableBytesMax: number) {
    this.#announced = tableBytesMax;
    this.#table = new DynamicTable(tableBytesMax, SLOTS_AT_FIRST);
  }

  /** Changes whenever a block may mean something else than the same bytes did before. */
  get generation(): number {
    return this.#table.generation;
  }

  /** Bytes this holds for the dynamic table. */
  get heldBytes(): number {
    return this.#table.bytes.length;
  }

  /** The SETTINGS_HEADER_TABLE_SIZE we announced, once acknowledged. */
  setTableBytesMax(bytes: number): void {
    this.#announced = bytes;
    if (bytes < this.#table.maxBytes) this.#owed = Math.min(this.#owed, bytes);
  }

  /**
   * A whole block; false is COMPRESSION_ERROR: the connection is dead. The section holds what fits
   * into `sizeBytesMax` (names, values and 32 a field) and `countMax` fields.
   */
  // HOT: per frame.
  decode(
    block: Buffer,
    start: number,
    end: number,
    into: FieldSection,
    sizeBytesMax: number,
    countMax: number,
  ): boolean {
    into.clear();
    this.#sizeMax = sizeBytesMax;
    this.#countMax = countMax;
    let at = this.#sizeUpdates(block, start, end);
    while (at >= 0 && at < end) {
      const byte = block[at] ?? 0;
      if (byte < 0x80) {
        at = (byte & 0xe0) === 0x20 ? -1 : this.#literal(block, at, end, into);
        continue;
      }
      at++;
      let index = byte & 0x7f;
      if (index === 0x7f) {
        at = integer.rest(block, at, end, 0x7f);
        index = integer.value;
      }
      if (at < 0 || !this.#indexed(index, into)) return false;
    }
    return at >= 0;
  }

  /** Returns where the first field is, or -1. */
  #sizeUpdates(block: Buffer, start: number, end: number): number {
    let at = start;
    for (let updates = 0; at < end && ((block[at] ?? 0) & 0xe0) === 0x20; updates++) {
      let size = (block[at++] ?? 0) & 0x1f;
      if (size === 0x1f) {
        at = integer.rest(block, at, end, 0x1f);
        size = integer.value;
      }
      if (at < 0 || updates === SIZE_UPDATES_MAX || size > this.#announced) return -1;
      // Of several sizes announced, the lowest is told first.
      if (size > this.#owed) return -1;
      this.#owed = NOTHING;
      this.#table.resize(size);
    }
    return at < end && this.#owed !== NOTHING ? -1 : at;
  }

  #indexed(index: number, into: FieldSection): boolean {
    if (index <= STATIC_COUNT) {
      if (index === 0) return false;
      const names = STATIC_NAME_LENGTHS[index] ?? 0;
      const values = STATIC_VALUE_LENGTHS[index] ?? 0;
      const start = STATIC_STARTS[index] ?? 0;
      this.#line(STATIC_LINES, start, names, values, STATIC_IDS[index] ?? 0, 0, into);
      return true;
    }
    const table = this.#table;
    const age = index - STATIC_COUNT - 1;
    if (age >= table.count) return false;
    const slot = table.slot(age);
    const start = table.lineStart(slot);
    const names = table.nameLength(slot);
    const values = table.valueLength(slot);
    this.#line(table.bytes, start, names, values, table.id(slot), table.marks(slot), into);
    return true;
  }

  /** Copies a line of a table. */
  #line(
    bytes: Buffer,
    start: number,
    nameLength: number,
    valueLength: number,
    id: number,
    marks: number,
    into: FieldSection,
  ): void {
    const length = nameLength + valueLength;
    if (!this.#fits(length, into)) {
      into.tooLarge = true;
      return;
    }
    if (id < FIELD_PSEUDO) into.openRoom();
    into.reserve(length + 4);
    putBytes(into.bytes, into.length, bytes, start, start + length + 4);
    into.add(id, nameLength, valueLength, marks);
  }

  /** Whether another field whose name and value have `length` bytes may be kept. */
  #fits(length: number, into: FieldSection): boolean {
    return (
      into.sizeBytes + length + ENTRY_OVERHEAD_BYTES <= this.#sizeMax &&
      into.count < this.#countMax &&
      !into.tooLarge
    );
  }

  /** Returns where the literal ends, or -1. */
  #literal(block: Buffer, from: number, end: number, into: FieldSection): number {
    const first = block[from] ?? 0;
    const indexing = first >= 0x40;
    const mask = indexing ? 0x3f : 0x0f;
    let index = first & mask;
    let at = from + 1;
    if (index === mask) {
      at = integer.rest(block, at, end, mask);
      if (at < 0) return -1;
      index = integer.value;
    }
    if (index > STATIC_COUNT + this.#table.count) return -1;
    if (index === 0) at = this.#string(block, at, end, nameFound);
    if (at >= 0) at = this.#string(block, at, end, valueFound);
    if (at < 0) return -1;
    const nameMax = index === 0 ? nameFound.bytesMax : this.#nameLength(index);
    let bytes = nameMax + valueFound.bytesMax;
    let keep = this.#fits(bytes, into);
    if (!keep) {
      // The rare way: what it decodes to is counted before any of it is written.
      bytes = this.#bytesOf(block, index);
      if (bytes < 0) return -1;
      keep = this.#fits(bytes, into);
      if (!keep) into.tooLarge = true;
      if (!keep && !indexing) return at;
      if (!keep && bytes + ENTRY_OVERHEAD_BYTES > this.#table.maxBytes) {
        this.#table.makeRoom(bytes + ENTRY_OVERHEAD_BYTES);
        return at;
      }
    }
    const never = !indexing && (first & 0x10) !== 0 ? MARK_NEVER_INDEXED : 0;
    if (!this.#write(block, index, bytes, keep, indexing, never, into)) return -1;
    return at;
  }

  /** Lays the literal's line down, in the section when it is kept, in the table when it is added. */
  #write(
    block: Buffer,
    index: number,
    bytesMax: number,
    keep: boolean,
    indexing: boolean,
    marksGiven: number,
    into: FieldSection,
  ): boolean {
    if (keep && !this.#isPseudo(block, index)) into.openRoom();
    into.reserve(bytesMax + 4);
    const out = into.bytes;
    const start = into.length;
    const nameEnd = this.#putName(block, index, out, start);
    if (nameEnd < 0) return false;
    out[nameEnd] = COLON;
    out[nameEnd + 1] = SP;
    const valueStart = nameEnd + 2;
    const valueEnd = put(block, valueFound, out, valueStart);
    if (valueEnd < 0) return false;
    out[valueEnd] = CR;
    out[valueEnd + 1] = LF;
    const id = this.#idOf(index, out, start, nameEnd);
    let marks = marksGiven | this.#nameMarks(index, out, start, nameEnd);
    const plain = valueFound.coded && decodedPlain();
    if (!isValue(out, valueStart, valueEnd, plain)) marks |= MARK_INVALID;
    const nameLength = nameEnd - start;
    const valueLength = valueEnd - valueStart;
    if (indexing) this.#insert(out, start, nameLength, valueLength, id, marks);
    if (keep) into.add(id, nameLength, valueLength, marks);
    return true;
  }

  #insert(
    line: Buffer,
    start: number,
    nameLength: number,
    valueLength: number,
    id: number,
    marks: number,
  ): void {
    const table = this.#table;
    const length = nameLength + valueLength;
    table.makeRoom(length + ENTRY_OVERHEAD_BYTES);
    if (length + ENTRY_OVERHEAD_BYTES > table.maxBytes) return;
    const at = table.add(nameLength, valueLength, id, marks);
    putBytes(table.bytes, at, line, start, start + length + 4);
  }

  /** Finds a string literal; returns where it ends, or -1. */
  #string(block: Buffer, from: number, end: number, found: StringBytes): number {
    if (from >= end) return -1;
    const first = block[from] ?? 0;
    let at = from + 1;
    let length = first & 0x7f;
    if (length === 0x7f) {
      at = integer.rest(block, at, end, 0x7f);
      if (at < 0) return -1;
      length = integer.value;
    }
    if (length > end - at) return -1;
    found.coded = first >= 0x80;
    found.start = at;
    found.end = at + length;
    return at + length;
  }

  #bytesOf(block: Buffer, index: number): number {
    const names = index === 0 ? nameFound.bytesIn(block) : this.#nameLength(index);
    const values = valueFound.bytesIn(block);
    return names < 0 || values < 0 ? -1 : names + values;
  }

  #nameLength(index: number): number {
    if (index <= STATIC_COUNT) return STATIC_NAME_LENGTHS[index] ?? 0;
    return this.#table.nameLength(this.#table.slot(index - STATIC_COUNT - 1));
  }

  #putName(block: Buffer, index: number, out: Buffer, at: number): number {
    if (index === 0) return put(block, nameFound, out, at);
    const length = this.#nameLength(index);
    if (index <= STATIC_COUNT) {
      const start = STATIC_STARTS[index] ?? 0;
      return putBytes(out, at, STATIC_LINES, start, start + length);
    }
    const start = this.#table.lineStart(this.#table.slot(index - STATIC_COUNT - 1));
    return putBytes(out, at, this.#table.bytes, start, start + length);
  }

  #idOf(index: number, bytes: Buffer, start: number, end: number): number {
    if (index === 0) return sectionFieldId(bytes, start, end);
    if (index <= STATIC_COUNT) return STATIC_IDS[index] ?? 0;
    return this.#table.id(this.#table.slot(index - STATIC_COUNT - 1));
  }

  #nameMarks(index: number, bytes: Buffer, start: number, end: number): number {
    if (index === 0) return isName(bytes, start, end) ? 0 : MARK_INVALID_NAME;
    if (index <= STATIC_COUNT) return 0;
    return this.#table.marks(this.#table.slot(index - STATIC_COUNT - 1)) & MARK_INVALID_NAME;
  }

  /** Whether the name begins with ":", told before it is decoded. */
  #isPseudo(block: Buffer, index: number): boolean {
    if (index !== 0) return this.#idOf(index, block, 0, 0) >= FIELD_PSEUDO;
    const { start, end, coded } = nameFound;
    if (start === end) return false;
    const first = block[start] ?? 0;
    return coded ? first >> 1 === CODED_COLON : first === COLON;
  }
}

/** Decodes a string into `out` at `at`; returns where it stopped, or -1. */
function put(block: Buffer, { start, end, coded }: StringBytes, out: Buffer, at: number): number {
  return coded ? decodeHuffman(block, start, end, out, at) : putBytes(out, at, block, start, end);
}

/** A token in lower case, with one ":" before it in a pseudo-field. */
function isName(bytes: Buffer, start: number, end: number): boolean {
  const from = bytes[start] === COLON ? start + 1 : start;
  for (let at = from; at < end; at++) if (LOWER_TOKEN[bytes[at] ?? 0] !== 1) return false;
  return from < end;
}

/**
 * What HTTP/1.1 takes too: no blanks at either end, no control bytes (RFC 9113 section 8.2.1), of which
 * there are none in what is `plain`.
 */
function isValue(bytes: Buffer, start: number, end: number, plain: boolean): boolean {
  if (start === end) return true;
  if (isBlank(bytes[start]) || isBlank(bytes[end - 1])) return false;
  if (plain) return true;
  // Below 0 as soon as a byte is outside of what nearly every value is made of: SP to "~".
  let unusual = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    unusual |= (byte - SP) | (TILDE - byte);
  }
  return unusual >= 0 || isFieldContent(bytes, start, end);
}

function isFieldContent(bytes: Buffer, start: number, end: number): boolean {
  const content = FIELD_CONTENT;
  for (let at = start; at < end; at++) if (content[bytes[at] ?? 0] !== 1) return false;
  return true;
}

const isBlank = (byte: number | undefined): boolean => byte === SP || byte === HTAB;
