/** Blocks become heads: the receiving direction of a connection, with a memo of what recurs. */
import { limits } from '../../limits.ts';
import { Head, TUNNEL_NONE } from '../../model/head.ts';
import { type BlockKind, HeadMemo } from './head-memo.ts';
import { type HeadFault, readRequestHead, readResponseHead, readTrailers } from './head-reader.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { FieldSection } from './hpack/field-section.ts';

/** The default of SETTINGS_HEADER_TABLE_SIZE, which we do not change. */
const TABLE_BYTES_MAX = 4096;
/** Those of extended CONNECT. */
const PSEUDO_FIELDS_MAX = 5;

/** What a block is: a head, no head, or bytes that end the connection. */
export type DecodedHead = Head | HeadFault | 'compression-error';

/** The one section and head of the thread: lent, like the bytes of a read. */
const section = new FieldSection();
const lent = new Head();

/** Blocks in, heads out. */
export class HeadDecoder {
  readonly #hpack = new HpackDecoder(TABLE_BYTES_MAX);
  readonly #memo = new HeadMemo();

  /**
   * Each reader takes a whole block. The head is lent until the next call on any decoder of the
   * thread, and not to be changed; it has an origin when the block recurs. "compression-error" ends
   * the connection.
   */
  // HOT: per exchange.
  request(block: Buffer, start: number, end: number): DecodedHead {
    return this.#read('request', block, start, end);
  }

  response(block: Buffer, start: number, end: number): DecodedHead {
    return this.#read('response', block, start, end);
  }

  trailers(block: Buffer, start: number, end: number): DecodedHead {
    return this.#read('trailers', block, start, end);
  }

  /** No block may come for long: nothing is kept but the table. */
  unused(): void {
    this.#memo.clear();
  }

  /** A block nobody wants, read for the table's sake; false is COMPRESSION_ERROR. */
  drop(block: Buffer, start: number, end: number): boolean {
    return this.#hpack.decode(block, start, end, section, 0, 0);
  }

  #read(kind: BlockKind, block: Buffer, start: number, end: number): DecodedHead {
    const hpack = this.#hpack;
    const { generation } = hpack;
    const known = this.#memo.get(kind, block, start, end, generation);
    if (known !== undefined) return known;
    const countMax = limits.fieldCountMax + PSEUDO_FIELDS_MAX;
    if (!hpack.decode(block, start, end, section, limits.headBytesMax, countMax)) {
      return 'compression-error';
    }
    const fault =
      kind === 'request'
        ? readRequestHead(section, lent)
        : kind === 'response'
          ? readResponseHead(section, lent)
          : readTrailers(section, lent);
    if (fault !== undefined) return fault;
    // What must never be indexed is not remembered either, nor is what begins a tunnel.
    const recurs = !section.secret && lent.tunnel === TUNNEL_NONE;
    if (hpack.generation === generation && recurs) {
      this.#memo.offer(kind, block, start, end, generation, lent);
    }
    return lent;
  }
}
