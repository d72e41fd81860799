/**
 * Parses the head of a request, of a response, or a trailer section (RFC 9112 sections 2 to 5 and
 * 7.1.2), strictly: CRLF only, no obs-fold, no space before the colon, no control bytes.
 *
 *   request:  METHOD -SP-> TARGET -SP-> VERSION ─┐
 *   response: STATUS_VERSION -SP-> STATUS -SP-> REASON ─┤
 *                                                       v
 *   trailers: ────────────────────────────> LINE <─CRLF─ VALUE <- OWS <─ ":" ─ NAME
 *                                             └─ CRLF ─> DONE           (LINE ─ tchar ─> NAME)
 *
 * One pass over the bytes: `parse` may be called with any cut of the input and goes on where it
 * stopped. Offsets are relative to the head's start, so the caller may move the bytes in between.
 * What is there whole at the first call, and as usual, is read without states (whole-head.ts).
 */
import { fieldId } from '../../model/field.ts';
import type { Head } from '../../model/head.ts';
import {
  COLON,
  CR,
  FIELD_CONTENT,
  HTAB,
  LF,
  NINE,
  SP,
  TOKEN,
  VERSION_BYTES,
  VISIBLE,
  ZERO,
  isVersion11,
} from './bytes.ts';
import { type HeadLimits, METHOD_BYTES_MAX } from './head-limits.ts';
import { parseWholeHead } from './whole-head.ts';

/** More bytes are needed. */
export const HEAD_INCOMPLETE = 0;
/** The head is complete and well-formed. */
export const HEAD_DONE = 1;
/** The bytes are no head. */
export const HEAD_MALFORMED = 2;
/** A well-formed start line of another major version. */
export const HEAD_VERSION = 3;
/** More bytes or more fields than allowed. */
export const HEAD_TOO_LARGE = 4;
/** A longer request target than allowed. */
export const HEAD_TARGET_TOO_LONG = 5;
/** A first line of three words of which neither target nor version is one of HTTP. */
export const HEAD_NOT_HTTP = 6;
/** What `parse` found. */
export type HeadResult =
  | typeof HEAD_INCOMPLETE
  | typeof HEAD_DONE
  | typeof HEAD_MALFORMED
  | typeof HEAD_VERSION
  | typeof HEAD_TOO_LARGE
  | typeof HEAD_TARGET_TOO_LONG
  | typeof HEAD_NOT_HTTP;

const METHOD = 0;
const TARGET = 1;
const VERSION = 2;
const STATUS_VERSION = 3;
const STATUS = 4;
const REASON = 5;
const START_LINE_LF = 6;
const LINE = 7;
const NAME = 8;
const OWS = 9;
const VALUE = 10;
const VALUE_LF = 11;
const END_LF = 12;

/** Which grammar to start with. */
export type HeadKind = 'request' | 'response' | 'trailers';
const FIRST_STATE = { request: METHOD, response: STATUS_VERSION, trailers: LINE } as const;

const VERSION_TEXT = [0x48, 0x54, 0x54, 0x50, 0x2f] as const; // HTTP/

/** A resumable parser; one a direction of a session, used for head after head. */
export class HeadParser {
  readonly head: Head;
  readonly #limits: HeadLimits;
  #state: number = METHOD;
  /** Bytes of the head consumed so far. */
  #offset = 0;
  /** Start of the element that is being read. */
  #mark = 0;
  #nameEnd = 0;
  #major = 0;

  constructor(head: Head, limits: HeadLimits) {
    this.head = head;
    this.#limits = limits;
  }

  /** Bytes of the current head consumed so far: where the next call goes on. */
  get offset(): number {
    return this.#offset;
  }

  start(kind: HeadKind): void {
    this.head.clear();
    this.#state = FIRST_STATE[kind];
    this.#offset = 0;
    this.#mark = 0;
  }

