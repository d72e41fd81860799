/** Which fields end at this hop (RFC 9110 section 7.6.1), whatever protocol the next one speaks. */
import {
  FIELD_CONNECTION,
  FIELD_CONTENT_LENGTH,
  FIELD_CULVERT,
  FIELD_HOST,
  FIELD_HTTP2_SETTINGS,
  FIELD_KEEP_ALIVE,
  FIELD_PROXY,
  FIELD_TE,
  FIELD_TRANSFER_ENCODING,
  FIELD_UPGRADE,
} from '../../model/field.ts';

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
]) {
  HOP_BY_HOP[id] = 1;
}

/** What trailers may not say: it would frame or route the message (RFC 9110 6.5.1). */
export const NOT_IN_TRAILERS: Uint8Array = HOP_BY_HOP.slice();
for (const id of [FIELD_CONTENT_LENGTH, FIELD_HOST]) NOT_IN_TRAILERS[id] = 1;
