/**
 * Takes a server's bytes apart into HTTP/2 frames (RFC 9113 section 4), cut wherever they are. DATA
 * is counted as it comes, all else is given whole; header blocks come in one piece.
 *
 *   +--------+------+-------+--------+---------+
 *   | length | type | flags | stream | payload |
 *   |   24   |  8   |   8   | 1 + 31 |  length |
 *   +--------+------+-------+--------+---------+
 */

const HEADER_BYTES = 9;
/** We announce no other: the least that everybody takes. */
const FRAME_BYTES_MAX = 16_384;
const BLOCK_BYTES_MAX = 1 << 18;

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PUSH_PROMISE = 5;
const PING = 6;
const GOAWAY = 7;
const WINDOW_UPDATE = 8;
const CONTINUATION = 9;

/** END_STREAM of HEADERS and DATA, ACK of SETTINGS and PING. */
const FLAG_END = 0x1;
const FLAG_END_HEADERS = 0x4;
const FLAG_PADDED = 0x8;
const FLAG_PRIORITY = 0x20;

const MALFORMED = -1;
const NONE = 0;

/** What frames mean. Those that return a boolean: false when the peer must not have sent that. */
export interface Http2FrameEvents {
  onHead(stream: number, block: Buffer, start: number, end: number, endStream: boolean): boolean;
  /** `length` bytes of body; `flowBytes` is what they cost of both windows. */
  onData(stream: number, length: number, flowBytes: number, endStream: boolean): boolean;
  onReset(stream: number, code: number): boolean;
  /** Not for an acknowledgement. */
  onSettings(payload: Buffer, start: number, end: number): void;
  onPing(payload: Buffer, start: number): void;
  onGoaway(lastStream: number, code: number): void;
  onWindow(stream: number, increment: number): void;
}

/** The reader of one connection. */
export class Http2Frames {
  readonly #events: Http2FrameEvents;
  /** A frame of which only the first bytes are here. */
  #held: Buffer | undefined;
  #heldBytes = 0;
  /** The DATA frame that is under way. */
  #dataLeft = 0;
  #dataStream = 0;
  #dataEnds = false;
  /** A header block of which a CONTINUATION is missing. */
  #blockStream = NONE;
  #blockEnds = false;
  #block = Buffer.alloc(0);
  /** The first frame was there: it must be SETTINGS. */
  #begun = false;

  constructor(events: Http2FrameEvents) {
    this.#events = events;
  }

  /** Reads the first `length` of `bytes`; false when the connection cannot go on. */
  read(bytes: Buffer, length: number): boolean {
    let at = 0;
    while (at < length) {
      if (this.#dataLeft > 0) at = this.#piece(at, length);
      else if (this.#heldBytes > 0) at = this.#complete(bytes, at, length);
      else at = this.#frame(bytes, at, length);
      if (at < 0) return false;
    }
    return true;
  }

  /** What is here of a DATA frame; returns its end, or MALFORMED. */
  #piece(at: number, end: number): number {
    const length = Math.min(this.#dataLeft, end - at);
    this.#dataLeft -= length;
    const ends = this.#dataEnds && this.#dataLeft === 0;
    return this.#events.onData(this.#dataStream, length, length, ends) ? at + length : MALFORMED;
  }

  /** A frame at `at`, which may be cut; returns its end, or MALFORMED. */
  #frame(bytes: Buffer, at: number, end: number): number {
    if (end - at < HEADER_BYTES) return this.#hold(bytes, at, end);
    const length = bytes.readUIntBE(at, 3);
    if (length > FRAME_BYTES_MAX) return MALFORMED;
    if (isPlainData(bytes, at)) return this.#beginData(bytes, at) ? at + HEADER_BYTES : MALFORMED;
    const payload = at + HEADER_BYTES;
    if (payload + length > end) return this.#hold(bytes, at, end);
    return this.#whole(bytes, at, payload + length) ? payload + length : MALFORMED;
  }

  #hold(bytes: Buffer, at: number, end: number): number {
    this.#held ??= Buffer.alloc(HEADER_BYTES + FRAME_BYTES_MAX);
    this.#heldBytes = bytes.copy(this.#held, 0, at, end);
    return end;
  }

