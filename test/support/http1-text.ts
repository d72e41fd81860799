/**
 * HTTP/1.1 messages in text that has come so far, for tests in memory: strict (RFC 9112), and apart
 * from the product's codec. One character is one byte (latin1).
 */
import { type Field, type Framing, MalformedMessageError, valuesOf } from './raw-http.ts';

/** A head of a message. */
export interface TextHead {
  readonly startLine: string;
  readonly fields: readonly Field[];
}

/** A whole message. */
export interface TextMessage extends TextHead {
  /** 1xx heads that came before this response. */
  readonly interim: readonly TextHead[];
  readonly framing: Framing;
  readonly body: string;
  readonly trailers: readonly Field[];
}

/** What text holds. */
export interface TextMessages {
  readonly messages: readonly TextMessage[];
  /** Behind the last whole message: the beginning of another, or nothing. */
  readonly rest: string;
}

/** More has to come. */
class CutError extends Error {
  override readonly name = 'CutError';
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// oxlint-disable-next-line no-control-regex -- control bytes are what must not be there
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const STATUS_LINE = /^HTTP\/1\.1 [1-9]\d\d [\t\x20-\x7e\x80-\xff]*$/;
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ (?:\/[\x21-\x7e]*|\*) HTTP\/1\.1$/;

function refuse(what: string, text: string): never {
  throw new MalformedMessageError(`${what}: ${JSON.stringify(text.slice(0, 200))}`);
}

/** Reads on in the text; throws CutError where that ends. */
class Reader {
  readonly text: string;
  at = 0;

  constructor(text: string) {
    this.text = text;
  }

  get left(): number {
    return this.text.length - this.at;
  }

  line(): string {
    const end = this.text.indexOf('\n', this.at);
    if (end === -1) throw new CutError();
    const line = this.text.slice(this.at, end + 1);
    this.at = end + 1;
    if (!line.endsWith('\r\n') || /[\r\n]/.test(line.slice(0, -2))) refuse('bare CR or LF', line);
    return line.slice(0, -2);
  }

  bytes(count: number): string {
    if (this.left < count) throw new CutError();
    this.at += count;
    return this.text.slice(this.at - count, this.at);
  }

  fields(): Field[] {
    const fields: Field[] = [];
    for (let line = this.line(); line !== ''; line = this.line()) {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon);
      const value = line.slice(colon + 1).replaceAll(/^[ \t]+|[ \t]+$/g, '');
      if (colon < 1 || !TOKEN.test(name) || !VALUE.test(value)) refuse('field line', line);
      fields.push([name, value]);
    }
    return fields;
  }

  head(pattern: RegExp): TextHead {
    const startLine = this.line();
    if (!pattern.test(startLine)) refuse('start line', startLine);
    return { startLine, fields: this.fields() };
  }

  chunks(): { readonly body: string; readonly trailers: readonly Field[] } {
    const chunks: string[] = [];
    for (;;) {
      const line = this.line();
      if (!/^[0-9A-Fa-f]{1,12}$/.test(line)) refuse('chunk size', line);
      const size = Number.parseInt(line, 16);
      if (size === 0) return { body: chunks.join(''), trailers: this.fields() };
      chunks.push(this.bytes(size));
      if (this.bytes(2) !== '\r\n') refuse('end of chunk', line);
    }
  }
}

function framingOf(head: TextHead, otherwise: Framing): Framing {
  const coding = valuesOf(head.fields, 'transfer-encoding');
  const length = valuesOf(head.fields, 'content-length');
  if (coding.length > 0 && length.length > 0) refuse('two framings', head.startLine);
  if (coding.length > 0) {
    if (coding.join().toLowerCase() !== 'chunked') refuse('transfer-coding', coding.join());
    return 'chunked';
  }
  if (length.length === 0) return otherwise;
  if (length.length > 1 || !/^\d{1,15}$/.test(length[0] ?? '')) refuse('length', length.join());
  return 'length';
}

function bodyOf(
  reader: Reader,
  head: TextHead,
  framing: Framing,
  ended: boolean,
): Pick<TextMessage, 'body' | 'trailers'> {
  if (framing === 'chunked') return reader.chunks();
  if (framing === 'none') return { body: '', trailers: [] };
  if (framing === 'length') {
    const body = reader.bytes(Number(valuesOf(head.fields, 'content-length')[0]));
    return { body, trailers: [] };
  }
  if (!ended) throw new CutError();
  return { body: reader.bytes(reader.left), trailers: [] };
}

/** Reads messages until the text ends. */
function readAll(text: string, next: (reader: Reader, count: number) => TextMessage): TextMessages {
  const reader = new Reader(text);
  const messages: TextMessage[] = [];
  let whole = 0;
  try {
    while (reader.left > 0) {
      messages.push(next(reader, messages.length));
      whole = reader.at;
    }
  } catch (error) {
    if (!(error instanceof CutError)) throw error;
  }
  return { messages, rest: text.slice(whole) };
}

/** Requests; throws MalformedMessageError where they are none. */
export const readRequests = (text: string): TextMessages =>
  readAll(text, (reader) => {
    const head = reader.head(REQUEST_LINE);
    if (valuesOf(head.fields, 'host').length !== 1) refuse('Host', head.startLine);
    const framing = framingOf(head, 'none');
    return { ...head, interim: [], framing, ...bodyOf(reader, head, framing, false) };
  });

/** Responses to requests of `methods`; `ended`: the connection has ended behind the text. */
export const readResponses = (
  text: string,
  methods: readonly string[],
  ended: boolean,
): TextMessages =>
  readAll(text, (reader, count) => {
    const interim: TextHead[] = [];
    for (;;) {
      const head = reader.head(STATUS_LINE);
      const status = Number(head.startLine.slice(9, 12));
      if (status < 200) {
        interim.push(head);
        continue;
      }
      if (count >= methods.length) refuse('a response nobody asked for', head.startLine);
      const bodiless = methods[count] === 'HEAD' || status === 204 || status === 304;
      const framing = bodiless ? 'none' : framingOf(head, 'close');
      return { ...head, interim, framing, ...bodyOf(reader, head, framing, ended) };
    }
  });
