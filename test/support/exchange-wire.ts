/**
 * Messages as bytes of HTTP/1.1 or frames of HTTP/2, each time in another of the ways that mean the
 * same, with fields of one hop among the others.
 */
import type { Interim, RequestMessage, ResponseMessage } from './exchange-message.ts';
import {
  block,
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  headers,
  PADDED,
  padded,
  type WireField,
} from './http2-wire.ts';
import type { Random } from './random.ts';
import type { Field } from './raw-http.ts';

type Content = Pick<RequestMessage, 'body' | 'fields' | 'length' | 'trailers'>;

/** Groups of fields that end at the next hop, with what names them. */
const OF_ONE_HOP: readonly (readonly Field[])[] = [
  [['Connection', 'keep-alive']],
  [['Keep-Alive', 'timeout=60']],
  [['Proxy-Connection', 'keep-alive']],
  [
    ['X-Hop', 'secret'],
    ['Connection', 'close-not, X-HOP'],
  ],
  [
    ['Upgrade', 'h2c'],
    ['HTTP2-Settings', 'AAMAAABkAARAAAAA'],
    ['Connection', 'Upgrade, HTTP2-Settings'],
  ],
];
const OF_THE_MESH: readonly (readonly Field[])[] = [
  [['proxy-authorization', 'x']],
  [['culvert-client-id', 'me']],
];

/** Letters of `name` in any case. */
const recased = (random: Random, name: string): string =>
  name.replaceAll(/[a-z]/g, (letter) => (random.chance(0.3) ? letter.toUpperCase() : letter));

const linesOf = (random: Random, fields: readonly Field[]): string =>
  fields
    .map(([name, value]) => {
      const blanks = random.pick(['', ' ', '\t', '  ']);
      return `${recased(random, name)}:${blanks}${value}${random.pick(['', '', ' '])}\r\n`;
    })
    .join('');

/** `fields` and some groups of `noise`; fields of one name stay in their order. */
function among(
  random: Random,
  fields: readonly Field[],
  noise: readonly (readonly Field[])[],
): Field[] {
  const all = [...fields];
  for (const group of noise) {
    if (!random.chance(0.25)) continue;
    for (const field of group) all.splice(random.integer(0, all.length), 0, field);
  }
  return all;
}

// ---- HTTP/1.1 ----

function chunksOf(random: Random, { body, trailers }: Content): string {
  const parts: string[] = [];
  const sizeMin = Math.ceil(body.length / 50);
  for (let at = 0; at < body.length;) {
    const size = Math.min(body.length - at, random.integer(sizeMin, sizeMin + 5_000));
    const extension = random.chance(0.2) ? ';a;b="c"' : '';
    parts.push(`${size.toString(16)}${extension}\r\n`, body.slice(at, at + size), '\r\n');
    at += size;
  }
  return `${parts.join('')}0\r\n${linesOf(random, trailers)}\r\n`;
}

function textOf(random: Random, startLine: string, fields: Field[], content: Content): string {
  const head = `${startLine}\r\n${linesOf(random, fields)}\r\n`;
  const chunked = fields.some(([name]) => name === 'transfer-encoding');
  return head + (chunked ? chunksOf(random, content) : content.body);
}

function targetOf(random: Random, { method, path, authority }: RequestMessage): string {
  if (authority === '' || random.chance(0.7)) return path;
  // "OPTIONS *" through a proxy has no path (RFC 9112 section 3.2.4).
  return path === '*' && method === 'OPTIONS'
    ? `http://${authority}`
    : `http://${authority}${path}`;
}

/** A request as text. */
export function requestText(random: Random, request: RequestMessage): string {
  const { method, authority, te, length, body, trailers } = request;
  const target = targetOf(random, request);
  const host = target.startsWith('http:') ? random.pick([authority, 'another']) : authority;
  const own: Field[] = [['host', host]];
  if (te) own.push(['te', random.pick(['trailers', 'gzip;q=0.5, Trailers'])], ['connection', 'TE']);
  else if (random.chance(0.1)) own.push(['te', 'gzip']);
  if (length !== undefined) own.push(['content-length', length]);
  else if (body !== '' || trailers.length > 0 || random.chance(0.3)) {
    own.push(['transfer-encoding', 'chunked']);
  }
  const all = among(random, request.fields, [...OF_ONE_HOP, ...OF_THE_MESH]);
  for (const field of own) all.splice(random.integer(0, all.length), 0, field);
  return textOf(random, `${method} ${target} HTTP/1.1`, all, request);
}

const interimText = (random: Random, [status, fields]: Interim): string =>
  `HTTP/1.1 ${status} Interim\r\n${linesOf(random, fields)}\r\n`;

/** An answer as text; `ends`: the connection ends behind it. */
export interface ResponseText {
  readonly text: string;
  readonly ends: boolean;
}

