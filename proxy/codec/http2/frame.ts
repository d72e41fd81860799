/**
 * The frame of HTTP/2 (RFC 9113 section 4.1): types, flags, sizes, and reading its integers.
 *
 *   | length (24) | type (8) | flags (8) | R (1) stream (31) | payload (length octets) …
 */

/** Frame types (RFC 9113 section 6). */
export const FRAME_DATA = 0x0;
export const FRAME_HEADERS = 0x1;
export const FRAME_PRIORITY = 0x2;
export const FRAME_RST_STREAM = 0x3;
export const FRAME_SETTINGS = 0x4;
export const FRAME_PUSH_PROMISE = 0x5;
export const FRAME_PING = 0x6;
export const FRAME_GOAWAY = 0x7;
export const FRAME_WINDOW_UPDATE = 0x8;
export const FRAME_CONTINUATION = 0x9;

/** Flags: of DATA and HEADERS; of SETTINGS and PING; of what carries a field block or padding. */
export const FLAG_END_STREAM = 0x1;
export const FLAG_ACK = 0x1;
export const FLAG_END_HEADERS = 0x4;
export const FLAG_PADDED = 0x8;
export const FLAG_PRIORITY = 0x20;

/** Octets of a frame before its payload. */
export const FRAME_HEADER_BYTES = 9;
/** Payload everybody takes: the least and the initial SETTINGS_MAX_FRAME_SIZE, and what we announce. */
export const FRAME_BYTES_DEFAULT = 16_384;
/** Largest SETTINGS_MAX_FRAME_SIZE. */
export const FRAME_BYTES_LIMIT = 0xff_ffff;
/** Largest stream id, and largest flow-control window. */
export const STREAM_ID_MAX = 0x7fff_ffff;
export const WINDOW_BYTES_MAX = 0x7fff_ffff;
/** Window of a new connection, and of a new stream before SETTINGS say otherwise. */
export const WINDOW_BYTES_DEFAULT = 65_535;
/** Payload of a PING. */
export const PING_BYTES = 8;

/** HOT: per frame. The 31-bit integer at `at`, its reserved bit ignored. */
export function uint31(bytes: Buffer, at: number): number {
  return (
    (((bytes[at] ?? 0) & 0x7f) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}

/** HOT: per frame. The 32-bit integer at `at`. */
export function uint32(bytes: Buffer, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}
