/**
 * Header blocks (RFC 7541) as gRPC's clients in Go make them: whatever is said goes into the dynamic
 * table, where the oldest makes room, and strings are in Huffman code when that is shorter. The code
 * is the proxy's own; readers of other hands read it in the tests.
 *
 *   a known field   is found again while its entry lives: an index, one or two bytes
 *   a fresh value   was never said and will not be again: only its name is found
 */
import { encodeHuffman, huffmanBytes } from '../../proxy/codec/http2/hpack/huffman.ts';
import { writeInteger } from './hpack-integer.ts';

/** Of the static table (RFC 7541 appendix A), those that callers name. */
const STATIC_NAMES: Readonly<Record<string, number>> = {
  ':authority': 1,
  ':path': 4,
  authorization: 23,
  'content-type': 31,
  'user-agent': 58,
};
const STATIC_ENTRIES = 61;

/** What every entry counts besides its bytes (RFC 7541 section 4.1). */
const ENTRY_OVERHEAD = 32;
/** Size of a table that nobody said anything about (RFC 9113 section 6.5.2). */
const TABLE_BYTES = 4_096;
const ENTRIES_MAX = TABLE_BYTES / ENTRY_OVERHEAD;

const INDEXED = 0x80;
const LITERAL_INDEXED = 0x40;
const LITERAL_NOT_INDEXED = 0x00;
const SIZE_UPDATE = 0x20;
const HUFFMAN = 0x80;
/** More than the integers of a field, or a size update, take. */
const INTEGERS_BYTES = 16;

/** A name that fields have; made by `Vocabulary`. */
export interface FieldName {
  /** Its place in the vocabulary. */
  readonly at: number;
  /** Index in the static table; 0 when it has none. */
  readonly staticIndex: number;
  readonly length: number;
  /** As a string of a block. */
  readonly literal: Buffer;
}

/** A field that is said again and again; made by `Vocabulary`. */
export interface KnownField {
  /** Its place in the vocabulary. */
  readonly at: number;
  readonly name: FieldName;
  /** The value, as a string of a block. */
  readonly literal: Buffer;
  /** As the dynamic table counts it. */
  readonly sizeBytes: number;
}

/** Writes bytes[start, end) as a string of a block at `at`; returns where it ends. */
function writeString(out: Buffer, at: number, bytes: Buffer, start: number, end: number): number {
  const coded = huffmanBytes(bytes, start, end);
  if (coded < end - start) {
    return encodeHuffman(out, writeInteger(out, at, HUFFMAN, 7, coded), bytes, start, end);
  }
  const from = writeInteger(out, at, 0, 7, end - start);
  return from + bytes.copy(out, from, start, end);
}

function stringOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  const out = Buffer.alloc(bytes.length + INTEGERS_BYTES);
  return out.subarray(0, writeString(out, 0, bytes, 0, bytes.length));
}

/** All names and fields that a plan's requests have in common, shared by its connections. */
export class Vocabulary {
  readonly #names = new Map<string, FieldName>();
  #fields = 0;

  get names(): number {
    return this.#names.size;
  }

  get fields(): number {
    return this.#fields;
  }

  /** `text` in lower case, as HTTP/2 has names. */
  name(text: string): FieldName {
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    const staticIndex = STATIC_NAMES[text] ?? 0;
    const name = { at: this.names, staticIndex, length: text.length, literal: stringOf(text) };
    this.#names.set(text, name);
    return name;
  }

  /** One that was not asked for before. */
  field(name: string, value: string): KnownField {
    return {
      at: this.#fields++,
      name: this.name(name),
      literal: stringOf(value),
      sizeBytes: name.length + value.length + ENTRY_OVERHEAD,
    };
  }
}

/** No block's part for a field is longer. */
export const fieldBytesMax = ({ literal, name }: KnownField): number =>
  literal.length + name.literal.length + INTEGERS_BYTES;

/** The same for a fresh value of `length` bytes. */
export const freshBytesMax = ({ literal }: FieldName, length: number): number =>
  literal.length + length + INTEGERS_BYTES;

