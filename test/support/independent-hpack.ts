/** HPACK by code that is not ours: both directions of a connection, fields as text. */
import { createRequire } from 'node:module';
import type { Duplex } from 'node:stream';

/** A field as the wire has it: names and values one character a byte. */
export interface HpackField {
  readonly name: string;
  readonly value: string;
  readonly neverIndex?: boolean;
  /** Literals only: added to the table (the default), and in Huffman code (the default). */
  readonly incremental?: boolean;
  readonly huffman?: boolean;
}

interface Table {
  readonly size: number;
  updateSize(bytes: number): void;
}
type Half = Duplex & { readonly _table: Table };
interface Hpack {
  readonly compressor: { create(options: Options): Half & { reset(): void } };
  readonly decompressor: { create(options: Options): Half & { execute(): void } };
}
interface Options {
  readonly table: { readonly maxSize: number };
}
const hpack = createRequire(import.meta.url)('hpack.js') as Hpack;

/** Blocks in, fields out. */
export class IndependentDecoder {
  readonly #half;

  constructor(tableBytesMax = 4096) {
    this.#half = hpack.decompressor.create({ table: { maxSize: tableBytesMax } });
  }

  /** Size of the dynamic table as RFC 7541 counts it. */
  get tableBytes(): number {
    return this.#half._table.size;
  }

  /** Throws when the block is malformed. */
  decode(block: Buffer): HpackField[] {
    let fault: unknown;
    const heard = (error: unknown): void => void (fault ??= error);
    this.#half.once('error', heard);
    if (block.length > 0) this.#half.write(Buffer.from(block));
    this.#half.execute();
    this.#half.off('error', heard);
    if (fault !== undefined) throw new Error('malformed block', { cause: fault });
    const fields: HpackField[] = [];
    for (;;) {
      const field = this.#half.read() as HpackField | null;
      if (field === null) return fields;
      fields.push(field);
    }
  }
}

/** Fields in, blocks out. */
export class IndependentEncoder {
  readonly #half;

  constructor(tableBytesMax = 4096) {
    this.#half = hpack.compressor.create({ table: { maxSize: tableBytesMax } });
  }

  encode(fields: readonly HpackField[]): Buffer {
    this.#half.write(fields);
    return (this.#half.read() as Buffer | null) ?? Buffer.alloc(0);
  }

  /** The block that says it, which goes before the next one; sizes below 31 take one byte. */
  resize(tableBytes: number): Buffer {
    this.#half._table.updateSize(tableBytes);
    const octets = [0x20 | Math.min(tableBytes, 31)];
    if (tableBytes >= 31) {
      let rest = tableBytes - 31;
      for (; rest >= 128; rest >>>= 7) octets.push((rest & 127) | 128);
      octets.push(rest);
    }
    return Buffer.from(octets);
  }
}

/** A block of these fields that changes no table and needs none. */
export function blockOf(fields: readonly (readonly [name: string, value: string])[]): Buffer {
  const literals = fields.map(([name, value]) => ({ name, value, incremental: false }));
  return new IndependentEncoder().encode(literals);
}
