/**
 * Reads messages of HTTP/1.1 off a connection, strictly: written apart from the product's codec.
 *
 *   HEAD ─ length ─> LENGTH ─┐     HEAD ─ chunked ─> SIZE ⇄ CHUNK ─ 0 ─> TRAILERS ─┐
 *    ^ └─ neither: REST until the link ends                                         │
 *    └──────────── end ──────┴──────────────────────────────────────────────────────┘
 */

/** The start line, and fields by name in lower case. */
export interface TextHead {
  readonly startLine: string;
  readonly fields: ReadonlyMap<string, string>;
}

/** Hears of one message after the other. */
export interface ReaderEvents {
  head(head: TextHead): void;
  data(bytes: Buffer): void;
  end(): void;
}

/** What came is no HTTP/1.1. */
export class NotHttp1 extends Error {
  override readonly name = 'NotHttp1';
}

type Place = 'head' | 'length' | 'size' | 'chunk' | 'trailers' | 'rest';

const NONE = Buffer.alloc(0);

/** Of requests, or of answers to requests that are not HEAD. */
export class Http1Reader {
  readonly #kind: 'request' | 'response';
  readonly #events: ReaderEvents;
  #held: Buffer = NONE;
  #place: Place = 'head';
  #left = 0;

  constructor(kind: 'request' | 'response', events: ReaderEvents) {
    this.#kind = kind;
    this.#events = events;
  }

  /** Nothing of a message has come. */
  get between(): boolean {
    return this.#place === 'head' && this.#held.length === 0;
  }

  /** Only the end of the connection says where the message ends. */
  get untilClose(): boolean {
    return this.#place === 'rest';
  }

  read(bytes: Buffer): void {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    while (this.#held.length > 0 && this.#step());
  }

  /** The other side ended: true when that ended a message in order. */
  ended(): boolean {
    if (this.#place !== 'rest') return this.between;
    this.#end();
    return true;
  }

  #step(): boolean {
    switch (this.#place) {
      case 'head':
        return this.#head();
      case 'size':
        return this.#size();
      case 'trailers':
        return this.#trailers();
      case 'rest':
        this.#events.data(this.#take(this.#held.length));
        return true;
      default:
        return this.#body();
    }
  }

  #take(size: number): Buffer {
    const bytes = this.#held.subarray(0, size);
    this.#held = this.#held.subarray(size);
    return bytes;
  }

  /** The next line without its end. */
  #line(): string | undefined {
    const at = this.#held.indexOf('\r\n');
    if (at === -1) return undefined;
    return this.#take(at + 2).toString('latin1', 0, at);
  }

  #head(): boolean {
    const at = this.#held.indexOf('\r\n\r\n');
    if (at === -1) return false;
    const [startLine = '', ...lines] = this.#take(at + 4)
      .toString('latin1', 0, at)
      .split('\r\n');
    const right = this.#kind === 'request' ? / HTTP\/1\.[01]$/ : /^HTTP\/1\.[01] \d{3} /;
    if (!right.test(startLine)) throw new NotHttp1(`the start line "${startLine}"`);
    const fields = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      if (colon < 1) throw new NotHttp1(`the field line "${line}"`);
      fields.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const interim = this.#kind === 'response' && startLine[9] === '1';
    if (!interim) this.#begin({ startLine, fields });
    return true;
  }

  #begin(head: TextHead): void {
    const length = head.fields.get('content-length');
    this.#left = Number(length ?? 0);
    if (head.fields.get('transfer-encoding') === 'chunked') this.#place = 'size';
    else if (length !== undefined || this.#kind === 'request') this.#place = 'length';
    else this.#place = 'rest';
    this.#events.head(head);
    if (this.#place === 'length' && this.#left === 0) this.#end();
  }

  #body(): boolean {
    const bytes = this.#take(Math.min(this.#left, this.#held.length));
    this.#left -= bytes.length;
    this.#events.data(bytes);
    if (this.#left > 0) return true;
    if (this.#place === 'length') this.#end();
    else {
      this.#place = 'size';
      this.#left = -1;
    }
    return true;
  }

  #size(): boolean {
    const line = this.#line();
    if (line === undefined) return false;
    // The line end behind a chunk.
    if (this.#left === -1 && line === '') {
      this.#left = 0;
      return true;
    }
    const size = Number.parseInt(line, 16);
    if (this.#left === -1 || !/^[\da-f]+(?:;.*)?$/i.test(line)) {
      throw new NotHttp1(`the chunk size "${line}"`);
    }
    this.#left = size;
    this.#place = size === 0 ? 'trailers' : 'chunk';
    return true;
  }

  #trailers(): boolean {
    const line = this.#line();
    if (line === '') this.#end();
    return line !== undefined;
  }

  #end(): void {
    this.#place = 'head';
    this.#left = 0;
    this.#events.end();
  }
}
