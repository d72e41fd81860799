/**
 * The dynamic table (RFC 7541 section 2.3.2): a ring of entries over a ring of bytes, in which
 * each entry is a whole line, so that what is indexed is copied as one piece.
 *
 *   bytes:   |line 3|line 4|  free  |line 0|line 1|line 2| unused |
 *                          ^end     ^start of the oldest
 *   entries: |3|4| | |0|1|2|        HPACK index 62 is the newest (4), 63 the one before it
 *                          slot = newest - k, modulo the ring
 *
 * Both rings begin small and double; the lines of a full table are shorter than its size, and a
 * ring of bytes twice that always has room, so it is never more than four times the size.
 */
const ENTRY_INTS = 4;
const BYTES_MIN = 512;
const MARKS_SHIFT = 8;
/** What an entry counts for beside its bytes (RFC 7541 section 4.1). */
export const ENTRY_OVERHEAD_BYTES = 32;

const NONE = Buffer.alloc(0);

/** One direction of a connection; the slots of live entries stay until the ring grows. */
export class DynamicTable {
  bytes: Buffer = NONE;
  count = 0;
  /** Names, values and 32 of each entry. */
  sizeBytes = 0;
  maxBytes: number;
  /** Changes whenever what an index means does, and with each size update. */
  generation = 0;
  /** start, name's length, value's length, id and marks << 8 of each slot. */
  #entries: Int32Array;
  #mask: number;
  #newest = -1;
  #end = 0;

  /** `slots`, a power of two, is how many entries there is room for at first. */
  constructor(maxBytes: number, slots: number) {
    this.maxBytes = maxBytes;
    this.#entries = new Int32Array(slots * ENTRY_INTS);
    this.#mask = slots - 1;
  }

  /** Entries that there is room for before the slots are given anew, the oldest entry the first. */
  get slots(): number {
    return this.#mask + 1;
  }

  /** Memory behind lines and entries. */
  get heldBytes(): number {
    return this.bytes.length + this.#entries.byteLength;
  }

  /** Slot of the entry `age` entries before the newest; age < count. */
  slot(age: number): number {
    return (this.#newest - age) & this.#mask;
  }

  /** The inverse of `slot`. */
  age(slot: number): number {
    return (this.#newest - slot) & this.#mask;
  }

  /** Where the line of `slot` starts in `bytes`. */
  lineStart(slot: number): number {
    return this.#entries[slot * ENTRY_INTS] ?? 0;
  }

  nameLength(slot: number): number {
    return this.#entries[slot * ENTRY_INTS + 1] ?? 0;
  }

  valueLength(slot: number): number {
    return this.#entries[slot * ENTRY_INTS + 2] ?? 0;
  }

  id(slot: number): number {
    return (this.#entries[slot * ENTRY_INTS + 3] ?? 0) & 0xff;
  }

  marks(slot: number): number {
    return (this.#entries[slot * ENTRY_INTS + 3] ?? 0) >> MARKS_SHIFT;
  }

  /** Evicts until `size` more bytes fit; an entry of more than the maximum empties the table. */
  makeRoom(size: number): void {
    while (this.count > 0 && this.sizeBytes + size > this.maxBytes) this.evict();
  }

  /** Removes the oldest entry; there is one. */
  evict(): void {
    const slot = this.slot(this.count - 1);
    this.sizeBytes -= this.nameLength(slot) + this.valueLength(slot) + ENTRY_OVERHEAD_BYTES;
    this.count--;
    this.generation++;
  }

  /** A size update (RFC 7541 section 4.3). */
  resize(maxBytes: number): void {
    this.maxBytes = maxBytes;
    this.generation++;
    this.makeRoom(0);
  }

  /**
   * Adds an entry for which `makeRoom` was called and that is no larger than the maximum. Returns
   * where in `bytes` its line goes: name, ": ", value, CRLF.
   */
  // HOT: per frame.
  add(nameLength: number, valueLength: number, id: number, marks: number): number {
    const length = nameLength + valueLength + 4;
    if (this.count > this.#mask) this.grow();
    const start = this.#place(length);
    this.#newest = (this.#newest + 1) & this.#mask;
    const at = this.#newest * ENTRY_INTS;
    this.#entries[at] = start;
    this.#entries[at + 1] = nameLength;
    this.#entries[at + 2] = valueLength;
    this.#entries[at + 3] = id | (marks << MARKS_SHIFT);
    this.#end = start + length;
    this.count++;
    this.sizeBytes += nameLength + valueLength + ENTRY_OVERHEAD_BYTES;
    this.generation++;
    return start;
  }

  /** Where `length` bytes in one piece are free. */
  #place(length: number): number {
    const capacity = this.bytes.length;
    if (this.count === 0 && length <= capacity) return 0;
    const oldest = this.count === 0 ? 0 : this.lineStart(this.slot(this.count - 1));
    const newest = this.count === 0 ? 0 : this.lineStart(this.#newest);
    if (newest < oldest) {
      if (this.#end + length <= oldest) return this.#end;
    } else {
      if (this.#end + length <= capacity) return this.#end;
      if (length <= oldest) return 0;
    }
    this.#growBytes(length);
    return this.#end;
  }

  /** Lays all lines anew, oldest first, into a larger buffer. */
  #growBytes(length: number): void {
    const old = this.bytes;
    let capacity = Math.max(BYTES_MIN, old.length * 2);
    while (capacity < this.sizeBytes + length) capacity *= 2;
    const bytes = Buffer.allocUnsafeSlow(capacity);
    let at = 0;
    for (let age = this.count - 1; age >= 0; age--) {
      const slot = this.slot(age);
      const start = this.lineStart(slot);
      const stop = start + this.nameLength(slot) + this.valueLength(slot) + 4;
      old.copy(bytes, at, start, stop);
      this.#entries[slot * ENTRY_INTS] = at;
      at += stop - start;
    }
    this.bytes = bytes;
    this.#end = at;
  }

  /** Twice as many slots. */
  grow(): void {
    const old = this.#entries;
    const entries = new Int32Array(old.length * 2);
    for (let age = this.count - 1, to = 0; age >= 0; age--, to += ENTRY_INTS) {
      const from = this.slot(age) * ENTRY_INTS;
      for (let i = 0; i < ENTRY_INTS; i++) entries[to + i] = old[from + i] ?? 0;
    }
    this.#entries = entries;
    this.#mask = this.#mask * 2 + 1;
    this.#newest = this.count - 1;
  }
}
