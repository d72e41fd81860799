/**
 * Frames and field blocks of HTTP/2 for tests, right or wrong as they are asked for. Written apart
 * from the product's codec, so that the two do not share mistakes.
 */

/** Frame types by name (RFC 9113 section 6). */
export const FRAME_TYPES = [
  'DATA',
  'HEADERS',
  'PRIORITY',
  'RST_STREAM',
  'SETTINGS',
  'PUSH_PROMISE',
  'PING',
  'GOAWAY',
  'WINDOW_UPDATE',
  'CONTINUATION',
] as const;
export type FrameName = (typeof FRAME_TYPES)[number];

/** Flags by name. */
export const END_STREAM = 0x1;
export const ACK = 0x1;
export const END_HEADERS = 0x4;
export const PADDED = 0x8;
export const PRIORITY = 0x20;

/** Error codes by name (RFC 9113 section 7). */
export const ERROR_CODES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const;
export type ErrorName = (typeof ERROR_CODES)[number];

/** Settings by name (RFC 9113 section 6.5.2). */
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
  /** RFC 8441 section 3. */
  ENABLE_CONNECT_PROTOCOL: 8,
} as const;

/** Payload that every peer takes. */
const LONG_FRAME_BYTES = 16_384;

/** What a client sends first (RFC 9113 section 3.4). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Octets, or text of one character an octet. */
export type Octets = string | readonly number[] | Uint8Array;
export const octetsOf = (octets: Octets): Buffer =>
  typeof octets === 'string' ? Buffer.from(octets, 'latin1') : Buffer.from(octets);

/** One frame. `type` may be a number that no frame has. */
export function frameBytes(
  type: FrameName | number,
  flags: number,
  stream: number,
  payload: Octets = '',
): Buffer {
  const body = octetsOf(payload);
  const head = Buffer.alloc(9);
  head.writeUIntBE(body.length, 0, 3);
  head[3] = typeof type === 'number' ? type : FRAME_TYPES.indexOf(type);
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, body]);
}

/** 32-bit integers, one after the other. */
export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, i) => bytes.writeUInt32BE(value, i * 4));
  return bytes;
}

export const data = (stream: number, payload: Octets = '', flags = 0): Buffer =>
  frameBytes('DATA', flags, stream, payload);

/** HEADERS with its whole block, unless `flags` say otherwise. */
export const headers = (stream: number, block: Octets, flags = END_HEADERS): Buffer =>
  frameBytes('HEADERS', flags, stream, block);

/** HEADERS that end their stream too. */
export const lastHeaders = (stream: number, block: Octets): Buffer =>
  headers(stream, block, END_HEADERS | END_STREAM);

export const continuation = (stream: number, block: Octets, flags = END_HEADERS): Buffer =>
  frameBytes('CONTINUATION', flags, stream, block);

/** HEADERS and as many CONTINUATION frames as `block` needs, which end the stream. */
export function longHeaders(stream: number, block: Buffer): Buffer {
  const count = Math.max(1, Math.ceil(block.length / LONG_FRAME_BYTES));
  const frames = Array.from({ length: count }, (_, i) => {
    const part = block.subarray(i * LONG_FRAME_BYTES, (i + 1) * LONG_FRAME_BYTES);
    const flags = i === count - 1 ? END_HEADERS : 0;
    if (i > 0) return continuation(stream, part, flags);
    return headers(stream, part, flags | END_STREAM);
  });
  return Buffer.concat(frames);
}

export function settings(...values: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  values.forEach(([id, value], i) => {
    payload.writeUInt16BE(id, i * 6);
    payload.writeUInt32BE(value, i * 6 + 2);
  });
  return frameBytes('SETTINGS', 0, 0, payload);
}

export const settingsAck = (): Buffer => frameBytes('SETTINGS', ACK, 0);

/** `text`: eight characters. */
export const ping = (text: string, flags = 0): Buffer => frameBytes('PING', flags, 0, text);

export const windowUpdate = (stream: number, increment: number): Buffer =>
  frameBytes('WINDOW_UPDATE', 0, stream, words(increment));

export const codeOf = (code: ErrorName | number): number =>
  typeof code === 'number' ? code : ERROR_CODES.indexOf(code);

