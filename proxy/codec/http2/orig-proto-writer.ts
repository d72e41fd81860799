/** Writes `culvert-orig-proto` for a head of HTTP/1 that goes out as HTTP/2 (orig-proto.ts). */
import type { Head } from '../../model/head.ts';
import { COMMA, HTAB, SP, ZERO, putBytes, putText } from '../http1/bytes.ts';
import { HOP_BY_HOP } from '../http1/hop-by-hop.ts';
import { reasonPhrase } from '../http1/reason-phrase.ts';
import {
  CASE_BIT,
  HYPHEN,
  LETTER_A,
  LETTER_Z,
  LOWER_STYLE,
  NAMES,
  NAMES_BYTES_MAX,
  NAMES_MAX,
  ONE,
  ORIG_PROTO_NAME,
  REASON,
  REASON_BYTES_MAX,
  TRAIN,
  VERSION,
  isText,
} from './orig-proto.ts';

/** "HTTP/1.1 200 ": a reason phrase stands behind as much. */
const STATUS_BYTES = 13;

/** The field made last, for the thread: its name, and its value right behind it. */
export const ORIG_PROTO_FIELD: Buffer = Buffer.alloc(512);
/** Where the value begins. */
export const ORIG_PROTO_VALUE_START: number = putText(ORIG_PROTO_FIELD, 0, ORIG_PROTO_NAME);

/** How a name is written, as bits: as either style would, or as one of them, or as none. */
const IS_LOWER = 1;
const IS_TRAIN = 2;
const IS_BOTH = IS_LOWER | IS_TRAIN;

/** How many names of a head each style alone writes as they are, and how many none does. */
const counts = { lower: 0, train: 0, neither: 0 };

/**
 * Makes ORIG_PROTO_FIELD say of `head` what HTTP/2 does not; returns where the value ends. A head
 * with a status has a reason phrase, trailers and requests have none.
 */
// HOT: per exchange.
export function writeOrigProto(head: Head): number {
  const out = ORIG_PROTO_FIELD;
  let at = putText(out, ORIG_PROTO_VALUE_START, VERSION);
  out[at++] = head.minor === 0 ? ZERO : ONE;
  countStyles(head);
  const isTrain = counts.train > counts.lower;
  const odd = counts.neither + (isTrain ? counts.lower : counts.train);
  if (isTrain || odd > 0) at = putText(out, putText(out, at, NAMES), isTrain ? TRAIN : LOWER_STYLE);
  if (odd > 0) at = putNames(out, at, head, isTrain ? IS_TRAIN : IS_LOWER);
  return head.status === 0 ? at : putReason(out, at, head);
}

function countStyles(head: Head): void {
  counts.lower = 0;
  counts.train = 0;
  counts.neither = 0;
  const { bytes, fieldCount, ids, start } = head;
  for (let i = 0; i < fieldCount; i++) {
    if (HOP_BY_HOP[ids[i] ?? 0] === 1) continue;
    const styles = stylesOf(bytes, start + head.lineStart(i), start + head.nameEnd(i));
    if (styles === IS_LOWER) counts.lower++;
    else if (styles === IS_TRAIN) counts.train++;
    else if (styles !== IS_BOTH) counts.neither++;
  }
}

/** Bits of the styles that write the name bytes[start, end) as it is. */
function stylesOf(bytes: Buffer, start: number, end: number): number {
  let styles = IS_BOTH;
  let begins = true;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    const lower = byte | CASE_BIT;
    if (lower >= LETTER_A && lower <= LETTER_Z) {
      if (byte !== lower) styles &= begins ? IS_TRAIN : 0;
      else if (begins) styles &= IS_LOWER;
    }
    begins = byte === HYPHEN;
  }
  return styles;
}

/** The names that `style` does not write, each with a comma before it. */
function putNames(out: Buffer, from: number, head: Head, style: number): number {
  const { bytes, start } = head;
  let at = from;
  let names = 0;
  for (let i = 0; i < head.fieldCount && names < NAMES_MAX; i++) {
    if (HOP_BY_HOP[head.id(i)] === 1) continue;
    const nameStart = start + head.lineStart(i);
    const nameEnd = start + head.nameEnd(i);
    if ((stylesOf(bytes, nameStart, nameEnd) & style) !== 0) continue;
    if (at + 1 + nameEnd - nameStart > from + NAMES_BYTES_MAX) break;
    out[at] = COMMA;
    at = putBytes(out, at + 1, bytes, nameStart, nameEnd);
    names++;
  }
  return at;
}

/** The reason phrase without blanks around it; nothing when it is the registered one, or too long. */
function putReason(out: Buffer, from: number, head: Head): number {
  const { bytes, start } = head;
  let begin = start + STATUS_BYTES;
  let end = start + head.lineStart(0) - 2;
  while (end > begin && isBlank(bytes[end - 1])) end--;
  while (begin < end && isBlank(bytes[begin])) begin++;
  // A status line may end before the blank that a phrase stands behind.
  const length = Math.max(0, end - begin);
  if (length > REASON_BYTES_MAX || isText(bytes, begin, length, reasonPhrase(head.status))) {
    return from;
  }
  return putBytes(out, putText(out, from, REASON), bytes, begin, begin + length);
}

const isBlank = (byte: number | undefined): boolean => byte === SP || byte === HTAB;
