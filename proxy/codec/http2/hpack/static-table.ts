/** The static table (RFC 7541 appendix A): index 1 is the first entry. */
import { sectionFieldId } from './field-id.ts';

const ENTRIES: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** Entries, and the highest index of the static table; the dynamic one begins behind it. */
export const STATIC_COUNT: number = ENTRIES.length;

/** Indices of the first entry for each pseudo-field. */
export const STATIC_AUTHORITY = 1;
export const STATIC_METHOD = 2;
export const STATIC_PATH = 4;
export const STATIC_SCHEME = 6;
export const STATIC_STATUS = 8;

/** All entries as lines "name: value", CRLF. */
export const STATIC_LINES: Buffer = Buffer.from(
  ENTRIES.map(([name, value]) => `${name}: ${value}\r\n`).join(''),
  'latin1',
);
/** By index: where the line starts in STATIC_LINES. */
export const STATIC_STARTS: Int32Array = new Int32Array(STATIC_COUNT + 1);
/** By index: bytes of the name. */
export const STATIC_NAME_LENGTHS: Uint8Array = new Uint8Array(STATIC_COUNT + 1);
/** By index: bytes of the value. */
export const STATIC_VALUE_LENGTHS: Uint8Array = new Uint8Array(STATIC_COUNT + 1);
/** By index: id of the name. */
export const STATIC_IDS: Uint8Array = new Uint8Array(STATIC_COUNT + 1);

let start = 0;
for (let i = 0; i < STATIC_COUNT; i++) {
  const [name, value] = ENTRIES[i] ?? ['', ''];
  STATIC_STARTS[i + 1] = start;
  STATIC_NAME_LENGTHS[i + 1] = name.length;
  STATIC_VALUE_LENGTHS[i + 1] = value.length;
  STATIC_IDS[i + 1] = sectionFieldId(STATIC_LINES, start, start + name.length);
  start += name.length + value.length + 4;
}
