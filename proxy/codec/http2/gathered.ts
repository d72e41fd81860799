/** Bytes that came in pieces and are needed whole. Holds no memory while it is empty. */

/** First room: most of what is cut is small. */
const ROOM_BYTES_MIN = 256;
const EMPTY = Buffer.alloc(0);

export class Gathered {
  /** Bytes gathered so far. */
  length = 0;
  #bytes: Buffer = EMPTY;

  /** Copies bytes [start, end) behind the others; room doubles, so nobody reserves by a promise. */
  append(bytes: Buffer, start: number, end: number): void {
    const needed = this.length + end - start;
    if (this.#bytes.length < needed) {
      const room = Math.max(needed, 2 * this.#bytes.length, ROOM_BYTES_MIN);
      const larger = Buffer.allocUnsafeSlow(room);
      this.#bytes.copy(larger, 0, 0, this.length);
      this.#bytes = larger;
    }
    bytes.copy(this.#bytes, this.length, start, end);
    this.length = needed;
  }

  /** What was gathered, in the first `length` bytes of the buffer; then it is empty. */
  take(): Buffer {
    const bytes = this.#bytes;
    this.clear();
    return bytes;
  }

  clear(): void {
    this.#bytes = EMPTY;
    this.length = 0;
  }
}