/** An answer to a request with `method` as text. */
export function responseText(
  random: Random,
  method: string,
  response: ResponseMessage,
): ResponseText {
  const { status, interim, length, trailers } = response;
  const all = among(random, response.fields, OF_ONE_HOP);
  const bodiless = method === 'HEAD' || status === 204 || status === 304;
  const ends = !bodiless && length === undefined && trailers.length === 0 && random.chance(0.3);
  const framing: Field[] = [];
  if (length !== undefined) framing.push(['content-length', length]);
  else if (!ends && status !== 204 && (!bodiless || random.chance(0.3))) {
    framing.push(['transfer-encoding', 'chunked']);
  }
  for (const field of framing) all.splice(random.integer(0, all.length), 0, field);
  const startLine = `HTTP/1.1 ${status} ${random.pick(['OK', '', 'R\xe9ason'])}`;
  const before = interim.map((one) => interimText(random, one)).join('');
  const head = `${startLine}\r\n${linesOf(random, all)}\r\n`;
  return { text: before + (bodiless ? head : textOf(random, startLine, all, response)), ends };
}

// ---- HTTP/2 ----

/** HEADERS, in pieces or whole. */
function headFrames(
  random: Random,
  stream: number,
  fields: readonly WireField[],
  endsStream: boolean,
): Buffer {
  const bytes = block(...fields);
  const flags = endsStream ? END_STREAM : 0;
  if (random.chance(0.8)) return headers(stream, bytes, flags | END_HEADERS);
  const at = random.integer(0, bytes.length);
  const first = headers(stream, bytes.subarray(0, at), flags);
  return Buffer.concat([first, continuation(stream, bytes.subarray(at))]);
}

const DATA_BYTES_MAX = 16_000;

function dataFrame(random: Random, stream: number, payload: Buffer, endsStream: boolean): Buffer {
  const flags = endsStream ? END_STREAM : 0;
  if (random.chance(0.8)) return data(stream, payload, flags);
  return data(stream, padded(payload, random.integer(0, 200)), flags | PADDED);
}

/** Everything behind the interim heads, frame by frame. */
function messageFrames(
  random: Random,
  stream: number,
  head: readonly WireField[],
  { body, trailers }: Pick<Content, 'body' | 'trailers'>,
): Buffer[] {
  const bytes = Buffer.from(body, 'latin1');
  const endsWithHead = body === '' && trailers.length === 0 && random.chance(0.7);
  const frames = [headFrames(random, stream, head, endsWithHead)];
  if (endsWithHead) return frames;
  const endsWithData = trailers.length === 0 && random.chance(0.5);
  for (let at = 0; at < bytes.length;) {
    const size = Math.min(
      bytes.length - at,
      random.integer(1 + (bytes.length >> 5), DATA_BYTES_MAX),
    );
    const last = at + size === bytes.length && endsWithData;
    frames.push(dataFrame(random, stream, bytes.subarray(at, at + size), last));
    at += size;
  }
  if (trailers.length > 0) frames.push(headFrames(random, stream, trailers, true));
  else if (!endsWithData || bytes.length === 0) {
    frames.push(dataFrame(random, stream, bytes.subarray(0, 0), true));
  }
  return frames;
}

/** `fields` with the length anywhere among them. */
function withLength(random: Random, fields: readonly Field[], length: string | undefined): Field[] {
  const all = [...fields];
  if (length === undefined) return all;
  all.splice(random.integer(0, all.length), 0, ['content-length', length]);
  return all;
}

/** A request as frames of `stream`; each is whole but for HEADERS, which stand with all of theirs. */
export function requestFrames(random: Random, stream: number, request: RequestMessage): Buffer[] {
  const { method, path, authority, te, length } = request;
  const pseudo: WireField[] = [
    [':method', method],
    [':path', path],
    [':scheme', random.pick(['http', 'http', 'https'])],
  ];
  const fields = among(random, withLength(random, request.fields, length), OF_THE_MESH);
  if (te) fields.push(['te', 'trailers']);
  const how = authority === '' ? 'none' : random.pick(['pseudo', 'pseudo', 'host', 'both']);
  if (how === 'pseudo' || how === 'both') pseudo.unshift([':authority', authority]);
  if (how === 'host' || how === 'both') {
    fields.splice(random.integer(0, fields.length), 0, ['host', authority]);
  }
  if (random.chance(0.3)) pseudo.reverse();
  return messageFrames(random, stream, [...pseudo, ...fields], request);
}

/** An answer to `method` as frames of `stream`. */
export function responseFrames(
  random: Random,
  stream: number,
  response: ResponseMessage,
): Buffer[] {
  const { status, interim, length } = response;
  const fields = withLength(random, response.fields, length);
  const before = interim.map(([code, more]) =>
    headFrames(random, stream, [[':status', `${code}`], ...more], false),
  );
  const head: WireField[] = [[':status', `${status}`], ...fields];
  return [...before, ...messageFrames(random, stream, head, response)];
}
