/**
 * Decoder of the chunked transfer coding (RFC 9112 section 7.1), up to the trailer section.
 *
 *   SIZE ─ HEXDIG* ─┬─ CR ─> SIZE_LF ─ LF ─> DATA (size bytes) ─> DATA_CR ─> DATA_LF ─> SIZE
 *                   │                  └ size 0 ─> LAST: the caller parses the trailers
 *                   └─ BWS ";" ─> extension ─ CR ─> SIZE_LF
 *
 *   extension: EXT_NAME_FIRST ─> EXT_NAME ─ "=" ─> EXT_VALUE_FIRST ─> EXT_VALUE | QUOTED ─> EXT_END
 *
 * Extensions are checked against the grammar and dropped. Any cut of the input is fine.
 */
import {
  BACKSLASH,
  CR,
  DQUOTE,
  EQUALS,
  FIELD_CONTENT,
  HEX,
  HTAB,
  LF,
  SEMICOLON,
  SP,
  TOKEN,
} from './bytes.ts';

const SIZE = 0;
const SIZE_LF = 1;
const DATA = 2;
const DATA_CR = 3;
const DATA_LF = 4;
const LAST = 5;
const EXT_BWS = 6;
const EXT_NAME_FIRST = 7;
const EXT_NAME = 8;
const EXT_VALUE_FIRST = 9;
const EXT_VALUE = 10;
const QUOTED = 11;
const QUOTED_PAIR = 12;
const EXT_END = 13;
const EXT_NAME_END = 14;
const INVALID = 15;

/** Hexadecimal digits of a size, leading zeros included: below 2^52. */
const SIZE_DIGITS_MAX = 13;

export class ChunkedDecoder {
  /** Bytes of the current chunk's data still to come; take them off with `took`. */
  remaining = 0;
  #state: number = SIZE;
  #digits = 0;
  #extensionBytes = 0;
  readonly #extensionBytesMax: number;

  constructor(extensionBytesMax: number) {
    this.#extensionBytesMax = extensionBytesMax;
  }

  start(): void {
    this.remaining = 0;
    this.#state = SIZE;
    this.#digits = 0;
    this.#extensionBytes = 0;
  }

  /** The last chunk was read: trailers follow. */
  get done(): boolean {
    return this.#state === LAST;
  }

  /** The input is not chunked coding; nothing at or after the fault was accepted. */
  get invalid(): boolean {
    return this.#state === INVALID;
  }

  /** `bytes` of the chunk's data were consumed. */
  took(bytes: number): void {
    this.remaining -= bytes;
    if (this.remaining === 0) this.#state = DATA_CR;
  }

  /**
   * HOT: per byte. Reads framing in bytes[at, end) and returns where it stopped: at
   * data (`remaining` > 0), at the trailers (`done`), at the fault (`invalid`), or at `end`.
   */
  framing(bytes: Buffer, from: number, end: number): number {
    let at = from;
    while (at < end) {
      const state = this.#state;
      if (state === DATA || state === LAST || state === INVALID) return at;
      const byte = bytes[at] ?? 0;
      if (state === SIZE) this.#size(byte);
      else if (state === SIZE_LF) this.#sizeLf(byte);
      else if (state === DATA_CR) this.#state = byte === CR ? DATA_LF : INVALID;
      else if (state === DATA_LF) this.#state = byte === LF ? SIZE : INVALID;
      else this.#extension(state, byte);
      if (this.#state === INVALID) return at;
      at++;
    }
    return at;
  }

  #size(byte: number): void {
    const digit = HEX[byte] ?? 255;
    if (digit !== 255) {
      this.#digits++;
      this.remaining = this.remaining * 16 + digit;
      if (this.#digits > SIZE_DIGITS_MAX) this.#state = INVALID;
    } else if (this.#digits === 0) this.#state = INVALID;
    else if (byte === CR) this.#state = SIZE_LF;
    else if (byte === SEMICOLON) this.#state = EXT_NAME_FIRST;
    else if (byte === SP || byte === HTAB) this.#state = EXT_BWS;
    else this.#state = INVALID;
  }

  #sizeLf(byte: number): void {
    this.#digits = 0;
    if (byte !== LF) this.#state = INVALID;
    else this.#state = this.remaining === 0 ? LAST : DATA;
  }

  #extension(state: number, byte: number): void {
    if (++this.#extensionBytes > this.#extensionBytesMax) this.#state = INVALID;
    else this.#state = nextExtensionState(state, byte);
  }
}

function nextExtensionState(state: number, byte: number): number {
  const blank = byte === SP || byte === HTAB;
  const token = TOKEN[byte] === 1;
  switch (state) {
    case EXT_BWS:
      return blank ? EXT_BWS : byte === SEMICOLON ? EXT_NAME_FIRST : INVALID;
    case EXT_NAME_FIRST:
      return blank ? EXT_NAME_FIRST : token ? EXT_NAME : INVALID;
    case EXT_NAME:
      return token
        ? EXT_NAME
        : byte === EQUALS
          ? EXT_VALUE_FIRST
          : afterExtension(byte, EXT_NAME_END);
    case EXT_NAME_END:
      return byte === EQUALS ? EXT_VALUE_FIRST : afterExtension(byte, EXT_NAME_END);
    case EXT_VALUE_FIRST:
      if (blank) return EXT_VALUE_FIRST;
      return byte === DQUOTE ? QUOTED : token ? EXT_VALUE : INVALID;
    case EXT_VALUE:
      return token ? EXT_VALUE : afterExtension(byte, EXT_END);
    case QUOTED:
      if (byte === DQUOTE) return EXT_END;
      return byte === BACKSLASH ? QUOTED_PAIR : FIELD_CONTENT[byte] === 1 ? QUOTED : INVALID;
    case QUOTED_PAIR:
      return FIELD_CONTENT[byte] === 1 ? QUOTED : INVALID;
    default: // EXT_END
      return afterExtension(byte, EXT_END);
  }
}

function afterExtension(byte: number, blankState: number): number {
  if (byte === CR) return SIZE_LF;
  if (byte === SEMICOLON) return EXT_NAME_FIRST;
  return byte === SP || byte === HTAB ? blankState : INVALID;
}
