/**
 * Reads HTTP/1.1 answers as strictly as a generator must: status, framing (RFC 9112 section 6),
 * whether the connection lives on, and that the body is whole. Keeps no byte of the body and
 * allocates nothing while heads come in one piece. Independent of the proxy's own codec on purpose:
 * what judges it must not share its mistakes.
 */

/** What `read` found; values from 0 are positions, so these are below. */
export const MORE = -1;
export const MALFORMED = -2;

/** Longest head taken. */
const HEAD_BYTES_MAX = 1 << 16;
const CR = 13;
const LF = 10;
const SPACE = 32;
const TAB = 9;
const COLON = 58;
const ZERO = 48;
const NINE = 57;

const STATE_HEAD = 0;
const STATE_LENGTH = 1;
const STATE_UNTIL_CLOSE = 2;
const STATE_CHUNK_SIZE = 3;
const STATE_CHUNK_EXTENSION = 4;
const STATE_CHUNK = 5;
const STATE_CHUNK_CR = 6;
const STATE_CHUNK_LF = 7;
const STATE_TRAILER = 8;
/** What a byte between chunks means, beside MALFORMED. */
const GOES_ON = 0;
const BODY_ENDS = 1;

const CONTENT_LENGTH = Buffer.from('content-length');
const TRANSFER_ENCODING = Buffer.from('transfer-encoding');
const CONNECTION = Buffer.from('connection');

/** Chunk sizes of more hex digits than this are nobody's. */
const SIZE_DIGITS_MAX = 8;

/** One answer after the other, on one connection. */
export class Http1ResponseReader {
  /** Status of the answer whose head was read last. */
  status = 0;
  /** Whether the connection may carry another request after this answer. */
  keepAlive = true;
  /** Bytes of the body so far. */
  bodyBytes = 0;

  #state = STATE_HEAD;
  /** Bytes left of the body or of its chunk. */
  #left = 0;
  #digits = 0;
  /** Length of the trailer line so far, without its line end. */
  #lineLength = 0;
  #contentLength = -1;
  #chunked = false;
  /** The beginning of a head that came in pieces. */
  #held: Buffer | undefined;

  /** Before each request. */
  begin(): void {
    this.status = 0;
    this.keepAlive = true;
    this.bodyBytes = 0;
    this.#state = STATE_HEAD;
    this.#held = undefined;
  }

  /** Position after the answer's last byte, MORE, or MALFORMED. */
  read(bytes: Buffer, length: number): number {
    let at = 0;
    while (this.#state === STATE_HEAD) {
      at = this.#head(bytes, at, length);
      if (at < 0) return at;
    }
    return this.#body(bytes, at, length);
  }

  /** The peer ended the connection: whether that ends the answer well. */
  endOfConnection(): boolean {
    return this.#state === STATE_UNTIL_CLOSE;
  }

  /** Position after a whole head, which sets the state; MORE or MALFORMED. */
  #head(bytes: Buffer, start: number, length: number): number {
    if (this.#held !== undefined) return this.#heldHead(bytes, start, length);
    const end = this.#parseHead(bytes, start, length);
    if (end === MORE) {
      if (length - start > HEAD_BYTES_MAX) return MALFORMED;
      this.#held = Buffer.from(bytes.subarray(start, length));
    }
    return end;
  }

