/**
 * Remembers the heads of blocks that recur: the same bytes mean the same head as long as the
 * dynamic table has not changed. A block is remembered when it comes a second time within a small
 * window, so that blocks that vary cost a hash and no memory. A new one takes the place of one that
 * is outdated, or of one that was not used since the last search for a place, and reuses its memory.
 */
import { Head, type HeadOrigin } from '../../model/head.ts';
import { hashBytes } from './hpack/byte-hash.ts';
import { SeenWindow } from './hpack/seen-window.ts';

/**
 * Larger blocks and heads are not remembered: mostly 1 KiB a block. A head of many short fields has
 * 16 bytes of offsets and more for each.
 */
const BLOCK_BYTES_MAX = 512;
const HEAD_BYTES_MAX = 2048;
const BLOCKS_MAX = 8;
/** Blocks that came once are remembered as such, by hash: four in each set. */
const WINDOW_SETS = 8;

/** What a block was read as: none is valid as two of them. */
export type BlockKind = 'request' | 'response' | 'trailers';

/** A block and its head. */
class Remembered {
  kind: BlockKind = 'request';
  hash = 0;
  /** Of the table. */
  generation = 0;
  used = false;
  block: Buffer = Buffer.alloc(0);
  blockLength = 0;
  readonly head = new Head();

  is(block: Buffer, start: number, end: number): boolean {
    if (this.blockLength !== end - start) return false;
    const own = this.block;
    for (let i = 0; i < this.blockLength; i++) if (own[i] !== block[start + i]) return false;
    return true;
  }

  keep(block: Buffer, start: number, end: number): void {
    if (this.block.length < end - start) this.block = Buffer.allocUnsafeSlow(end - start);
    this.blockLength = end - start;
    block.copy(this.block, 0, start, end);
  }
}

/** No generation. */
const NEVER = -1;

let serials = 0;
const nextOrigin = (): HeadOrigin => ({ serial: serials++ });

/** For one direction of a connection. */
export class HeadMemo {
  readonly #remembered: Remembered[] = [];
  #window: SeenWindow | undefined = undefined;
  /** Where the search for a place goes on. */
  #hand = 0;
  /** Generation of the block remembered last: of a later one there is none. */
  #newest = NEVER;
  /** Of the block looked for last, where there was one to find. */
  #hash = 0;

  /**
   * The head of a block that was remembered in this generation of the table. A peer whose blocks all
   * add to the table pays for no hash of them.
   */
  // HOT: per exchange.
  get(
    kind: BlockKind,
    block: Buffer,
    start: number,
    end: number,
    generation: number,
  ): Head | undefined {
    if (this.#newest !== generation || end - start > BLOCK_BYTES_MAX) return undefined;
    const hash = hashBytes(0, block, start, end);
    this.#hash = hash;
    const all = this.#remembered;
    for (let i = 0; i < all.length; i++) {
      const one = all[i];
      if (one === undefined || one.hash !== hash || one.generation !== generation) continue;
      if (one.kind !== kind || !one.is(block, start, end)) continue;
      one.used = true;
      return one.head;
    }
    return undefined;
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
    this.#window ??= new SeenWindow(WINDOW_SETS);
    if (this.#newest !== generation) this.#hash = hashBytes(0, block, start, end);
    if (!this.#window.see(this.#hash)) return;
    const place = this.#place(generation);
    if (place === undefined) return;
    head.origin = nextOrigin();
    this.#newest = generation;
    place.kind = kind;
    place.hash = this.#hash;
    place.generation = generation;
    place.keep(block, start, end);
    place.head.own(head);
  }

  /** What comes from now on comes for the first time. */
  clear(): void {
    this.#remembered.length = 0;
    this.#window = undefined;
    this.#newest = NEVER;
  }

  /** A place that is free to be taken; when all are in use, there will be one soon. */
  #place(generation: number): Remembered | undefined {
    const all = this.#remembered;
    if (all.length < BLOCKS_MAX) {
      const place = new Remembered();
      all.push(place);
      return place;
    }
    const hand = this.#hand;
    this.#hand = (hand + 1) % BLOCKS_MAX;
    const place = all[hand];
    if (place === undefined || !place.used || place.generation !== generation) return place;
    place.used = false;
    return undefined;
  }
}
