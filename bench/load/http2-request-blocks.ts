/**
 * Header blocks of requests (RFC 7541), as a client makes them that indexes what it says: the first
 * request on a connection tells its fields, the following ones are a byte a field. Each connection
 * has a table of its own; its blocks are made once for each state of that table.
 */
import { writeInteger } from './hpack-integer.ts';
import type { LoadPlan, RequestShape } from './plan.ts';

/** Indexes of the static table (RFC 7541 appendix A). */
const AUTHORITY = 1;
const METHOD_GET = 2;
const METHOD_POST = 3;
const PATH = 4;
const SCHEME_HTTP = 6;
const CONTENT_LENGTH = 28;
const CONTENT_TYPE = 31;
const STATIC_ENTRIES = 61;

/** What every field of the dynamic table counts besides its bytes (RFC 7541 section 4.1). */
const ENTRY_OVERHEAD = 32;
/** Size of a dynamic table that nobody said anything about (RFC 9113 section 6.5.2). */
const TABLE_BYTES = 4_096;
/** A whole head goes into one frame of the least size that a peer must take. */
const BLOCK_BYTES_MAX = 16_384;

/** More than an index and a length take. */
const INTEGERS_BYTES = 8;
/** As many as the fields that the static table has whole, and a size update. */
const FIXED_BYTES = 8;

const LITERAL_INDEXED = 0x40;
const LITERAL_NOT_INDEXED = 0x00;
const SIZE_UPDATE = 0x20;

interface Field {
  /** Index of its name in the static table. */
  readonly name: number;
  readonly value: string;
  /** As the dynamic table counts it. */
  readonly sizeBytes: number;
}

/** A request: fields that the static table has whole, then those of `RequestFields.fields`. */
interface Shape {
  readonly fixed: readonly number[];
  readonly fields: readonly number[];
}

/** The requests of a plan as fields, shared by all connections. Throws for a head beyond a frame. */
export class RequestFields {
  readonly fields: readonly Field[];
  readonly shapes: readonly Shape[];
  /** No block is longer, in whatever state the table is. */
  readonly blockBytesMax: number;

  constructor({ authority, requests }: Pick<LoadPlan, 'authority' | 'requests'>) {
    const fields: Field[] = [];
    const indexOf = (name: number, value: string): number => {
      const known = fields.findIndex((field) => field.name === name && field.value === value);
      if (known >= 0) return known;
      return fields.push({ name, value, sizeBytes: sizeOf(name, value) }) - 1;
    };
    this.shapes = requests.map((request) => shapeOf(request, authority, indexOf));
    this.fields = fields;
    const bytes = this.shapes.map(({ fields: all }) =>
      all.reduce((sum, i) => sum + (fields[i]?.value.length ?? 0) + INTEGERS_BYTES, FIXED_BYTES),
    );
    this.blockBytesMax = Math.max(...bytes);
    if (this.blockBytesMax > BLOCK_BYTES_MAX) {
      throw new Error('the head of a request is longer than a frame');
    }
  }
}

const NAME_LENGTHS: Readonly<Record<number, number>> = {
  [AUTHORITY]: ':authority'.length,
  [PATH]: ':path'.length,
  [CONTENT_LENGTH]: 'content-length'.length,
  [CONTENT_TYPE]: 'content-type'.length,
};

const sizeOf = (name: number, value: string): number =>
  (NAME_LENGTHS[name] ?? 0) + value.length + ENTRY_OVERHEAD;

function shapeOf(
  { bodyBytes, method, path }: RequestShape,
  authority: string,
  indexOf: (name: number, value: string) => number,
): Shape {
  const fixed = [method === 'GET' ? METHOD_GET : METHOD_POST, SCHEME_HTTP];
  const fields = [indexOf(AUTHORITY, authority)];
  if (path === '/') fixed.push(PATH);
  else fields.push(indexOf(PATH, path));
  if (bodyBytes > 0 || method === 'POST') {
    fields.push(indexOf(CONTENT_TYPE, 'application/octet-stream'));
    fields.push(indexOf(CONTENT_LENGTH, String(bodyBytes)));
  }
  return { fixed, fields };
}

const ABSENT = -1;

/** The encoder of one connection. */
export class RequestBlocks {
  readonly #request: RequestFields;
  /** By field: how many entries came before it; ABSENT when it is not in the table. */
  readonly #place: Int32Array;
  #inserted = 0;
  #tableBytes = 0;
  #tableBytesMax = TABLE_BYTES;
  #emptiesTable = false;
  /** By shape: its block while the table has as many entries as when it was made. */
  readonly #blocks: (Buffer | undefined)[] = [];
  readonly #madeAt: number[] = [];

  constructor(request: RequestFields) {
    this.#request = request;
    this.#place = new Int32Array(request.fields.length).fill(ABSENT);
  }

  /** The peer's table holds less than the default: nothing is indexed any more. */
  limitTable(bytes: number): void {
    if (bytes >= TABLE_BYTES || this.#tableBytesMax === 0) return;
    this.#tableBytesMax = 0;
    this.#emptiesTable = true;
    this.#place.fill(ABSENT);
    this.#madeAt.fill(ABSENT);
  }

  /** No block is longer. */
  get bytesMax(): number {
    return this.#request.blockBytesMax;
  }

  /** Writes the block of a shape at `at`, where `bytesMax` have room; returns its end. */
  write(shape: number, out: Buffer, at: number): number {
    const block = this.#blocks[shape];
    if (block !== undefined && this.#madeAt[shape] === this.#inserted && !this.#emptiesTable) {
      // Mostly some five bytes: a loop is faster than a copy.
      for (let i = 0; i < block.length; i++) out[at + i] = block[i] ?? 0;
      return at + block.length;
    }
    return this.#make(shape, out, at);
  }

  #make(shape: number, out: Buffer, start: number): number {
    const { fields, shapes } = this.#request;
    const { fixed, fields: needed } = shapes[shape] ?? { fixed: [], fields: [] };
    const before = this.#inserted;
    let at = start;
    if (this.#emptiesTable) {
      this.#emptiesTable = false;
      out[at++] = SIZE_UPDATE;
      // What comes now is no block to repeat: it changes the table.
      this.#madeAt[shape] = ABSENT;
    }
    const first = at;
    for (const index of fixed) out[at++] = 0x80 | index;
    for (const index of needed) {
      const field = fields[index];
      if (field !== undefined) at = this.#field(field, index, out, at);
    }
    if (this.#inserted === before) {
      this.#blocks[shape] = Buffer.from(out.subarray(first, at));
      this.#madeAt[shape] = before;
    }
    return at;
  }

  #field(field: Field, index: number, out: Buffer, at: number): number {
    const place = this.#place[index] ?? ABSENT;
    // The newest entry has the first index after the static ones.
    if (place !== ABSENT) {
      return writeInteger(out, at, 0x80, 7, STATIC_ENTRIES + this.#inserted - place);
    }
    const fits = this.#tableBytes + field.sizeBytes <= this.#tableBytesMax;
    if (fits) {
      this.#place[index] = this.#inserted++;
      this.#tableBytes += field.sizeBytes;
    }
    const named = fits
      ? writeInteger(out, at, LITERAL_INDEXED, 6, field.name)
      : writeInteger(out, at, LITERAL_NOT_INDEXED, 4, field.name);
    const sized = writeInteger(out, named, 0, 7, field.value.length);
    return sized + out.write(field.value, sized, 'latin1');
  }
}
