/** Bodies of requests, as far as the server's windows let them go (RFC 9113 section 6.9). */
import type { Http2Output } from './http2-output.ts';

const DATA = 0;
const FLAG_END_STREAM = 0x1;
const FRAME_BYTES_MAX = 16_384;
const INITIAL_WINDOW = 65_535;
/** With more than this gathered the kernel is asked first. */
const GATHERED_BYTES_MAX = 1 << 16;
/** What bodies are made of. */
const FILLING = 'x'.charCodeAt(0);

/** The five bytes before each message of gRPC: whether it is compressed, and its length. */
export const MESSAGE_PREFIX_BYTES = 5;

/** A stream whose bytes have not all left yet. */
export interface UploadingStream {
  readonly id: number;
  /** Above 0 while it uploads. */
  unsentBytes: number;
  /** Length of each message of gRPC with its prefix, and of its frame; 0 when it sends none. */
  readonly messageBytes: number;
  /** The last byte ends the stream. */
  readonly ends: boolean;
  /** What the server takes on this stream; below 0 after it took its word back. */
  windowBytes: number;
}

/** The bodies under way on one connection, which take turns frame by frame. */
export class Http2Upload<Stream extends UploadingStream> {
  /** What the peer takes on the connection. */
  windowBytes = INITIAL_WINDOW;
  readonly #output: Http2Output;
  readonly #sent: ((stream: Stream) => void) | undefined;
  readonly #streams: Stream[] = [];

  /** `sent` is called when the last byte of a stream was gathered. */
  constructor(output: Http2Output, sent?: (stream: Stream) => void) {
    this.#output = output;
    this.#sent = sent;
  }

  /** Whether a body has not left yet. */
  get underWay(): boolean {
    return this.#streams.length > 0;
  }

  add(stream: Stream): void {
    this.#streams.push(stream);
  }

  /** Its rest is not sent. */
  remove(stream: Stream): void {
    this.#streams.splice(this.#streams.indexOf(stream), 1);
  }

  /** Nothing is sent any more. */
  clear(): void {
    this.#streams.length = 0;
  }

  /** Gathers what may be sent now; call it whenever that may have become more. */
  pump(): void {
    let stuck = 0;
    while (stuck < this.#streams.length && this.#output.length < GATHERED_BYTES_MAX) {
      const stream = this.#streams.shift();
      if (stream === undefined) return;
      const window = Math.min(stream.windowBytes, this.windowBytes);
      const bytes = Math.min(unframedBytes(stream), window, FRAME_BYTES_MAX);
      if (bytes > 0) this.#frame(stream, bytes);
      stuck = bytes > 0 ? 0 : stuck + 1;
      if (stream.unsentBytes > 0) this.#streams.push(stream);
      else this.#sent?.(stream);
    }
  }

  #frame(stream: Stream, bytes: number): void {
    const { messageBytes } = stream;
    const sentBytes = messageBytes === 0 ? 0 : messageBytes - unframedBytes(stream);
    stream.unsentBytes -= bytes;
    stream.windowBytes -= bytes;
    this.windowBytes -= bytes;
    const flags = stream.ends && stream.unsentBytes === 0 ? FLAG_END_STREAM : 0;
    const out = this.#output.begin(DATA, flags, stream.id, bytes);
    const at = this.#output.length;
    out.fill(FILLING, at, at + bytes);
    if (messageBytes > 0) writePrefix(out, at, messageBytes, sentBytes, bytes);
    this.#output.length += bytes;
  }
}

/** What is left of the message that is under way, or of all. */
function unframedBytes({ messageBytes, unsentBytes }: UploadingStream): number {
  if (messageBytes === 0) return unsentBytes;
  const rest = unsentBytes % messageBytes;
  return rest === 0 ? messageBytes : rest;
}

/** Writes what of a message's prefix is among its bytes [from, from + bytes), which are at `at`. */
function writePrefix(
  out: Buffer,
  at: number,
  messageBytes: number,
  from: number,
  bytes: number,
): void {
  const length = messageBytes - MESSAGE_PREFIX_BYTES;
  const end = Math.min(MESSAGE_PREFIX_BYTES, from + bytes);
  for (let i = from; i < end; i++) {
    out[at + i - from] = i === 0 ? 0 : (length >>> (8 * (MESSAGE_PREFIX_BYTES - 1 - i))) & 0xff;
  }
}
