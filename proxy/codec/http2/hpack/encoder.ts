/**
 * HPACK encoder (RFC 7541). A field goes into the dynamic table when the same name and value are
 * seen a second time within a small window: what recurs costs one or two bytes from then on, and
 * what varies (request ids, dates of each second, lengths) does not push it out. Names alone are
 * taken from the static table only.
 *
 * Huffman code is written for what goes into the table, where it is shorter: that is written once.
 * A literal that varies is written as it is: coding it would cost both sides more than a copy,
 * every time, to save bytes that a network between pods does not miss.
 *
 * Heads of one caller have their fields in one order. So the entry that followed the last one written
 * the time before is compared first; only what is not that is hashed and looked up.
 */
import { putBytes } from '../../http1/bytes.ts';
import { LOWER, hashBytes, hashName, isName, isRun } from './byte-hash.ts';
import { DynamicTable, ENTRY_OVERHEAD_BYTES } from './dynamic-table.ts';
import { encodeHuffman, huffmanBytes } from './huffman.ts';
import { writeInteger } from './integer.ts';
import { SeenWindow } from './seen-window.ts';
import { SlotIndex } from './slot-index.ts';
import { STATIC_HASHES, staticField, staticName } from './static-index.ts';
import { STATIC_COUNT, STATIC_LINES, STATIC_NAME_LENGTHS, STATIC_STARTS } from './static-table.ts';

/** What may become of a field: it is indexed once it recurs. */
export const INDEX_RECURRING = 0;
/** It is a literal that no table of ours takes. */
export const LITERAL = 1;
/** It is a literal that no table on the way may take (RFC 7541 section 6.2.3). */
export const NEVER_INDEXED = 2;
/** One of the three. */
export type Indexing = typeof INDEX_RECURRING | typeof LITERAL | typeof NEVER_INDEXED;

/** The default of SETTINGS_HEADER_TABLE_SIZE; a peer that allows more gets no more of us. */
export const TABLE_BYTES_MAX = 4096;
/** Entries of a table that is not used much: V8 keeps arrays for so many within its own heap. */
const SLOTS_AT_FIRST = 4;
/** Fields that are remembered as seen once: four in each set. */
const WINDOW_SETS = 32;

const NO_SLOT = -1;
/** In the place of a slot: the block has begun. */
const AT_BEGIN = NO_SLOT;

const COLON = 0x3a;
const SP = 0x20;
const CR = 0x0d;
const LF = 0x0a;

/** The sending direction of a connection. */
export class HpackEncoder {
  /** Since `begin`, no field was written that would be written otherwise the next time. */
  settled = true;
  readonly #table = new DynamicTable(TABLE_BYTES_MAX, SLOTS_AT_FIRST);
  #index = new SlotIndex(SLOTS_AT_FIRST);
  /** Made for the first field that is in no table. */
  #seen: SeenWindow | undefined = undefined;
  /** By slot, and AT_BEGIN before these: that of the entry written next, when last followed by one. */
  #successors = noSuccessors(SLOTS_AT_FIRST);
  /** Of the last field of this block that is an entry. */
  #last = AT_BEGIN;
  /** The size in force after the next block, and the lowest asked for since the last one. */
  #wanted = TABLE_BYTES_MAX;
  #lowest = TABLE_BYTES_MAX;

  /** Changes whenever a block may have to be written otherwise than before. */
  get generation(): number {
    return this.#table.generation;
  }

