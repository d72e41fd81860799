/**
 * Decodes field blocks for tests (RFC 7541), strictly, and keeps how each field was represented.
 * Integers, strings and Huffman codes are read by an implementation from the npm registry; nothing
 * is shared with the product's.
 */
import { createRequire } from 'node:module';
import type { WireField } from './http2-wire.ts';

interface Primitives {
  push(bytes: Buffer): void;
  isEmpty(): boolean;
  decodeBit(): number;
  decodeInt(): number;
  decodeStr(): Iterable<number>;
}
interface Hpack {
  readonly decoder: { create(): Primitives };
  readonly 'static-table': { readonly table: readonly { name: string; value: string }[] };
}
const hpack = createRequire(import.meta.url)('hpack.js') as Hpack;
const STATIC = hpack['static-table'].table;
const ENTRY_BYTES = 32;

export type Representation = 'indexed' | 'incremental' | 'without' | 'never';
export interface DecodedField {
  readonly name: string;
  readonly value: string;
  readonly how: Representation;
}
export interface DecodedBlock {
  readonly fields: readonly DecodedField[];
  /** Table sizes that the block began with. */
  readonly tableSizes: readonly number[];
}

/** The block breaks a rule of RFC 7541. */
export class HpackError extends Error {
  override readonly name = 'HpackError';
}

/** Decoder of one direction of a connection. */
export class HpackPeer {
  /** Greatest table size that the encoder may choose: what we announced and it acknowledged. */
  allowedTableBytes = 4096;
  #tableBytesMax = 4096;
  /** Newest first. */
  #table: WireField[] = [];

  /** Bytes of the entries, as RFC 7541 section 4.1 counts them. */
  get tableBytes(): number {
    const sizes = this.#table.map(([name, value]) => name.length + value.length + ENTRY_BYTES);
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  decode(bytes: Buffer): DecodedBlock {
    const input = hpack.decoder.create();
    input.push(bytes);
    const fields: DecodedField[] = [];
    const tableSizes: number[] = [];
    const mustShrink = this.#tableBytesMax > this.allowedTableBytes;
    while (!input.isEmpty()) {
      const how = representationOf(input);
      if (how === 'indexed') fields.push(this.#indexed(input));
      else if (how !== 'size') fields.push(this.#literal(input, how));
      else if (fields.length > 0) throw new HpackError('a table size behind a field');
      else tableSizes.push(this.#resize(input.decodeInt()));
    }
    if (mustShrink && tableSizes.length === 0)
      throw new HpackError('the table was not made smaller');
    if (tableSizes.length > 2) throw new HpackError('more than two table sizes');
    return { fields, tableSizes };
  }

  #resize(bytes: number): number {
    if (bytes > this.allowedTableBytes) throw new HpackError(`a table of ${bytes} bytes`);
    this.#tableBytesMax = bytes;
    this.#evict();
    return bytes;
  }

  #evict(): void {
    while (this.tableBytes > this.#tableBytesMax) this.#table.pop();
  }

  #entry(index: number): WireField {
    const known = STATIC[index - 1];
    if (known !== undefined) return [known.name, known.value];
    const entry = this.#table[index - 1 - STATIC.length];
    if (entry === undefined) throw new HpackError(`index ${index}`);
    return entry;
  }

  #indexed(input: Primitives): DecodedField {
    const [name, value] = this.#entry(input.decodeInt());
    return { name, value, how: 'indexed' };
  }

  #literal(input: Primitives, how: Representation): DecodedField {
    const text = (): string => Buffer.from([...input.decodeStr()]).toString('latin1');
    const index = input.decodeInt();
    const name = index === 0 ? text() : this.#entry(index)[0];
    const value = text();
    if (how === 'incremental') {
      this.#table.unshift([name, value]);
      this.#evict();
    }
    return { name, value, how };
  }
}

/** Reads the bits that say what follows (RFC 7541 section 6). */
function representationOf(input: Primitives): Representation | 'size' {
  if (input.decodeBit() === 1) return 'indexed';
  if (input.decodeBit() === 1) return 'incremental';
  if (input.decodeBit() === 1) return 'size';
  return input.decodeBit() === 1 ? 'never' : 'without';
}
