/**
 * `culvert-orig-proto`: HTTP/1 carried on HTTP/2 between two sidecars
 * (docs/decisions/011-http1-on-http2-between-sidecars.md). Its value holds what HTTP/2 has no place
 * for, so that the far end writes the head as the near end read it:
 *
 *   value = "HTTP/1." ("0" / "1") ["; names=" style *("," name)] ["; reason=" reason-phrase]
 *   style = "train" / "lower"             Content-Type / content-type; without it: lower
 *   name  = token                         as it was written, where the style writes it otherwise
 *
 * Without "reason" a status has the phrase that is registered for it. Here is what writer and reader
 * share: orig-proto-writer.ts, orig-proto-reader.ts.
 */
import { REASON_PHRASE_BYTES_MAX } from '../http1/reason-phrase.ts';

/** The field's name. */
export const ORIG_PROTO_NAME = 'culvert-orig-proto';
/** A digit follows. */
export const VERSION = 'HTTP/1.';
/** A style follows. */
export const NAMES = '; names=';
/** Each-Part-Begins-With-A-Capital. */
export const TRAIN = 'train';
/** all-in-lower-case. */
export const LOWER_STYLE = 'lower';
/** The rest of the value follows. */
export const REASON = '; reason=';

/** Names that are listed at most; others are written in the style all the same. */
export const NAMES_MAX = 16;
/** Bytes of the list at most. */
export const NAMES_BYTES_MAX = 256;
/** The room before the lines of a response has space for as much (field-section.ts). */
export const REASON_BYTES_MAX = 40;

if (REASON_PHRASE_BYTES_MAX > REASON_BYTES_MAX) throw new Error('a registered phrase is too long');

/** What letters of either case differ in. */
export const CASE_BIT = 0x20;
/** Between the parts of a name. */
export const HYPHEN = 0x2d;
export const LETTER_A = 0x61;
export const LETTER_Z = 0x7a;
export const ONE = 0x31;

/** Whether bytes[at, at + length) are `text`. */
export function isText(bytes: Buffer, at: number, length: number, text: string): boolean {
  if (length !== text.length) return false;
  for (let i = 0; i < length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false;
  return true;
}