  /** Rare: a head that came in pieces is put together and read from its start again. */
  #heldHead(bytes: Buffer, start: number, length: number): number {
    const held = this.#held ?? Buffer.alloc(0);
    const whole = Buffer.concat([held, bytes.subarray(start, length)]);
    const end = this.#parseHead(whole, 0, whole.length);
    if (end === MORE) {
      this.#held = whole;
      return whole.length > HEAD_BYTES_MAX ? MALFORMED : MORE;
    }
    this.#held = undefined;
    return end < 0 ? end : start + end - held.length;
  }

  #parseHead(bytes: Buffer, start: number, length: number): number {
    let at = this.#parseStatus(bytes, start, length);
    if (at < 0) return at;
    this.#contentLength = -1;
    this.#chunked = false;
    for (;;) {
      if (at + 1 >= length) return MORE;
      if (bytes[at] === CR) {
        return bytes[at + 1] === LF ? this.#frame(at + 2) : MALFORMED;
      }
      const lineEnd = findLineEnd(bytes, at, length);
      if (lineEnd === -1) return MORE;
      if (bytes[lineEnd - 1] !== CR || !this.#field(bytes, at, lineEnd - 1)) return MALFORMED;
      at = lineEnd + 1;
    }
  }

  /** "HTTP/1.1 200 OK": position after the line. */
  #parseStatus(bytes: Buffer, start: number, length: number): number {
    // "HTTP/1.1 200" and a space or the line's end; without a reason nothing may follow.
    if (length - start < 14) return MORE;
    const isHttp11 = bytes[start + 7] === ZERO + 1;
    if (
      bytes.readUInt32BE(start) !== 0x48545450 ||
      bytes[start + 4] !== 47 ||
      bytes[start + 5] !== ZERO + 1 ||
      bytes[start + 6] !== 46 ||
      (!isHttp11 && bytes[start + 7] !== ZERO) ||
      bytes[start + 8] !== SPACE
    ) {
      return MALFORMED;
    }
    let status = 0;
    for (let i = start + 9; i < start + 12; i++) {
      const digit = (bytes[i] ?? 0) - ZERO;
      if (digit < 0 || digit > 9) return MALFORMED;
      status = status * 10 + digit;
    }
    const after = bytes[start + 12];
    if (status < 100 || (after !== SPACE && after !== CR)) return MALFORMED;
    const lineEnd = findLineEnd(bytes, start + 12, length);
    if (lineEnd === -1) return MORE;
    if (bytes[lineEnd - 1] !== CR) return MALFORMED;
    this.status = status;
    this.keepAlive = isHttp11;
    return lineEnd + 1;
  }

  /** One field line from `start` to `end`; false when it breaks the message. */
  #field(bytes: Buffer, start: number, end: number): boolean {
    const first = bytes[start] ?? 0;
    if (first === SPACE || first === TAB || first === COLON) return false;
    // Three names matter: c and t begin them.
    const letter = first | 32;
    if (letter !== 99 && letter !== 116) return true;
    if (isName(bytes, start, CONTENT_LENGTH)) {
      return this.#lengthField(bytes, start + CONTENT_LENGTH.length + 1, end);
    }
    if (isName(bytes, start, TRANSFER_ENCODING)) {
      const value = textOf(bytes, start + TRANSFER_ENCODING.length + 1, end);
      this.#chunked = value === 'chunked';
      return this.#chunked;
    }
    if (isName(bytes, start, CONNECTION)) {
      this.#connectionField(bytes, start + CONNECTION.length + 1, end);
    }
    return true;
  }

  #lengthField(bytes: Buffer, start: number, end: number): boolean {
    let at = start;
    while (bytes[at] === SPACE || bytes[at] === TAB) at++;
    let last = end;
    while (last > at && (bytes[last - 1] === SPACE || bytes[last - 1] === TAB)) last--;
    let value = 0;
    const digits = at;
    for (; at < last; at++) {
      const byte = bytes[at] ?? 0;
      if (byte < ZERO || byte > NINE || at - digits > 15) return false;
      value = value * 10 + (byte - ZERO);
    }
    if (at === digits) return false;
    if (this.#contentLength !== -1 && this.#contentLength !== value) return false;
    this.#contentLength = value;
    return true;
  }

  #connectionField(bytes: Buffer, start: number, end: number): void {
    // "keep-alive" has ten letters and changes nothing in HTTP/1.1: no text for it.
    if (this.keepAlive && end - start <= 11 && end - start >= 10 && bytes[end - 1] === 101) {
      const dash = bytes[end - 6];
      if (dash === 45) return;
    }
    const options = textOf(bytes, start, end).split(/[ \t]*,[ \t]*/);
    if (options.includes('keep-alive')) this.keepAlive = true;
    if (options.includes('close')) this.keepAlive = false;
  }

  /** The head ended at `end`: sets what follows. */
  #frame(end: number): number {
    const { status } = this;
    // An interim answer: the real one follows.
    if (status < 200) return status === 101 ? MALFORMED : end;
    if (this.#chunked && this.#contentLength !== -1) return MALFORMED;
    if (status === 204 || status === 304) this.#contentLength = 0;
    else if (this.#chunked) {
      this.#state = STATE_CHUNK_SIZE;
      this.#left = 0;
      this.#digits = 0;
      return end;
    }
    if (this.#contentLength === -1) {
      this.#state = STATE_UNTIL_CLOSE;
      this.keepAlive = false;
      return end;
    }
    this.#left = this.#contentLength;
    this.#state = STATE_LENGTH;
    return end;
  }

  #body(bytes: Buffer, start: number, length: number): number {
    if (this.#state === STATE_LENGTH) {
      const taken = Math.min(this.#left, length - start);
      this.#left -= taken;
      this.bodyBytes += taken;
      return this.#left === 0 ? start + taken : MORE;
    }
    if (this.#state === STATE_UNTIL_CLOSE) {
      this.bodyBytes += length - start;
      return MORE;
    }
    return this.#chunks(bytes, start, length);
  }

  #chunks(bytes: Buffer, start: number, length: number): number {
    let at = start;
    while (at < length) {
      if (this.#state === STATE_CHUNK) {
        const taken = Math.min(this.#left, length - at);
        at += taken;
        this.#left -= taken;
        this.bodyBytes += taken;
        if (this.#left === 0) this.#state = STATE_CHUNK_CR;
        continue;
      }
      const found = this.#chunkByte(bytes[at++] ?? 0);
      if (found === MALFORMED) return MALFORMED;
      if (found === BODY_ENDS) return at;
    }
    return MORE;
  }

  /** A byte of the framing between chunks: GOES_ON, BODY_ENDS or MALFORMED. */
  #chunkByte(byte: number): number {
    switch (this.#state) {
      case STATE_CHUNK_SIZE:
        return this.#sizeByte(byte);
      case STATE_CHUNK_EXTENSION:
        if (byte === LF) {
          this.#lineLength = 0;
          this.#state = this.#left === 0 ? STATE_TRAILER : STATE_CHUNK;
        }
        return GOES_ON;
      case STATE_CHUNK_CR:
        this.#state = STATE_CHUNK_LF;
        return byte === CR ? GOES_ON : MALFORMED;
      case STATE_CHUNK_LF:
        this.#state = STATE_CHUNK_SIZE;
        return byte === LF ? GOES_ON : MALFORMED;
      default:
        if (byte === LF) {
          if (this.#lineLength === 0) return BODY_ENDS;
          this.#lineLength = 0;
        } else if (byte !== CR) this.#lineLength++;
        return GOES_ON;
    }
  }

  #sizeByte(byte: number): number {
    const digit = hexDigit(byte);
    if (digit !== -1) {
      if (++this.#digits > SIZE_DIGITS_MAX) return MALFORMED;
      this.#left = this.#left * 16 + digit;
      return GOES_ON;
    }
    if (this.#digits === 0 || (byte !== CR && byte !== 59)) return MALFORMED;
    this.#digits = 0;
    this.#state = STATE_CHUNK_EXTENSION;
    return GOES_ON;
  }
}

/** Position of the next LF, -1 when there is none: for short lines faster than `indexOf`. */
function findLineEnd(bytes: Buffer, start: number, length: number): number {
  for (let i = start; i < length; i++) if (bytes[i] === LF) return i;
  return -1;
}

function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= NINE) return byte - ZERO;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** Whether a field line begins with `name` (lower case) and a colon. */
function isName(bytes: Buffer, start: number, name: Buffer): boolean {
  if (bytes[start + name.length] !== COLON) return false;
  for (let i = 0; i < name.length; i++) {
    if (((bytes[start + i] ?? 0) | 32) !== name[i]) return false;
  }
  return true;
}

/** A field's value in lower case, without the space around it. */
const textOf = (bytes: Buffer, start: number, end: number): string =>
  bytes.toString('latin1', start, end).trim().toLowerCase();
