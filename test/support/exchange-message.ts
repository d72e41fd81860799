/**
 * A request and its answer as HTTP means them, whatever carries them (RFC 9110 section 6): names in
 * lower case, one character a byte, nothing of one hop. What is sent in one protocol and arrives in
 * another must be equal as such.
 */
import assert from 'node:assert/strict';
import type { Http2MemoryPeer } from './http2-memory-peer.ts';
import type { TextHead, TextMessage } from './http1-text.ts';
import { type Field, valuesOf } from './raw-http.ts';

/** What requests and answers have in common. */
interface Content {
  /** In order; without length, Host and what is of one hop. */
  readonly fields: readonly Field[];
  /** Content-Length. */
  readonly length: string | undefined;
  readonly body: string;
  readonly trailers: readonly Field[];
}

/** A request. */
export interface RequestMessage extends Content {
  readonly method: string;
  readonly path: string;
  /** Empty: it has none. */
  readonly authority: string;
  /** "TE: trailers". */
  readonly te: boolean;
}

/** An interim answer: its status and fields. */
export type Interim = readonly [status: number, fields: readonly Field[]];

/** An answer. */
export interface ResponseMessage extends Content {
  readonly status: number;
  readonly interim: readonly Interim[];
}

/** Both. */
export interface ExchangeMessages {
  readonly request: RequestMessage;
  readonly response: ResponseMessage;
}

const OF_ONE_HOP: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'host',
  'te',
  'transfer-encoding',
]);

const endToEnd = (fields: readonly Field[]): Field[] =>
  fields
    .map(([name, value]): Field => [name.toLowerCase(), value])
    .filter(([name]) => !OF_ONE_HOP.has(name) && !name.startsWith(':'));

const one = (fields: readonly Field[], name: string): string | undefined => {
  const values = valuesOf(fields, name);
  assert.ok(values.length <= 1, `${name} twice: ${values.join()}`);
  return values[0];
};

const contentOf = ({ fields, body, trailers }: TextMessage): Content => ({
  fields: endToEnd(fields),
  length: one(fields, 'content-length'),
  body,
  trailers: trailers.map(([name, value]) => [name.toLowerCase(), value]),
});

/** What came in HTTP/1.1. */
export function requestOfText(message: TextMessage): RequestMessage {
  const [method = '', path = ''] = message.startLine.split(' ');
  const authority = one(message.fields, 'host') ?? '';
  const te = one(message.fields, 'te');
  assert.ok(te === undefined || te === 'trailers', `TE: ${te}`);
  // Whoever sends TE says that it is of this hop (RFC 9110 section 10.1.4).
  if (te !== undefined) assert.equal(one(message.fields, 'connection')?.toLowerCase(), 'te');
  return { method, path, authority, te: te !== undefined, ...contentOf(message) };
}

const statusOf = ({ startLine }: TextHead): number => Number(startLine.slice(9, 12));

/** What came in HTTP/1.1. */
export const responseOfText = (message: TextMessage): ResponseMessage => ({
  status: statusOf(message),
  interim: message.interim.map((head) => [statusOf(head), endToEnd(head.fields)]),
  ...contentOf(message),
});

/** The field blocks and the body that came on a stream. */
function partsOf(peer: Http2MemoryPeer, id: number) {
  const { blocks } = peer.stream(id);
  const fields = blocks.map((block) => block.map(({ name, value }): Field => [name, value]));
  const isInterim = (all: readonly Field[]): boolean =>
    one(all, ':status')?.startsWith('1') === true;
  const interim = fields.filter(isInterim);
  const [head = [], trailers = []] = fields.slice(interim.length);
  const length = one(head, 'content-length');
  const content = { fields: endToEnd(head), length, body: peer.body(id), trailers };
  return { head, interim, content };
}

/** What came in HTTP/2. */
export function requestOfStream(peer: Http2MemoryPeer, id: number): RequestMessage {
  const { head, content } = partsOf(peer, id);
  // Between two hops of HTTP/2 in clear text stands one of HTTP/1.1, which has no other.
  assert.equal(one(head, ':scheme'), 'http');
  const authority = one(head, ':authority');
  assert.notEqual(authority, '', 'an authority that is there and empty');
  return {
    method: one(head, ':method') ?? '',
    path: one(head, ':path') ?? '',
    authority: authority ?? '',
    te: one(head, 'te') === 'trailers',
    ...content,
  };
}

/** What came in HTTP/2. */
export function responseOfStream(peer: Http2MemoryPeer, id: number): ResponseMessage {
  const { head, interim, content } = partsOf(peer, id);
  return {
    status: Number(one(head, ':status')),
    interim: interim.map((fields) => [Number(one(fields, ':status')), endToEnd(fields)]),
    ...content,
  };
}

/** Cookies that came apart arrive as one, behind the others (RFC 9113 section 8.2.3). */
function withOneCookie(fields: readonly Field[]): readonly Field[] {
  const cookies = valuesOf(fields, 'cookie');
  if (cookies.length < 2) return fields;
  const others = fields.filter(([name]) => name !== 'cookie');
  return [...others, ['cookie', cookies.filter((value) => value !== '').join('; ')]];
}

/** A length goes where trailers come: HTTP/1.1 has no place for both. */
const announcesTrailers = ({ fields }: Content): boolean => valuesOf(fields, 'trailer').length > 0;

/**
 * The length that must arrive, as it may be by `arrived`: a message that ends with its head tells it
 * also beside announced trailers.
 */
function lengthOf(sent: Content, arrived: Content): string | undefined {
  if (!announcesTrailers(sent)) return sent.length;
  const empty = sent.body === '' && sent.trailers.length === 0;
  return empty && arrived.length === '0' ? '0' : undefined;
}

/** Fails unless `arrived` is what HTTP says must have come of `sent`, over both protocols. */
export function assertRequest(sent: RequestMessage, arrived: RequestMessage): void {
  const length = lengthOf(sent, arrived);
  assert.deepEqual(arrived, { ...sent, fields: withOneCookie(sent.fields), length });
}

/** The same for an answer to `method`. */
export function assertResponse(
  method: string,
  sent: ResponseMessage,
  arrived: ResponseMessage,
): void {
  const bodiless = method === 'HEAD' || sent.status === 204 || sent.status === 304;
  let length = lengthOf(sent, arrived);
  if (sent.status === 204) length = undefined;
  // That there is no content must be said in HTTP/1.1, where nothing was said in HTTP/2.
  else if (length === undefined && sent.body === '' && !bodiless && arrived.length === '0') {
    length = '0';
  }
  assert.deepEqual(arrived, { ...sent, fields: withOneCookie(sent.fields), length });
}
