/** The header fields the data path itself reads; every other field is bytes that pass. */

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
  ['trailer', FIELD_TRAILER],
];
const PREFIXES: readonly (readonly [prefix: string, id: number])[] = [
  ['proxy-', FIELD_PROXY],
  ['culvert-', FIELD_CULVERT],
];

interface Candidate {
  readonly bytes: Uint8Array;
  readonly id: number;
  readonly prefix: boolean;
}

/** Candidates by lower-case first byte, then the few that share it are compared. */
const byFirstByte: (readonly Candidate[])[] = Array.from({ length: 256 }, () => []);
for (const [list, prefix] of [[NAMES, false] as const, [PREFIXES, true] as const]) {
  for (const [name, id] of list) {
    const bytes = new TextEncoder().encode(name);
    const first = bytes[0] ?? 0;
    byFirstByte[first] = [...(byFirstByte[first] ?? []), { bytes, id, prefix }];
  }
}

/** HOT: per frame. The id of the name in bytes[start, end), letter case ignored. */
export function fieldId(bytes: Uint8Array, start: number, end: number): number {
  const candidates = byFirstByte[(bytes[start] ?? 0) | 0x20];
  if (candidates === undefined) return FIELD_OTHER;
  const length = end - start;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i];
    if (candidate === undefined) break;
    const want = candidate.bytes;
    if (candidate.prefix ? length < want.length : length !== want.length) continue;
    let at = 1;
    // 0x20 folds A-Z; among token bytes it also folds "^" onto "~" and the like, none of which
    // stands in a known name, and "-" (0x2d) has the bit set already.
    while (at < want.length && ((bytes[start + at] ?? 0) | 0x20) === want[at]) at++;
    if (at === want.length) return candidate.id;
  }
  return FIELD_OTHER;
}
