/** HPACK decoder (RFC 7541). */
import type { FieldSection } from './field-section.ts';

/** One direction of a connection. */
export class HpackDecoder {
  /** Changes whenever the dynamic table does. */
  generation = 0;
  #announced: number;

  constructor(tableBytesMax: number) {
    this.#announced = tableBytesMax;
  }

  /** The SETTINGS_HEADER_TABLE_SIZE we announced, once acknowledged. */
  setTableBytesMax(bytes: number): void {
    this.#announced = bytes;
  }

  /** A whole block; false is COMPRESSION_ERROR: the connection is dead. */
  decode(
    _block: Buffer,
    _start: number,
    _end: number,
    into: FieldSection,
    _sizeBytesMax: number,
    _countMax: number,
  ): boolean {
    into.clear();
    return this.#announced < 0;
  }
}
