/**
 * The header fields the data path itself reads; every other field is bytes that pass. Ids are below
 * 32: a set of them is a number.
 */

export const FIELD_OTHER = 0;
export const FIELD_CONNECTION = 1;
export const FIELD_KEEP_ALIVE = 2;
/** Proxy-Connection, Proxy-Authorization, Proxy-Authenticate and their like. */
export const FIELD_PROXY = 3;
export const FIELD_TE = 4;
export const FIELD_TRANSFER_ENCODING = 5;
export const FIELD_UPGRADE = 6;
export const FIELD_CONTENT_LENGTH = 7;
export const FIELD_HOST = 8;
export const FIELD_EXPECT = 9;
export const FIELD_HTTP2_SETTINGS = 10;
export const FIELD_CONTENT_TYPE = 11;
/** culvert-*: ours, never taken from outside. */
export const FIELD_CULVERT = 12;
export const FIELD_GRPC_STATUS = 13;
export const FIELD_TRAILER = 14;
export const FIELD_COOKIE = 15;
export const FIELD_SET_COOKIE = 16;
export const FIELD_AUTHORIZATION = 17;
export const FIELD_GRPC_TIMEOUT = 18;
/** culvert-orig-proto, from peers only: the message is one of HTTP/1 (codec/http2/orig-proto.ts). */
export const FIELD_ORIG_PROTO = 19;
export const FIELD_WEBSOCKET_KEY = 20;
export const FIELD_WEBSOCKET_ACCEPT = 21;

const NAMES: readonly (readonly [name: string, id: number])[] = [
  ['connection', FIELD_CONNECTION],
  ['keep-alive', FIELD_KEEP_ALIVE],
  ['te', FIELD_TE],
  ['transfer-encoding', FIELD_TRANSFER_ENCODING],
  ['upgrade', FIELD_UPGRADE],
  ['content-length', FIELD_CONTENT_LENGTH],
  ['host', FIELD_HOST],
  ['expect', FIELD_EXPECT],
  ['http2-settings', FIELD_HTTP2_SETTINGS],
  ['content-type', FIELD_CONTENT_TYPE],
  ['grpc-status', FIELD_GRPC_STATUS],
  ['grpc-timeout', FIELD_GRPC_TIMEOUT],
  ['trailer', FIELD_TRAILER],
  ['cookie', FIELD_COOKIE],
  ['set-cookie', FIELD_SET_COOKIE],
  ['authorization', FIELD_AUTHORIZATION],
  ['culvert-orig-proto', FIELD_ORIG_PROTO],
  ['sec-websocket-key', FIELD_WEBSOCKET_KEY],
  ['sec-websocket-accept', FIELD_WEBSOCKET_ACCEPT],
];
const PREFIXES: readonly (readonly [prefix: string, id: number])[] = [
  ['proxy-', FIELD_PROXY],
  ['culvert-', FIELD_CULVERT],
];

interface Known {
  /** A plain array: V8 reads a small one faster than a typed one. */
  readonly bytes: readonly number[];
  readonly id: number;
}

const known = ([name, id]: readonly [string, number]): Known => ({
  bytes: [...new TextEncoder().encode(name)],
  id,
});

/** Longest known name. */
const NAME_BYTES_MAX = Math.max(...NAMES.map(([name]) => name.length));

/** Names by length and by first letter (its lowest five bits, equal in both cases). */
const byShape: (Known | undefined)[] = Array.from({ length: (NAME_BYTES_MAX + 1) * 32 });
for (const name of NAMES.map(known)) {
  const shape = shapeOf(name.bytes.length, name.bytes[0] ?? 0);
  if (byShape[shape] !== undefined) throw new Error('two known names share a length and letter');
  byShape[shape] = name;
}

const byFirstLetter: (Known | undefined)[] = Array.from({ length: 32 });
for (const prefix of PREFIXES.map(known)) byFirstLetter[(prefix.bytes[0] ?? 0) & 31] = prefix;

function shapeOf(length: number, first: number): number {
  return length * 32 + (first & 31);
}

/** HOT: per frame. The id of the name in bytes[start, end), letter case ignored. */
export function fieldId(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const first = bytes[start] ?? 0;
  if (length <= NAME_BYTES_MAX) {
    const name = byShape[shapeOf(length, first)];
    if (name !== undefined && startsWith(bytes, start, name.bytes)) return name.id;
  }
  const prefix = byFirstLetter[first & 31];
  if (prefix === undefined || length < prefix.bytes.length) return FIELD_OTHER;
  return startsWith(bytes, start, prefix.bytes) ? prefix.id : FIELD_OTHER;
}

/**
 * 0x20 folds A-Z; among token bytes it also folds "^" onto "~" and the like, none of which stands
 * in a known name, and "-" (0x2d) has the bit set already.
 */
function startsWith(bytes: Uint8Array, start: number, want: readonly number[]): boolean {
  for (let i = 0; i < want.length; i++) {
    if (((bytes[start + i] ?? 0) | 0x20) !== want[i]) return false;
  }
  return true;
}