  /** Adds to the held frame what is missing; returns where that ends, or MALFORMED. */
  #complete(bytes: Buffer, at: number, end: number): number {
    const held = this.#held ?? Buffer.alloc(0);
    const whole =
      this.#heldBytes < HEADER_BYTES ? HEADER_BYTES : HEADER_BYTES + held.readUIntBE(0, 3);
    const taken = Math.min(whole - this.#heldBytes, end - at);
    bytes.copy(held, this.#heldBytes, at, at + taken);
    this.#heldBytes += taken;
    if (this.#heldBytes < HEADER_BYTES) return at + taken;
    const length = held.readUIntBE(0, 3);
    if (length > FRAME_BYTES_MAX) return MALFORMED;
    if (isPlainData(held, 0)) {
      this.#heldBytes = 0;
      return this.#beginData(held, 0) ? at + taken : MALFORMED;
    }
    if (this.#heldBytes < HEADER_BYTES + length) return at + taken;
    this.#heldBytes = 0;
    return this.#whole(held, 0, HEADER_BYTES + length) ? at + taken : MALFORMED;
  }

  #beginData(bytes: Buffer, at: number): boolean {
    if (!this.#begun || this.#blockStream !== NONE) return false;
    this.#dataLeft = bytes.readUIntBE(at, 3);
    this.#dataStream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    this.#dataEnds = ((bytes[at + 4] ?? 0) & FLAG_END) !== 0;
    return this.#dataLeft > 0 || this.#events.onData(this.#dataStream, 0, 0, this.#dataEnds);
  }

  /** A whole frame, header included. */
  #whole(bytes: Buffer, at: number, end: number): boolean {
    const type = bytes[at + 3] ?? 0;
    const flags = bytes[at + 4] ?? 0;
    const stream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    const start = at + HEADER_BYTES;
    if (!this.#begun && type !== SETTINGS) return false;
    this.#begun = true;
    if (this.#blockStream !== NONE && type !== CONTINUATION) return false;
    switch (type) {
      case DATA:
        return this.#paddedData(bytes, start, end, stream, flags);
      case HEADERS:
        return this.#headers(bytes, start, end, stream, flags);
      case CONTINUATION:
        return this.#continuation(bytes, start, end, stream, flags);
      case PUSH_PROMISE:
        return false;
      default:
        return this.#control(bytes, start, end, stream, type, flags);
    }
  }

  #paddedData(bytes: Buffer, start: number, end: number, stream: number, flags: number): boolean {
    const length = end - start - 1 - (bytes[start] ?? 0);
    if (start === end || length < 0) return false;
    return this.#events.onData(stream, length, end - start, (flags & FLAG_END) !== 0);
  }

  #headers(
    bytes: Buffer,
    payload: number,
    payloadEnd: number,
    stream: number,
    flags: number,
  ): boolean {
    let start = payload;
    let end = payloadEnd;
    if ((flags & FLAG_PADDED) !== 0) end -= bytes[start++] ?? 0;
    if ((flags & FLAG_PRIORITY) !== 0) start += 5;
    if (start > end || stream === 0) return false;
    const ends = (flags & FLAG_END) !== 0;
    if ((flags & FLAG_END_HEADERS) !== 0) {
      return this.#events.onHead(stream, bytes, start, end, ends);
    }
    this.#blockStream = stream;
    this.#blockEnds = ends;
    this.#block = Buffer.from(bytes.subarray(start, end));
    return true;
  }

  #continuation(bytes: Buffer, start: number, end: number, stream: number, flags: number): boolean {
    if (stream === 0 || stream !== this.#blockStream) return false;
    this.#block = Buffer.concat([this.#block, bytes.subarray(start, end)]);
    if (this.#block.length > BLOCK_BYTES_MAX) return false;
    if ((flags & FLAG_END_HEADERS) === 0) return true;
    this.#blockStream = NONE;
    return this.#events.onHead(stream, this.#block, 0, this.#block.length, this.#blockEnds);
  }

  #control(
    bytes: Buffer,
    start: number,
    end: number,
    stream: number,
    type: number,
    flags: number,
  ): boolean {
    const length = end - start;
    const isAck = (flags & FLAG_END) !== 0;
    switch (type) {
      case RST_STREAM:
        if (length !== 4 || stream === 0) return false;
        return this.#events.onReset(stream, bytes.readUInt32BE(start));
      case SETTINGS:
        if (stream !== 0 || length % 6 !== 0 || (isAck && length > 0)) return false;
        if (!isAck) this.#events.onSettings(bytes, start, end);
        return true;
      case PING:
        if (stream !== 0 || length !== 8) return false;
        if (!isAck) this.#events.onPing(bytes, start);
        return true;
      case GOAWAY:
        if (stream !== 0 || length < 8) return false;
        this.#events.onGoaway(
          bytes.readUInt32BE(start) & 0x7fffffff,
          bytes.readUInt32BE(start + 4),
        );
        return true;
      case WINDOW_UPDATE:
        if (length !== 4) return false;
        this.#events.onWindow(stream, bytes.readUInt32BE(start) & 0x7fffffff);
        return true;
      default:
        // PRIORITY, or what nobody here knows.
        return true;
    }
  }
}

const isPlainData = (bytes: Buffer, at: number): boolean =>
  bytes[at + 3] === DATA && ((bytes[at + 4] ?? 0) & FLAG_PADDED) === 0;
