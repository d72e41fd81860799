/**
 * Messages of gRPC in bytes cut anywhere (gRPC over HTTP2, "Length-Prefixed-Message").
 *
 *   | compressed: one octet, 0 | length: four octets, big-endian | message |
 *
 *   PREFIX ─ all 5 octets ─┬─ the message is in view ──────────────> told, not copied ─> PREFIX
 *                          └─ cut ─> copied until it is whole ─────> told ─────────────> PREFIX
 *
 * What is held grows as it arrives: a length that is announced reserves nothing.
 */
import { Gathered } from '../http2/gathered.ts';
import { type GrpcStatus, INTERNAL, RESOURCE_EXHAUSTED } from './status.ts';

/** In front of each message. */
export const PREFIX_BYTES = 5;

/** Is told a whole message, bytes [start, end) that are lent for the call. */
export type TakeMessage = (bytes: Buffer, start: number, end: number) => void;

/** A message with its prefix, not compressed. */
export function frameMessage(message: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, PREFIX_BYTES);
  return framed;
}

/** Reads the messages of one half of a call. */
export class MessageReader {
  readonly #bytesMax: number;
  readonly #take: TakeMessage;
  readonly #gathered = new Gathered();
  #stopped = false;
  /** Octets read of the prefix. */
  #prefixBytes = 0;
  #compressed = false;
  #length = 0;

  /** `bytesMax`: of one message, without its prefix. */
  constructor(bytesMax: number, take: TakeMessage) {
    this.#bytesMax = bytesMax;
    this.#take = take;
  }

  /** A message has begun and is not whole. */
  get inMessage(): boolean {
    return this.#prefixBytes > 0;
  }

  /** Nothing more is told; may be called while a message is. */
  stop(): void {
    this.#stopped = true;
    this.#gathered.clear();
  }

  /** Why the call cannot go on, once: the reader has stopped then. */
  read(bytes: Buffer, start: number, end: number): GrpcStatus | undefined {
    let at = start;
    while (at < end && !this.#stopped) {
      if (this.#prefixBytes < PREFIX_BYTES) {
        at = this.#readPrefix(bytes, at, end);
        if (this.#prefixBytes < PREFIX_BYTES) return undefined;
        const problem = this.#judge();
        if (problem !== undefined) {
          this.stop();
          return problem;
        }
      }
      const missing = this.#length - this.#gathered.length;
      if (missing > end - at) {
        this.#gathered.append(bytes, at, end);
        return undefined;
      }
      this.#tell(bytes, at, at + missing);
      at += missing;
    }
    return undefined;
  }

  /** Returns where it stopped. */
  #readPrefix(bytes: Buffer, start: number, end: number): number {
    let at = start;
    for (; at < end && this.#prefixBytes < PREFIX_BYTES; at++) {
      const octet = bytes[at]!;
      if (this.#prefixBytes++ > 0) this.#length = this.#length * 256 + octet;
      else {
        this.#compressed = octet !== 0;
        this.#length = 0;
      }
    }
    return at;
  }

  #judge(): GrpcStatus | undefined {
    if (this.#compressed) {
      return { code: INTERNAL, message: 'A message is compressed, which nobody agreed to.' };
    }
    if (this.#length <= this.#bytesMax) return undefined;
    const message = `A message has ${this.#length} bytes, and at most ${this.#bytesMax} are taken.`;
    return { code: RESOURCE_EXHAUSTED, message };
  }

  /** The message ends with bytes [start, end). */
  #tell(bytes: Buffer, start: number, end: number): void {
    this.#prefixBytes = 0;
    if (this.#gathered.length === 0) return this.#take(bytes, start, end);
    this.#gathered.append(bytes, start, end);
    this.#take(this.#gathered.take(), 0, this.#length);
  }
}
