/** Reads `culvert-orig-proto` and gives a head back what HTTP/2 took (orig-proto.ts). */
import { FIELD_HOST, FIELD_ORIG_PROTO } from '../../model/field.ts';
import {
  type Head,
  ORIG_PROTO_HTTP1,
  ORIG_PROTO_MALFORMED,
  type OrigProto,
} from '../../model/head.ts';
import { COMMA, SEMICOLON, TOKEN, ZERO, putBytes } from '../http1/bytes.ts';
import { reasonPhrase } from '../http1/reason-phrase.ts';
import { LOWER } from './hpack/byte-hash.ts';
import type { FieldSection } from './hpack/field-section.ts';
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
  REASON,
  REASON_BYTES_MAX,
  TRAIN,
  VERSION,
  isText,
} from './orig-proto.ts';

const NONE = -1;
const VERSION_BYTES = VERSION.length + 1;

/** A value, as offsets into the bytes of its section. */
class OrigProtoValue {
  isTrain = false;
  /** The list of names; NONE where there is none. */
  namesStart = NONE;
  namesEnd = NONE;
  /** The reason phrase, which may be empty; NONE where the registered one goes. */
  reasonStart = NONE;
  reasonEnd = NONE;

  /** The one field of the section; false when it is malformed, or there twice. */
  readFrom(section: FieldSection): boolean {
    let found = NONE;
    for (let i = section.pseudoCount; i < section.count; i++) {
      if (section.id(i) !== FIELD_ORIG_PROTO) continue;
      if (found !== NONE) return false;
      found = i;
    }
    return this.#read(section.bytes, section.valueStart(found), section.valueEnd(found));
  }

  #read(bytes: Buffer, start: number, end: number): boolean {
    this.isTrain = false;
    this.namesStart = NONE;
    this.reasonStart = NONE;
    let at = start + VERSION_BYTES;
    if (at > end || !startsWith(bytes, start, end, VERSION)) return false;
    const minor = bytes[at - 1];
    if (minor !== ZERO && minor !== ONE) return false;
    if (startsWith(bytes, at, end, NAMES)) at = this.#readNames(bytes, at + NAMES.length, end);
    if (at !== NONE && startsWith(bytes, at, end, REASON)) {
      this.reasonStart = at + REASON.length;
      this.reasonEnd = end;
      return end - this.reasonStart <= REASON_BYTES_MAX;
    }
    return at === end;
  }

  /** Style and list; returns where they end, NONE when they are malformed. */
  #readNames(bytes: Buffer, from: number, end: number): number {
    this.isTrain = startsWith(bytes, from, end, TRAIN);
    if (!this.isTrain && !startsWith(bytes, from, end, LOWER_STYLE)) return NONE;
    let at = from + TRAIN.length;
    if (at === end || bytes[at] !== COMMA) return at;
    this.namesStart = ++at;
    let begun = at;
    let commas = 0;
    for (; at < end && bytes[at] !== SEMICOLON; at++) {
      const byte = bytes[at] ?? 0;
      if (byte !== COMMA && TOKEN[byte] !== 1) return NONE;
      if (byte !== COMMA) continue;
      if (at === begun) return NONE;
      begun = at + 1;
      commas++;
    }
    this.namesEnd = at;
    const tooMany = commas >= NAMES_MAX || at - this.namesStart > NAMES_BYTES_MAX;
    return at === begun || tooMany ? NONE : at;
  }
}

/** The one of the thread: read and used at once. */
const value = new OrigProtoValue();

/** The reason phrase of a response whose section has the field; empty when the field is malformed. */
export function readReason(section: FieldSection, status: number): string {
  if (!value.readFrom(section)) return '';
  if (value.reasonStart === NONE) return reasonPhrase(status);
  return section.bytes.toString('latin1', value.reasonStart, value.reasonEnd);
}

/**
 * Writes the names of `head`, whose bytes are those of the section, as the field of the section says.
 * A field that is malformed, or there twice, says nothing. Returns which of the two it was.
 */
// HOT: per exchange.
export function restoreNames(section: FieldSection, head: Head): OrigProto {
  if (!value.readFrom(section)) return ORIG_PROTO_MALFORMED;
  const { bytes, fieldCount, ids, start } = head;
  for (let i = 0; i < fieldCount; i++) {
    const nameStart = start + head.lineStart(i);
    const nameEnd = start + head.nameEnd(i);
    // All come in lower case, but for Host, which is laid for :authority.
    if (value.isTrain) toTrain(bytes, nameStart, nameEnd);
    else if (ids[i] === FIELD_HOST) toLower(bytes, nameStart, nameEnd);
  }
  if (value.namesStart !== NONE) restoreOddNames(head);
  return ORIG_PROTO_HTTP1;
}

function restoreOddNames(head: Head): void {
  const { bytes } = head;
  let begun = value.namesStart;
  for (let at = begun; at <= value.namesEnd; at++) {
    if (at < value.namesEnd && bytes[at] !== COMMA) continue;
    restoreName(head, begun, at);
    begun = at + 1;
  }
}

/** Fields that have the name bytes[from, to), letter case ignored, have it in that letter case. */
function restoreName(head: Head, from: number, to: number): void {
  const { bytes, fieldCount, start } = head;
  for (let i = 0; i < fieldCount; i++) {
    const nameStart = head.lineStart(i);
    if (head.nameEnd(i) - nameStart !== to - from) continue;
    const at = start + nameStart;
    if (isSameName(bytes, at, from, to)) putBytes(bytes, at, bytes, from, to);
  }
}

function toTrain(bytes: Buffer, start: number, end: number): void {
  let begins = true;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (begins && byte >= LETTER_A && byte <= LETTER_Z) bytes[at] = byte & ~CASE_BIT;
    begins = byte === HYPHEN;
  }
}

function toLower(bytes: Buffer, start: number, end: number): void {
  for (let at = start; at < end; at++) bytes[at] = LOWER[bytes[at] ?? 0] ?? 0;
}

/** Whether the bytes at `at` are bytes[from, to), letter case ignored. */
function isSameName(bytes: Buffer, at: number, from: number, to: number): boolean {
  const offset = at - from;
  for (let i = from; i < to; i++) {
    if (LOWER[bytes[i + offset] ?? 0] !== LOWER[bytes[i] ?? 0]) return false;
  }
  return true;
}

const startsWith = (bytes: Buffer, at: number, end: number, text: string): boolean =>
  end - at >= text.length && isText(bytes, at, text.length, text);
