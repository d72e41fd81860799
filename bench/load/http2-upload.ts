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

/** A request whose body has not left yet. */
export interface UploadingStream {
  readonly id: number;
  /** Above 0 while it uploads. */
  unsentBytes: number;
  /** What the server takes on this stream; below 0 after it took its word back. */
  windowBytes: number;
}

/** The bodies under way on one connection, which take turns frame by frame. */
export class Http2Upload {
  /** What the server takes on the connection. */
  windowBytes = INITIAL_WINDOW;
  readonly #output: Http2Output;
  readonly #streams: UploadingStream[] = [];

  constructor(output: Http2Output) {
    this.#output = output;
  }

  /** Whether a body has not left yet. */
  get underWay(): boolean {
    return this.#streams.length > 0;
  }

  add(stream: UploadingStream): void {
    this.#streams.push(stream);
  }

  /** Its rest is not sent. */
  remove(stream: UploadingStream): void {
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
      const bytes = Math.min(stream.unsentBytes, window, FRAME_BYTES_MAX);
      if (bytes > 0) this.#frame(stream, bytes);
      stuck = bytes > 0 ? 0 : stuck + 1;
      if (stream.unsentBytes > 0) this.#streams.push(stream);
    }
  }

  #frame(stream: UploadingStream, bytes: number): void {
    stream.unsentBytes -= bytes;
    stream.windowBytes -= bytes;
    this.windowBytes -= bytes;
    const flags = stream.unsentBytes === 0 ? FLAG_END_STREAM : 0;
    const out = this.#output.begin(DATA, flags, stream.id, bytes);
    out.fill(FILLING, this.#output.length, this.#output.length + bytes);
    this.#output.length += bytes;
  }
}