  /** Memory behind the table, and beside it. */
  get heldBytes(): number {
    const beside = this.#index.heldBytes + this.#successors.byteLength;
    return this.#table.heldBytes + beside + (this.#seen?.heldBytes ?? 0);
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE: the next block says what we make of it. */
  setPeerTableBytesMax(bytes: number): void {
    this.#wanted = Math.min(bytes, TABLE_BYTES_MAX);
    this.#lowest = Math.min(this.#lowest, this.#wanted);
  }

  /** Begins a block: writes the size updates that are due (RFC 7541 section 4.2). */
  begin(out: Buffer, from: number): number {
    this.settled = true;
    this.#last = AT_BEGIN;
    const table = this.#table;
    let at = from;
    if (this.#lowest < table.maxBytes) at = this.#resize(out, at, this.#lowest);
    if (this.#wanted !== table.maxBytes) at = this.#resize(out, at, this.#wanted);
    this.#lowest = this.#wanted;
    return at;
  }

  #resize(out: Buffer, at: number, bytes: number): number {
    const table = this.#table;
    while (table.sizeBytes > bytes) this.#evict();
    table.resize(bytes);
    return writeInteger(out, at, 0x20, 0x1f, bytes);
  }

  /** A pseudo-field: `index` is the first of its name in the static table. */
  // HOT: per exchange.
  pseudo(
    out: Buffer,
    at: number,
    index: number,
    bytes: Buffer,
    start: number,
    end: number,
  ): number {
    const nameStart = STATIC_STARTS[index] ?? 0;
    const nameEnd = nameStart + (STATIC_NAME_LENGTHS[index] ?? 0);
    const hash = STATIC_HASHES[index] ?? 0;
    const slot = this.#successor();
    if (
      slot !== NO_SLOT &&
      this.#isEntry(slot, index, STATIC_LINES, nameStart, nameEnd, bytes, start, end)
    ) {
      return this.#indexed(out, at, slot);
    }
    return this.#recurring(
      out,
      at,
      index,
      hash,
      STATIC_LINES,
      nameStart,
      nameEnd,
      bytes,
      start,
      end,
    );
  }

  /** A field; its name, of either case, is written in lower case. */
  // HOT: per exchange.
  field(
    out: Buffer,
    at: number,
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    indexing: Indexing,
  ): number {
    if (indexing === INDEX_RECURRING) {
      const slot = this.#successor();
      if (slot !== NO_SLOT && this.#isLine(slot, bytes, nameStart, nameEnd, valueStart, valueEnd)) {
        return this.#indexed(out, at, slot);
      }
    }
    const hash = hashName(bytes, nameStart, nameEnd);
    const index = staticName(hash, bytes, nameStart, nameEnd);
    if (indexing !== INDEX_RECURRING) {
      const first = indexing === NEVER_INDEXED ? 0x10 : 0;
      const next = writeName(out, at, first, index, bytes, nameStart, nameEnd);
      return writePlain(out, next, bytes, valueStart, valueEnd);
    }
    return this.#recurring(
      out,
      at,
      index,
      hash,
      bytes,
      nameStart,
      nameEnd,
      bytes,
      valueStart,
      valueEnd,
    );
  }