/** The encoder of one connection; it writes a block part by part. */
export class HpackEncoder {
  /** By field and by name: how many entries came before its newest; -1 before there is one. */
  readonly #fieldPlaces: Float64Array;
  readonly #namePlaces: Float64Array;
  /** Size of each living entry, a ring. */
  readonly #sizes = new Uint16Array(ENTRIES_MAX);
  #inserted = 0;
  #evicted = 0;
  #tableBytes = 0;
  #tableBytesMax = TABLE_BYTES;
  #tellsSize = false;

  constructor({ fields, names }: Pick<Vocabulary, 'fields' | 'names'>) {
    this.#fieldPlaces = new Float64Array(fields).fill(-1);
    this.#namePlaces = new Float64Array(names).fill(-1);
  }

  /** The peer's table holds no more than `bytes`; more than it held is not used. */
  limitTable(bytes: number): void {
    if (bytes >= this.#tableBytesMax) return;
    this.#tableBytesMax = bytes;
    this.#tellsSize = true;
    this.#makeRoom(0);
  }

  /** Before the first field of a block; as all that follow it returns where it ends. */
  begin(out: Buffer, at: number): number {
    if (!this.#tellsSize) return at;
    this.#tellsSize = false;
    return writeInteger(out, at, SIZE_UPDATE, 5, this.#tableBytesMax);
  }

  /** A field that the static table has whole. */
  constant(index: number, out: Buffer, at: number): number {
    out[at] = INDEXED | index;
    return at + 1;
  }

  known(field: KnownField, out: Buffer, at: number): number {
    const place = this.#fieldPlaces[field.at] ?? -1;
    if (place >= this.#evicted) return writeInteger(out, at, INDEXED, 7, this.#index(place));
    const named = this.#name(field.name, field.sizeBytes, out, at);
    const entry = this.#insert(field.name, field.sizeBytes);
    if (entry >= 0) this.#fieldPlaces[field.at] = entry;
    return named + field.literal.copy(out, named);
  }

  /** The value is bytes[start, end). */
  fresh(
    name: FieldName,
    bytes: Buffer,
    start: number,
    end: number,
    out: Buffer,
    at: number,
  ): number {
    const sizeBytes = name.length + end - start + ENTRY_OVERHEAD;
    const named = this.#name(name, sizeBytes, out, at);
    this.#insert(name, sizeBytes);
    return writeString(out, named, bytes, start, end);
  }

  /** Begins a literal field; which entry has its name is told before it makes room for itself. */
  #name(name: FieldName, sizeBytes: number, out: Buffer, at: number): number {
    const place = this.#namePlaces[name.at] ?? -1;
    let index = name.staticIndex;
    if (index === 0 && place >= this.#evicted) index = this.#index(place);
    const end =
      sizeBytes <= this.#tableBytesMax
        ? writeInteger(out, at, LITERAL_INDEXED, 6, index)
        : writeInteger(out, at, LITERAL_NOT_INDEXED, 4, index);
    return index === 0 ? end + name.literal.copy(out, end) : end;
  }

  /** Returns the place of the new entry, -1 when the table cannot hold it. */
  #insert(name: FieldName, sizeBytes: number): number {
    if (sizeBytes > this.#tableBytesMax) return -1;
    this.#makeRoom(sizeBytes);
    this.#tableBytes += sizeBytes;
    this.#sizes[this.#inserted % ENTRIES_MAX] = sizeBytes;
    this.#namePlaces[name.at] = this.#inserted;
    return this.#inserted++;
  }

  #makeRoom(sizeBytes: number): void {
    while (this.#tableBytes + sizeBytes > this.#tableBytesMax) {
      this.#tableBytes -= this.#sizes[this.#evicted++ % ENTRIES_MAX] ?? 0;
    }
  }

  /** The newest entry has the first index after the static ones. */
  #index(place: number): number {
    return STATIC_ENTRIES + this.#inserted - place;
  }
}
