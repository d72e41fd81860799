/**
 * A strict HTTP/1.1 message reader for tests (RFC 9112), written apart from the product's codec and
 * in another manner (it pulls lines), so that the two do not share mistakes.
 */
import { EndOfBytesError, type PeerLink } from './scripted-peer.ts';

export type Field = readonly [name: string, value: string];
export type Framing = 'none' | 'length' | 'chunked' | 'close';

export interface Head {
  readonly startLine: string;
  readonly fields: readonly Field[];
}

export interface Message extends Head {
  /** 1xx heads that came before this response. */
  readonly interim: readonly Head[];
  readonly framing: Framing;
  /** Empty when a sink took the body. */
  readonly body: Buffer;
  readonly bodyBytes: number;
  readonly trailers: readonly Field[];
}

export interface BodySink {
  /** Takes body bytes in order; may wait, which stalls the reading. */
  readonly write: (bytes: Buffer) => void | Promise<void>;
}

/** The bytes are not a message of RFC 9112. */
export class MalformedMessageError extends Error {
  override readonly name = 'MalformedMessageError';
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// oxlint-disable-next-line no-control-regex -- control bytes are what must not be there
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const STATUS_LINE = /^HTTP\/1\.[01] [1-5]\d\d [\t\x20-\x7e\x80-\xff]*$/;
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e\x80-\xff]+ HTTP\/1\.[01]$/;

function refuse(what: string, text: string): never {
  throw new MalformedMessageError(`${what}: ${JSON.stringify(text.slice(0, 200))}`);
}

async function takeText(link: PeerLink): Promise<string> {
  const line = (await link.takeLine()).toString('latin1');
  if (!line.endsWith('\r\n') || /[\r\n]/.test(line.slice(0, -2))) refuse('bare CR or LF', line);
  return line.slice(0, -2);
}

async function takeFields(link: PeerLink): Promise<Field[]> {
  const fields: Field[] = [];
  for (;;) {
    const line = await takeText(link);
    if (line === '') return fields;
    const colon = line.indexOf(':');
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replaceAll(/^[ \t]+|[ \t]+$/g, '');
    if (colon < 1 || !TOKEN.test(name) || !VALUE.test(value)) refuse('field line', line);
    fields.push([name, value]);
  }
}

async function takeHead(link: PeerLink, pattern: RegExp): Promise<Head> {
  const startLine = await takeText(link);
  if (!pattern.test(startLine)) refuse('start line', startLine);
  return { startLine, fields: await takeFields(link) };
}

/** All values of `name`, in order; names compare without case. */
export const valuesOf = (fields: readonly Field[], name: string): string[] =>
  fields.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);

export const statusOf = (head: Head): number => Number(head.startLine.split(' ')[1]);

function framingOf(head: Head, otherwise: Framing): Framing {
  const coding = valuesOf(head.fields, 'transfer-encoding');
  const length = valuesOf(head.fields, 'content-length');
  if (coding.length > 0 && length.length > 0) refuse('two framings', head.startLine);
  if (coding.length > 0) {
    if (coding.join().toLowerCase() !== 'chunked') refuse('transfer-coding', coding.join());
    return 'chunked';
  }
  if (length.length === 0) return otherwise;
  if (length.length > 1 || !/^\d{1,15}$/.test(length[0]!)) refuse('length', length.join());
  return 'length';
}

async function takeBytes(link: PeerLink, size: number, sink: BodySink): Promise<void> {
  for (let left = size; left > 0;) {
    const bytes = await link.takeSome(left);
    if (bytes === undefined) throw new EndOfBytesError(`ended with ${left} body bytes to come`);
    left -= bytes.length;
    await sink.write(bytes);
  }
}

async function takeChunked(link: PeerLink, sink: BodySink): Promise<Field[]> {
  for (;;) {
    const line = await takeText(link);
    // Chunk extensions end at the proxy: here they are a fault.
    if (!/^[0-9A-Fa-f]{1,12}$/.test(line)) refuse('chunk size', line);
    const size = Number.parseInt(line, 16);
    if (size === 0) return takeFields(link);
    await takeBytes(link, size, sink);
    const end = (await link.take(2)).toString('latin1');
    if (end !== '\r\n') refuse('end of chunk', end);
  }
}

async function takeBody(link: PeerLink, head: Head, framing: Framing, sink?: BodySink) {
  const kept: Buffer[] = [];
  let bodyBytes = 0;
  const counting: BodySink = {
    write: (bytes) => {
      bodyBytes += bytes.length;
      if (sink !== undefined) return sink.write(bytes);
      kept.push(bytes);
      return undefined;
    },
  };
  let trailers: Field[] = [];
  if (framing === 'chunked') trailers = await takeChunked(link, counting);
  if (framing === 'length') {
    await takeBytes(link, Number(valuesOf(head.fields, 'content-length')[0]), counting);
  }
  if (framing === 'close') {
    for (;;) {
      const bytes = await link.takeSome();
      if (bytes === undefined) break;
      await counting.write(bytes);
    }
  }
  return { trailers, body: Buffer.concat(kept), bodyBytes };
}

/** One whole request; rejects with EndOfBytesError when it is cut, MalformedMessageError when bad. */
export async function readRequest(link: PeerLink, sink?: BodySink): Promise<Message> {
  return readRequestBody(link, await readRequestHead(link), sink);
}

export const readRequestHead = (link: PeerLink): Promise<Head> => takeHead(link, REQUEST_LINE);

/** The body of a request whose head has been read. */
export async function readRequestBody(
  link: PeerLink,
  head: Head,
  sink?: BodySink,
): Promise<Message> {
  const framing = framingOf(head, 'none');
  return { ...head, interim: [], framing, ...(await takeBody(link, head, framing, sink)) };
}

/** One whole response to a request with `method`; the interim responses before it are kept. */
export async function readResponse(
  link: PeerLink,
  method = 'GET',
  sink?: BodySink,
): Promise<Message> {
  const interim: Head[] = [];
  for (;;) {
    const head = await takeHead(link, STATUS_LINE);
    const status = statusOf(head);
    if (status < 200) {
      interim.push(head);
      continue;
    }
    const bodyless = method === 'HEAD' || status === 204 || status === 304;
    const framing = bodyless ? 'none' : framingOf(head, 'close');
    return { ...head, interim, framing, ...(await takeBody(link, head, framing, sink)) };
  }
}

/** Lines joined to a message head: CRLF after each and the empty line at the end. */
export const headOf = (...lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

/** The least answer that keeps the connection: 200, a Date and `body`. */
export const okAnswer = (body = 'ok', ...lines: readonly string[]): string =>
  headOf('HTTP/1.1 200 OK', `Date: ${DATE}`, `Content-Length: ${body.length}`, ...lines) + body;

export const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';