  #recurring(
    out: Buffer,
    at: number,
    index: number,
    nameHash: number,
    names: Buffer,
    nameStart: number,
    nameEnd: number,
    values: Buffer,
    start: number,
    end: number,
  ): number {
    const exact = index === 0 ? 0 : staticField(index, nameHash, values, start, end);
    if (exact !== 0) {
      out[at] = 0x80 | exact;
      return at + 1;
    }
    const table = this.#table;
    const hash = hashBytes(nameHash, values, start, end);
    let slot = table.count === 0 ? -1 : this.#index.first(hash);
    while (
      slot !== -1 &&
      !this.#isEntry(slot, index, names, nameStart, nameEnd, values, start, end)
    ) {
      slot = this.#index.next(slot);
    }
    if (slot !== -1) {
      this.#successors[this.#last + 1] = slot;
      return this.#indexed(out, at, slot);
    }
    const size = nameEnd - nameStart + end - start + ENTRY_OVERHEAD_BYTES;
    // A larger entry would push out more than it saves.
    if (size <= table.maxBytes >> 1) {
      if ((this.#seen ??= new SeenWindow(WINDOW_SETS)).see(hash)) {
        const line = this.#insert(hash, index, size, names, nameStart, nameEnd, values, start, end);
        this.#successors[this.#last + 1] = table.slot(0);
        this.#last = table.slot(0);
        return writeInserted(out, at, index, table.bytes, line, nameEnd - nameStart, end - start);
      }
      this.settled = false;
    }
    const next = writeName(out, at, 0, index, names, nameStart, nameEnd);
    return writePlain(out, next, values, start, end);
  }

  /** Slot of the entry that should come next, if it is one. */
  #successor(): number {
    const slot = this.#successors[this.#last + 1] ?? NO_SLOT;
    const table = this.#table;
    return slot !== NO_SLOT && table.age(slot) < table.count ? slot : NO_SLOT;
  }

  #indexed(out: Buffer, at: number, slot: number): number {
    this.#last = slot;
    return writeInteger(out, at, 0x80, 0x7f, STATIC_COUNT + 1 + this.#table.age(slot));
  }

  /** Whether the line of the entry in `slot` is this one, its name in lower case. */
  #isLine(
    slot: number,
    bytes: Buffer,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
  ): boolean {
    const table = this.#table;
    // One run of bytes: of a line of HTTP/1 with other blanks it is not.
    return (
      table.nameLength(slot) === nameEnd - nameStart &&
      table.valueLength(slot) === valueEnd - valueStart &&
      valueStart === nameEnd + 2 &&
      isRun(table.bytes, table.lineStart(slot), bytes, nameStart, valueEnd)
    );
  }

  /**
   * Whether the entry in `slot` is this name, letter case ignored, with this value. An entry's id is
   * the static index of its name, which spares comparing most of them.
   */
  #isEntry(
    slot: number,
    index: number,
    names: Buffer,
    nameStart: number,
    nameEnd: number,
    values: Buffer,
    start: number,
    end: number,
  ): boolean {
    const table = this.#table;
    const nameLength = nameEnd - nameStart;
    if (table.id(slot) !== index || table.valueLength(slot) !== end - start) return false;
    const line = table.lineStart(slot);
    if (index === 0) {
      if (table.nameLength(slot) !== nameLength) return false;
      if (!isName(table.bytes, line, names, nameStart, nameEnd)) return false;
    }
    return isRun(table.bytes, line + nameLength + 2, values, start, end);
  }

  /** Adds an entry; returns where its line is. */
  #insert(
    hash: number,
    index: number,
    size: number,
    names: Buffer,
    nameStart: number,
    nameEnd: number,
    values: Buffer,
    start: number,
    end: number,
  ): number {
    const table = this.#table;
    this.#makeRoom(size);
    if (table.count === table.slots) this.#grow();
    const line = table.add(nameEnd - nameStart, end - start, index, 0);
    this.#index.add(table.slot(0), hash);
    let at = putName(table.bytes, line, names, nameStart, nameEnd);
    table.bytes[at++] = COLON;
    table.bytes[at++] = SP;
    at = putBytes(table.bytes, at, values, start, end);
    table.bytes[at] = CR;
    table.bytes[at + 1] = LF;
    return line;
  }

  /** For an entry that fits into the empty table. */
  #makeRoom(size: number): void {
    const table = this.#table;
    while (table.sizeBytes + size > table.maxBytes) this.#evict();
  }

  /** What is known by slots is known by others then, but for their order, which soon shows again. */
  #grow(): void {
    const table = this.#table;
    const { count } = table;
    const index = new SlotIndex(2 * count);
    for (let slot = 0; slot < count; slot++) {
      index.add(slot, this.#index.hashOf(table.slot(count - 1 - slot)));
    }
    table.grow();
    this.#index = index;
    this.#successors = noSuccessors(2 * count);
    this.#last = AT_BEGIN;
  }

  #evict(): void {
    const table = this.#table;
    this.#index.removeOldest(table.slot(table.count - 1));
    table.evict();
  }
}

const noSuccessors = (slots: number): Int16Array => new Int16Array(slots + 1).fill(NO_SLOT);

function putName(out: Buffer, at: number, bytes: Buffer, start: number, end: number): number {
  const offset = at - start;
  for (let i = start; i < end; i++) out[i + offset] = LOWER[bytes[i] ?? 0] ?? 0;
  return at + end - start;
}

/** The first octet of a literal with its name, by static `index` or as it is. */
function writeName(
  out: Buffer,
  at: number,
  first: number,
  index: number,
  bytes: Buffer,
  start: number,
  end: number,
): number {
  if (index !== 0) return writeInteger(out, at, first, 0x0f, index);
  out[at] = first;
  const next = writeInteger(out, at + 1, 0, 0x7f, end - start);
  return putName(out, next, bytes, start, end);
}

/** A string as it is. */
function writePlain(out: Buffer, at: number, bytes: Buffer, start: number, end: number): number {
  const next = writeInteger(out, at, 0, 0x7f, end - start);
  return putBytes(out, next, bytes, start, end);
}

/** A string, in Huffman code where that is shorter. */
function writeShortest(out: Buffer, at: number, bytes: Buffer, start: number, end: number): number {
  const coded = huffmanBytes(bytes, start, end);
  if (coded >= end - start) return writePlain(out, at, bytes, start, end);
  return encodeHuffman(out, writeInteger(out, at, 0x80, 0x7f, coded), bytes, start, end);
}

/** A literal that goes into the table, from the line it has become there. */
function writeInserted(
  out: Buffer,
  from: number,
  index: number,
  bytes: Buffer,
  line: number,
  nameLength: number,
  valueLength: number,
): number {
  let at = from;
  if (index !== 0) at = writeInteger(out, at, 0x40, 0x3f, index);
  else {
    out[at] = 0x40;
    at = writeShortest(out, at + 1, bytes, line, line + nameLength);
  }
  const value = line + nameLength + 2;
  return writeShortest(out, at, bytes, value, value + valueLength);
}
