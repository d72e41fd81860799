/**
 * What an HTTP/2 session has to send: gathered in one buffer, written in one piece. What the kernel
 * does not take stays where it is until it has left; another buffer gathers meanwhile.
 */
import type { Wire } from './client.ts';
import { allocateNative, type NativeBytes } from './libc.ts';

const HEADER_BYTES = 9;
/** Idle connections need no more. */
const CAPACITY_START = 1 << 10;

/** The bytes of one connection. */
export class Http2Output {
  readonly #wire: Wire;
  #gathered = allocateNative(CAPACITY_START);
  /** Bytes gathered. */
  length = 0;
  /** What the kernel has not taken whole. */
  #leaving: NativeBytes | undefined;
  #spare: NativeBytes | undefined;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Where bytes are gathered, from `length` on: `size` more have room. Valid until the next call. */
  room(size: number): Buffer {
    const needed = this.length + size;
    if (needed > this.#gathered.bytes.length) {
      const larger = allocateNative(2 ** Math.ceil(Math.log2(needed)));
      this.#gathered.bytes.copy(larger.bytes, 0, 0, this.length);
      this.#gathered = larger;
    }
    return this.#gathered.bytes;
  }

  /** Gathers a frame's header and makes room for its payload, which the caller writes at `length`. */
  begin(type: number, flags: number, stream: number, payloadBytes: number): Buffer {
    const bytes = this.room(HEADER_BYTES + payloadBytes);
    const at = this.length;
    bytes[at] = payloadBytes >>> 16;
    bytes[at + 1] = payloadBytes >>> 8;
    bytes[at + 2] = payloadBytes;
    bytes[at + 3] = type;
    bytes[at + 4] = flags;
    bytes.writeUInt32BE(stream, at + 5);
    this.length = at + HEADER_BYTES;
    return bytes;
  }

  /** Gathers a frame whose payload is one number of 32 bits. */
  number(type: number, stream: number, value: number): void {
    const bytes = this.begin(type, 0, stream, 4);
    this.length = bytes.writeUInt32BE(value, this.length);
  }

  /** Writes what was gathered; true when the kernel took it all, and more may be gathered for it. */
  flush(): boolean {
    if (this.length === 0 || this.#leaving !== undefined) return false;
    const bytes = this.#gathered;
    const { length } = this;
    this.length = 0;
    if (this.#wire.write(bytes, length)) return true;
    this.#leaving = bytes;
    this.#gathered = this.#spare ?? allocateNative(bytes.bytes.length);
    this.#spare = undefined;
    return false;
  }

  /** What was leaving has left. */
  drained(): void {
    this.#spare = this.#leaving;
    this.#leaving = undefined;
  }
}
