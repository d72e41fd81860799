/**
 * Bytes that came before they could be used: part of a head, or a pipelined request behind the
 * current one. Unread bytes lie in [start, end) of `bytes`; they may move when more are added.
 */
export class HeldBytes {
  bytes: Buffer = NONE;
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  add(bytes: Buffer, from: number, to: number): void {
    const more = to - from;
    if (this.end + more > this.bytes.length) this.#makeRoom(this.length + more);
    bytes.copy(this.bytes, this.end, from, to);
    this.end += more;
  }

  /** Everything before `position` was used. */
  usedTo(position: number): void {
    this.start = position;
    if (this.start === this.end) this.clear();
  }

  clear(): void {
    this.bytes = NONE;
    this.start = 0;
    this.end = 0;
  }

  /** Doubles, so that bytes arriving one by one are copied a bounded number of times. */
  #makeRoom(needed: number): void {
    const room = Math.max(256, needed * 2);
    const target = room > this.bytes.length ? Buffer.allocUnsafeSlow(room) : this.bytes;
    this.bytes.copy(target, 0, this.start, this.end);
    this.bytes = target;
    this.end -= this.start;
    this.start = 0;
  }
}

const NONE = Buffer.alloc(0);