  /**
   * HOT: per byte. Goes on with the head that starts at bytes[base]; bytes before
   * base + offset are known already. On HEAD_DONE `head` is filled and `head.length` says where
   * the head ends. Every other result but HEAD_INCOMPLETE is final.
   */
  parse(bytes: Buffer, base: number, end: number): HeadResult {
    const { headBytesMax } = this.#limits;
    const stop = Math.min(end, base + headBytesMax);
    const { head } = this;
    if (this.#offset === 0 && this.#state !== LINE) {
      const whole = parseWholeHead(head, this.#state === METHOD, bytes, base, stop, this.#limits);
      if (whole > 0) {
        head.bytes = bytes;
        head.start = base;
        head.length = whole;
        this.#offset = whole;
        return HEAD_DONE;
      }
      head.clear();
    }
    let result: HeadResult = HEAD_INCOMPLETE;
    while (result === HEAD_INCOMPLETE && base + this.#offset < stop) {
      result =
        this.#state <= START_LINE_LF
          ? this.#startLine(bytes, base, stop)
          : this.#fieldLines(bytes, base, stop);
    }
    head.bytes = bytes;
    head.start = base;
    if (result === HEAD_DONE) head.length = this.#offset;
    else if (result === HEAD_INCOMPLETE) return this.#overLimit(end - base >= headBytesMax);
    return result;
  }

  #overLimit(full: boolean): HeadResult {
    if (this.#state === TARGET && this.#offset - this.#mark > this.#limits.targetBytesMax) {
      return HEAD_TARGET_TOO_LONG;
    }
    return full ? HEAD_TOO_LARGE : HEAD_INCOMPLETE;
  }

  #startLine(bytes: Buffer, base: number, stop: number): HeadResult {
    let at = base + this.#offset;
    if (this.#state === METHOD) at = this.#method(bytes, base, at, stop);
    if (this.#state === TARGET && at >= 0) {
      at = this.#target(bytes, base, at, stop);
      if (this.head.targetEnd - this.head.targetStart > this.#limits.targetBytesMax) {
        return HEAD_TARGET_TOO_LONG;
      }
    }
    if (at < 0) return HEAD_MALFORMED;
    if (this.#state === VERSION || this.#state === STATUS_VERSION) {
      at = this.#version(bytes, base, at, stop);
      if (at < 0 && this.#state === VERSION && isNoTarget(this.head, bytes, base)) {
        return HEAD_NOT_HTTP;
      }
    } else if (this.#state === STATUS) {
      at = this.#status(bytes, base, at, stop);
    } else if (this.#state === REASON) {
      at = this.#reason(bytes, at, stop);
    } else if (this.#state === START_LINE_LF && at < stop) {
      if (bytes[at] !== LF) return HEAD_MALFORMED;
      at++;
      if (this.#major !== 1) return HEAD_VERSION;
      this.#state = LINE;
      this.head.linesEnd = at - base;
    }
    if (at < 0) return HEAD_MALFORMED;
    this.#offset = at - base;
    return HEAD_INCOMPLETE;
  }

  /** Each element's reader returns where it stopped, or -1 when the element is malformed. */
  #method(bytes: Buffer, base: number, from: number, stop: number): number {
    let at = from;
    while (at < stop && TOKEN[bytes[at] ?? 0] === 1) at++;
    if (at - base > METHOD_BYTES_MAX) return -1;
    if (at === stop) return at;
    if (bytes[at] !== SP || at === base) return -1;
    this.head.methodEnd = at - base;
    at++;
    this.#mark = at - base;
    this.head.targetStart = this.#mark;
    this.#state = TARGET;
    return at;
  }

  #target(bytes: Buffer, base: number, from: number, stop: number): number {
    let at = from;
    while (at < stop && VISIBLE[bytes[at] ?? 0] === 1) at++;
    if (at === stop) return at;
    if (bytes[at] !== SP || at - base === this.#mark) return -1;
    this.head.targetEnd = at - base;
    at++;
    this.#mark = at - base;
    this.#state = VERSION;
    return at;
  }

