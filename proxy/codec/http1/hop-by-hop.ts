/** Which fields end at this hop (RFC 9110 section 7.6.1), whatever protocol the next one speaks. */
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_CULVERT,
  FIELD_HOST,
  FIELD_HTTP2_SETTINGS,
  FIELD_KEEP_ALIVE,
  FIELD_ORIG_PROTO,
  FIELD_PROXY,
  FIELD_TE,
  FIELD_TRANSFER_ENCODING,
  FIELD_UPGRADE,
} from '../../model/field.ts';
import type { Head } from '../../model/head.ts';

/** By field id: 1 where the field ends at this hop. */
export const HOP_BY_HOP: Uint8Array = new Uint8Array(32);
for (const id of [
  FIELD_CONNECTION,
  FIELD_KEEP_ALIVE,
  FIELD_PROXY,
  FIELD_TE,
  FIELD_TRANSFER_ENCODING,
  FIELD_UPGRADE,
  FIELD_HTTP2_SETTINGS,
  FIELD_CULVERT,
  FIELD_ORIG_PROTO,
]) {
  HOP_BY_HOP[id] = 1;
}

/** The same for a head that may not tell a length: chunked, 1xx or 204 (RFC 9110 8.6, RFC 9112 6.2). */
export const HOP_BY_HOP_OR_LENGTH: Uint8Array = HOP_BY_HOP.slice();
HOP_BY_HOP_OR_LENGTH[FIELD_CONTENT_LENGTH] = 1;

/** HOP_BY_HOP of a head that asks for an upgrade: that goes on. */
export const HOP_BY_HOP_BUT_UPGRADE: Uint8Array = HOP_BY_HOP.slice();
HOP_BY_HOP_BUT_UPGRADE[FIELD_UPGRADE] = 0;

/** HOP_BY_HOP_OR_LENGTH of a head that asks for an upgrade, or grants it. */
export const HOP_BY_HOP_OR_LENGTH_BUT_UPGRADE: Uint8Array = HOP_BY_HOP_OR_LENGTH.slice();
HOP_BY_HOP_OR_LENGTH_BUT_UPGRADE[FIELD_UPGRADE] = 0;

/** What no writer lets into trailers (RFC 9110 6.5.1). */
export const NOT_IN_TRAILERS: Uint8Array = HOP_BY_HOP_OR_LENGTH.slice();
NOT_IN_TRAILERS[FIELD_HOST] = 1;

/**
 * By field id: 1 where the field in trailers would frame or route a message that has been framed and
 * routed already. Whoever sends it means mischief or is broken: the message is refused.
 */
const FRAMING: Uint8Array = new Uint8Array(HOP_BY_HOP.length);
for (const id of [
  FIELD_CONNECTION,
  FIELD_KEEP_ALIVE,
  FIELD_TRANSFER_ENCODING,
  FIELD_UPGRADE,
  FIELD_CONTENT_LENGTH,
  FIELD_HOST,
]) {
  FRAMING[id] = 1;
}

/** Whether trailers say what only a head may: no message with such trailers is well-formed. */
export function isFramedByTrailers({ fieldCount, ids }: Head): boolean {
  for (let i = 0; i < fieldCount; i++) if (FRAMING[ids[i] ?? 0] === 1) return true;
  return false;
}
