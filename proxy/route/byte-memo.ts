/**
 * Remembers values by the bytes they were made from, so that a request that came before costs no
 * string. Direct-mapped: a slot holds the last key that fell into it.
 */
import { equalBytes } from '../codec/http1/bytes.ts';

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

interface Slot<Value> {
  readonly key: Buffer;
  readonly value: Value;
}

/** A memo of at most `slots` (a power of two) keys of at most `keyBytesMax` bytes. */
export class ByteMemo<Value> {
  readonly #slots: (Slot<Value> | undefined)[];
  readonly #keyBytesMax: number;

  constructor(slots: number, keyBytesMax: number) {
    this.#slots = Array.from({ length: slots }, () => undefined);
    this.#keyBytesMax = keyBytesMax;
  }

  // HOT: per exchange.
  get(bytes: Buffer, start: number, end: number): Value | undefined {
    if (end - start > this.#keyBytesMax) return undefined;
    const slot = this.#slots[this.#slotOf(bytes, start, end)];
    return slot !== undefined && equalBytes(slot.key, bytes, start, end) ? slot.value : undefined;
  }

  set(bytes: Buffer, start: number, end: number, value: Value): void {
    if (end - start > this.#keyBytesMax) return;
    const key = Buffer.from(bytes.subarray(start, end));
    this.#slots[this.#slotOf(bytes, start, end)] = { key, value };
  }

  /** FNV-1a (Fowler, Noll, Vo), 32 bits. */
  #slotOf(bytes: Buffer, start: number, end: number): number {
    let hash = FNV_OFFSET;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), FNV_PRIME);
    return (hash ^ (hash >>> 15)) & (this.#slots.length - 1);
  }
}