  #reason(bytes: Buffer, from: number, stop: number): number {
    let at = from;
    while (at < stop && FIELD_CONTENT[bytes[at] ?? 0] === 1) at++;
    if (at === stop) return at;
    if (bytes[at] !== CR) return -1;
    this.#state = START_LINE_LF;
    return at + 1;
  }

  /** "HTTP/" DIGIT "." DIGIT and the byte after it; -1 when it is something else. */
  #version(bytes: Buffer, base: number, from: number, stop: number): number {
    let at = from;
    if (from === base + this.#mark && stop - from >= VERSION_BYTES && isVersion11(bytes, from)) {
      this.#major = 1;
      this.head.minor = 1;
      at = from + VERSION_BYTES;
    }
    for (; at < stop; at++) {
      const i = at - base - this.#mark;
      const byte = bytes[at] ?? 0;
      if (i < VERSION_TEXT.length) {
        if (byte !== VERSION_TEXT[i]) return -1;
      } else if (i === 6) {
        if (byte !== 0x2e) return -1;
      } else if (i < VERSION_BYTES) {
        if (byte < ZERO || byte > NINE) return -1;
        if (i === 5) this.#major = byte - ZERO;
        else this.head.minor = byte - ZERO;
      } else if (this.#state === VERSION) {
        if (byte !== CR) return -1;
        this.#state = START_LINE_LF;
        return at + 1;
      } else {
        if (byte !== SP) return -1;
        this.#state = STATUS;
        this.#mark = at + 1 - base;
        return at + 1;
      }
    }
    return at;
  }

  /** Three digits, then SP and the reason phrase, or (as some servers send it) CR at once. */
  #status(bytes: Buffer, base: number, from: number, stop: number): number {
    const head = this.head;
    let at = from;
    for (; at < stop; at++) {
      const i = at - base - this.#mark;
      const byte = bytes[at] ?? 0;
      if (i < 3) {
        if (byte < ZERO || byte > NINE) return -1;
        head.status = head.status * 10 + byte - ZERO;
        continue;
      }
      if (head.status < 100 || (byte !== SP && byte !== CR)) return -1;
      this.#state = byte === SP ? REASON : START_LINE_LF;
      return at + 1;
    }
    return at;
  }

  #fieldLines(bytes: Buffer, base: number, stop: number): HeadResult {
    const head = this.head;
    // An imported binding is read anew each time: a local one stays in a register.
    const token = TOKEN;
    const content = FIELD_CONTENT;
    let at = base + this.#offset;
    let state = this.#state;
    let mark = this.#mark;
    while (at < stop) {
      if (state === LINE) {
        if (bytes[at] === CR) {
          state = END_LF;
          at++;
          continue;
        }
        if (token[bytes[at] ?? 0] !== 1) return HEAD_MALFORMED;
        if (head.fieldCount === this.#limits.fieldCountMax) return HEAD_TOO_LARGE;
        head.linesEnd = at - base;
        state = NAME;
      }
      if (state === NAME) {
        while (at < stop && token[bytes[at] ?? 0] === 1) at++;
        if (at === stop) break;
        if (bytes[at] !== COLON) return HEAD_MALFORMED;
        this.#nameEnd = at - base;
        at++;
        state = OWS;
      }
      if (state === OWS) {
        while (at < stop && (bytes[at] === SP || bytes[at] === HTAB)) at++;
        if (at === stop) break;
        mark = at - base;
        state = VALUE;
      }
      if (state === VALUE) {
        while (at < stop && content[bytes[at] ?? 0] === 1) at++;
        if (at === stop) break;
        if (bytes[at] !== CR) return HEAD_MALFORMED;
        this.#endField(bytes, base, mark, at);
        at++;
        state = VALUE_LF;
        continue;
      }
      if (bytes[at] !== LF) return HEAD_MALFORMED;
      at++;
      if (state === END_LF) {
        this.#offset = at - base;
        return HEAD_DONE;
      }
      head.linesEnd = at - base;
      state = LINE;
    }
    this.#offset = at - base;
    this.#state = state;
    this.#mark = mark;
    return HEAD_INCOMPLETE;
  }

  #endField(bytes: Buffer, base: number, valueStart: number, at: number): void {
    const head = this.head;
    const nameStart = head.linesEnd;
    let valueEnd = at - base;
    while (valueEnd > valueStart && isBlank(bytes[base + valueEnd - 1])) valueEnd--;
    const id = fieldId(bytes, base + nameStart, base + this.#nameEnd);
    head.addField(id, nameStart, this.#nameEnd, valueStart, valueEnd);
  }
}

const isBlank = (byte: number | undefined): boolean => byte === SP || byte === HTAB;

/** Neither origin-, asterisk-, absolute- nor authority-form (RFC 9112 3.2). */
function isNoTarget({ targetEnd, targetStart }: Head, bytes: Buffer, base: number): boolean {
  const first = bytes[base + targetStart] ?? 0;
  if (first === SLASH || first === ASTERISK) return false;
  for (let at = base + targetStart; at < base + targetEnd; at++) {
    if (bytes[at] === COLON) return false;
  }
  return true;
}

const SLASH = 0x2f;
const ASTERISK = 0x2a;
