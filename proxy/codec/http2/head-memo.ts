/**
 * Remembers the heads of blocks that recur: the same bytes mean the same head as long as the
 * dynamic table has not changed. A block is remembered when it comes a second time, so that blocks
 * that vary cost a hash and no memory. Direct-mapped: a slot holds the last block that fell into it.
 */
import { Head, type HeadOrigin } from '../../model/head.ts';
import { hashBytes } from './hpack/byte-hash.ts';

const SLOTS = 8;
/** Blocks and heads larger than these are not remembered: at most 28 KiB a connection. */
const BLOCK_BYTES_MAX = 512;
const HEAD_BYTES_MAX = 2048;
/** Blocks that came once, by the low bits of their hash. */
const WINDOW = 32;

/** What a block was read as: no block is valid as two of them. */
export type BlockKind = 'request' | 'response' | 'trailers';

interface Remembered {
  readonly kind: BlockKind;
  readonly block: Buffer;
  /** Of the table. */
  readonly generation: number;
  readonly head: Head;
}

let serials = 0;
const nextOrigin = (): HeadOrigin => ({ serial: serials++ });

/** For one direction of a connection. */
export class HeadMemo {
  #slots: (Remembered | undefined)[] | undefined = undefined;
  #seen: Int32Array | undefined = undefined;
  /** Of the block looked for last. */
  #hash = 0;

  /** The head of a block that was remembered in this generation of the table. */
  // HOT: per exchange.
  get(
    kind: BlockKind,
    block: Buffer,
    start: number,
    end: number,
    generation: number,
  ): Head | undefined {
    if (end - start > BLOCK_BYTES_MAX) return undefined;
    this.#hash = hashBytes(0, block, start, end);
    const known = this.#slots?.[this.#hash & (SLOTS - 1)];
    if (known === undefined || known.generation !== generation || known.kind !== kind) {
      return undefined;
    }
    const own = known.block;
    if (own.length !== end - start) return undefined;
    for (let i = 0; i < own.length; i++) if (own[i] !== block[start + i]) return undefined;
    return known.head;
  }

  /**
   * Takes the head of the block that `get` did not find, and gives it an origin, when the block has
   * come before.
   */
  offer(
    kind: BlockKind,
    block: Buffer,
    start: number,
    end: number,
    generation: number,
    head: Head,
  ): void {
    if (end - start > BLOCK_BYTES_MAX || head.length > HEAD_BYTES_MAX) return;
    const seen = (this.#seen ??= new Int32Array(WINDOW));
    const window = this.#hash & (WINDOW - 1);
    if (seen[window] !== this.#hash) {
      seen[window] = this.#hash;
      return;
    }
    head.origin = nextOrigin();
    const own = new Head();
    own.own(head);
    const slots = (this.#slots ??= Array.from({ length: SLOTS }, () => undefined));
    const copy = Buffer.from(block.subarray(start, end));
    slots[this.#hash & (SLOTS - 1)] = { kind, block: copy, generation, head: own };
  }
}