export const reset = (stream: number, code: ErrorName | number): Buffer =>
  frameBytes('RST_STREAM', 0, stream, words(codeOf(code)));

export const goaway = (lastStream: number, code: ErrorName | number, debug = ''): Buffer =>
  frameBytes('GOAWAY', 0, 0, Buffer.concat([words(lastStream, codeOf(code)), octetsOf(debug)]));

/** Five octets of PRIORITY and of HEADERS with that flag (RFC 9113 section 6.3). */
export const priorityOctets = (dependency: number, weight = 15): Buffer =>
  Buffer.concat([words(dependency), Buffer.from([weight])]);

export const priority = (stream: number, dependency: number): Buffer =>
  frameBytes('PRIORITY', 0, stream, priorityOctets(dependency));

/** `payload` with the length octet before it and the padding behind it. */
export const padded = (payload: Octets, paddingBytes: number): Buffer =>
  Buffer.concat([Buffer.from([paddingBytes]), octetsOf(payload), Buffer.alloc(paddingBytes)]);

/** An integer of RFC 7541 section 5.1 whose first octet has `pattern` above its prefix. */
export function hpackInteger(value: number, prefixBits: number, pattern = 0): Buffer {
  const most = 2 ** prefixBits - 1;
  if (value < most) return Buffer.from([pattern | value]);
  const octets = [pattern | most];
  let rest = value - most;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) | 0x80);
  return Buffer.from([...octets, rest]);
}

/** A string literal of RFC 7541 section 5.2, not Huffman coded. */
export const hpackString = (text: Octets): Buffer => {
  const octets = octetsOf(text);
  return Buffer.concat([hpackInteger(octets.length, 7), octets]);
};

/** A string literal whose octets, given as they are, are Huffman coded. */
export const huffmanString = (hex: string): Buffer => {
  const octets = Buffer.from(hex, 'hex');
  return Buffer.concat([hpackInteger(octets.length, 7, 0x80), octets]);
};

/** How a literal is represented, by its first octet (RFC 7541 section 6.2). */
export const INCREMENTAL = { pattern: 0x40, prefixBits: 6 } as const;
export const WITHOUT = { pattern: 0, prefixBits: 4 } as const;
export const NEVER = { pattern: 0x10, prefixBits: 4 } as const;
export type Literal = typeof INCREMENTAL | typeof WITHOUT | typeof NEVER;

/** A literal field; `name` is a table index or a string. */
export function literal(name: number | Octets, value: Octets, how: Literal = WITHOUT): Buffer {
  const { pattern, prefixBits } = how;
  if (typeof name === 'number') {
    return Buffer.concat([hpackInteger(name, prefixBits, pattern), hpackString(value)]);
  }
  return Buffer.concat([Buffer.from([pattern]), hpackString(name), hpackString(value)]);
}

export const indexed = (index: number): Buffer => hpackInteger(index, 7, 0x80);
export const tableSize = (bytes: number): Buffer => hpackInteger(bytes, 5, 0x20);

/** A field: its name and its value. */
export type WireField = readonly [name: string, value: string];

/** A block of literals that no table keeps. */
export const block = (...fields: readonly WireField[]): Buffer =>
  Buffer.concat(fields.map(([name, value]) => literal(name, value)));

/** A request for `path` of the authority "web", with more fields behind it. */
export const requestBlock = (method: string, path: string, ...more: readonly WireField[]): Buffer =>
  block([':method', method], [':scheme', 'http'], [':path', path], [':authority', 'web'], ...more);

export const getBlock = (...more: readonly WireField[]): Buffer =>
  requestBlock('GET', '/', ...more);

export const postBlock = (...more: readonly WireField[]): Buffer =>
  requestBlock('POST', '/', ...more);

/** CONNECT to `authority`. */
export const connectBlock = (authority: string): Buffer =>
  block([':method', 'CONNECT'], [':authority', authority]);

/** Extended CONNECT (RFC 8441) to `path` of the authority "web", with more fields behind it. */
export const upgradeBlock = (
  protocol: string,
  path: string,
  ...more: readonly WireField[]
): Buffer => requestBlock('CONNECT', path, [':protocol', protocol], ...more);

/** The head of a response, with more fields behind it. */
export const statusBlock = (status: number | string, ...more: readonly WireField[]): Buffer =>
  block([':status', `${status}`], ...more);
