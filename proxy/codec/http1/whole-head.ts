/**
 * The head of a message that is there whole, as most are: one straight pass, with none of the state
 * that a head in pieces needs. It only ever says yes. What is not complete, goes over a limit or is
 * not as usual is left to HeadParser (head-parser.ts), which reads it again from its start and says
 * what is wrong with it.
 */
import { fieldId } from '../../model/field.ts';
import type { Head } from '../../model/head.ts';
import {
  COLON,
  CR,
  FIELD_CONTENT,
  HTAB,
  LF,
  SP,
  TOKEN,
  VERSION_BYTES,
  VISIBLE,
  ZERO,
  isVersion11,
} from './bytes.ts';
import { type HeadLimits, METHOD_BYTES_MAX } from './head-limits.ts';

/** Where a reader below stopped, or this: not for here. */
const OTHER = -1;
/** Of values, looked at together. */
const WORD_BYTES = 4;

/**
 * HOT: per byte. Fills `head`, which is clear, from bytes[base, stop), where a request, or a
 * response, begins. Returns the head's length, or 0 when it is for HeadParser; `head` is to be
 * cleared then.
 */
export function parseWholeHead(
  head: Head,
  request: boolean,
  bytes: Buffer,
  base: number,
  stop: number,
  limits: HeadLimits,
): number {
  const lines = request
    ? requestLine(head, bytes, base, stop, limits.targetBytesMax)
    : statusLine(head, bytes, base, stop);
  if (lines === OTHER) return 0;
  const end = fieldLines(head, bytes, base, lines, stop, limits.fieldCountMax);
  return end === OTHER ? 0 : end - base;
}

/** "METHOD target HTTP/1.1" and CRLF. */
function requestLine(
  head: Head,
  bytes: Buffer,
  base: number,
  stop: number,
  targetBytesMax: number,
): number {
  const token = TOKEN;
  const visible = VISIBLE;
  let at = base;
  while (at < stop && token[bytes[at]!] === 1) at++;
  if (at === base || at - base > METHOD_BYTES_MAX || at >= stop || bytes[at] !== SP) return OTHER;
  const target = at + 1;
  at = target;
  while (at < stop && visible[bytes[at]!] === 1) at++;
  if (at === target || at - target > targetBytesMax || at >= stop || bytes[at] !== SP) return OTHER;
  const version = at + 1;
  const lines = version + VERSION_BYTES + 2;
  if (lines >= stop || !isVersion11(bytes, version)) return OTHER;
  if (bytes[lines - 2] !== CR || bytes[lines - 1] !== LF) return OTHER;
  head.methodEnd = target - 1 - base;
  head.targetStart = target - base;
  head.targetEnd = at - base;
  head.minor = 1;
  return lines;
}

/** "HTTP/1.1 200 reason" and CRLF. */
function statusLine(head: Head, bytes: Buffer, base: number, stop: number): number {
  const content = FIELD_CONTENT;
  const status = base + VERSION_BYTES + 1;
  const reason = status + 4;
  if (reason >= stop || !isVersion11(bytes, base)) return OTHER;
  if (bytes[status - 1] !== SP || bytes[reason - 1] !== SP) return OTHER;
  const hundreds = bytes[status]! - ZERO;
  const tens = bytes[status + 1]! - ZERO;
  const ones = bytes[status + 2]! - ZERO;
  if (hundreds < 1 || hundreds > 9 || tens < 0 || tens > 9 || ones < 0 || ones > 9) return OTHER;
  let at = reason;
  while (at < stop && content[bytes[at]!] === 1) at++;
  if (at + 1 >= stop || bytes[at] !== CR || bytes[at + 1] !== LF) return OTHER;
  head.status = hundreds * 100 + tens * 10 + ones;
  head.minor = 1;
  return at + 2;
}

/** Field lines and the empty line behind them. */
function fieldLines(
  head: Head,
  bytes: Buffer,
  base: number,
  from: number,
  stop: number,
  fieldCountMax: number,
): number {
  const token = TOKEN;
  const content = FIELD_CONTENT;
  const view = viewOf(bytes);
  const lastWord = stop - WORD_BYTES;
  let at = from;
  for (;;) {
    const name = at;
    while (at < stop && token[bytes[at]!] === 1) at++;
    if (at + 1 >= stop) return OTHER;
    if (at === name) break;
    if (bytes[at] !== COLON) return OTHER;
    const nameEnd = at++;
    while (at < stop && (bytes[at] === SP || bytes[at] === HTAB)) at++;
    const value = at;
    while (at <= lastWord && isPlain(view.getInt32(at, true))) at += WORD_BYTES;
    while (at < stop && content[bytes[at]!] === 1) at++;
    if (at + 1 >= stop || bytes[at] !== CR || bytes[at + 1] !== LF) return OTHER;
    let valueEnd = at;
    while (valueEnd > value && (bytes[valueEnd - 1] === SP || bytes[valueEnd - 1] === HTAB))
      valueEnd--;
    if (head.fieldCount === fieldCountMax) return OTHER;
    const id = fieldId(bytes, name, nameEnd);
    head.addField(id, name - base, nameEnd - base, value - base, valueEnd - base);
    at += 2;
  }
  if (bytes[at] !== CR || bytes[at + 1] !== LF) return OTHER;
  head.linesEnd = at - base;
  return at + 2;
}

/**
 * Whether each of four bytes is a visible one of ASCII, or SP: none of them has its high bit set, goes
 * below 0 when 0x20 is taken away, or is DEL, of which only zero is left. Bytes beside each other may
 * borrow: then it says no, and each is looked at alone.
 */
const isPlain = (word: number): boolean =>
  ((word | (word - 0x20202020) | ((word ^ 0x7f7f7f7f) - 0x01010101)) & 0x80808080) === 0;

/** The buffer of the last head, and a view of it: mostly all heads of a thread lie in one. */
let lastBytes: Buffer = Buffer.alloc(0);
let lastView = new DataView<ArrayBufferLike>(lastBytes.buffer);

function viewOf(bytes: Buffer): DataView {
  if (bytes !== lastBytes) {
    lastBytes = bytes;
    lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  return lastView;
}
