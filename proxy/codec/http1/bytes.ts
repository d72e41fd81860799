/** Bytes and byte classes of RFC 9110 section 5.6 and RFC 9112. */

export const HTAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SP = 0x20;
export const DQUOTE = 0x22;
export const COMMA = 0x2c;
export const ZERO = 0x30;
export const NINE = 0x39;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const BACKSLASH = 0x5c;

/** tchar: what names and methods are made of. */
export const TOKEN: Uint8Array = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  TOKEN[character.charCodeAt(0)] = 1;
}

/** field-content: HTAB, SP, VCHAR and obs-text. */
export const FIELD_CONTENT: Uint8Array = new Uint8Array(256);
FIELD_CONTENT.fill(1, 0x20, 0x7f);
FIELD_CONTENT.fill(1, 0x80);
FIELD_CONTENT[HTAB] = 1;

/** What a request target may hold on the wire: VCHAR (a URI is ASCII) but "#", never sent. */
export const VISIBLE: Uint8Array = new Uint8Array(256);
VISIBLE.fill(1, 0x21, 0x7f);
VISIBLE[0x23] = 0;

/** Value of a hexadecimal digit, 255 for every other byte. */
export const HEX: Uint8Array = new Uint8Array(256).fill(255);
for (let i = 0; i < 10; i++) HEX[ZERO + i] = i;
for (let i = 0; i < 6; i++) {
  HEX[0x41 + i] = 10 + i;
  HEX[0x61 + i] = 10 + i;
}

/** Puts ASCII `text`, which is short, into `out` at `from`; returns where it stopped. */
export function putText(out: Uint8Array, from: number, text: string): number {
  for (let i = 0; i < text.length; i++) out[from + i] = text.charCodeAt(i);
  return from + text.length;
}

/** Above this many bytes a native copy is cheaper than a loop. */
const LOOP_BYTES_MAX = 32;

/** Puts bytes[start, end) into `out` at `at`; returns where it stopped. */
// HOT: per frame.
export function putBytes(
  out: Buffer,
  at: number,
  bytes: Buffer,
  start: number,
  end: number,
): number {
  if (end - start > LOOP_BYTES_MAX) {
    bytes.copy(out, at, start, end);
    return at + end - start;
  }
  let to = at;
  for (let from = start; from < end; from++) out[to++] = bytes[from] ?? 0;
  return to;
}

/** Whether bytes[start, end) are the bytes of `want`. */
export function equalBytes(
  want: Uint8Array,
  bytes: Uint8Array,
  start: number,
  end: number,
): boolean {
  if (end - start !== want.length) return false;
  for (let i = 0; i < want.length; i++) if (bytes[start + i] !== want[i]) return false;
  return true;
}

/** "HTTP/1.1" */
export const VERSION_BYTES = 8;

/** Whether the usual version stands in bytes[at, at + VERSION_BYTES), which are there. */
export const isVersion11 = (bytes: Buffer, at: number): boolean =>
  bytes[at] === 0x48 &&
  bytes[at + 1] === 0x54 &&
  bytes[at + 2] === 0x54 &&
  bytes[at + 3] === 0x50 &&
  bytes[at + 4] === 0x2f &&
  bytes[at + 5] === 0x31 &&
  bytes[at + 6] === 0x2e &&
  bytes[at + 7] === 0x31;
