/** Random HTTP/1.1 messages, as bytes on the wire and as what must arrive at the far end. */
import { DATE, type Field, type Framing } from './raw-http.ts';
import type { Random } from './random.ts';

/** One side of a random exchange. */
export interface RandomMessage {
  readonly startLine: string;
  /** End-to-end fields, in order. */
  readonly fields: readonly Field[];
  readonly framing: Framing;
  readonly body: Buffer;
  readonly trailers: readonly Field[];
  /** The whole message on the wire, in the pieces in which it is written. */
  readonly pieces: readonly Buffer[];
  /** The reader of this message reads little by little. */
  readonly slowReader: boolean;
}

export interface RandomPair {
  readonly id: number;
  readonly method: string;
  readonly request: RandomMessage;
  readonly response: RandomMessage;
}

const BODY_BYTES_MAX = 5_000_000;
const METHODS = [
  'GET',
  'GET',
  'POST',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'HEAD',
  'REPORT',
];
const STATUSES = [200, 200, 200, 201, 206, 301, 400, 404, 418, 500, 503, 204, 304];
const NAME_LETTERS = "abcXYZ019-_.!#$%&'*+^`|~";
const VALUE_LETTERS = 'abc XYZ,;:="<>\\/()[]{}@\t\x80\xe9\xff';
const TARGET_LETTERS = 'abcXYZ019-._~!$&()*+,;=:@%2F/';

/** Bytes that all bodies are cut from: making fresh ones for each would cost more than the test. */
export class BodySource {
  readonly #bytes: Buffer;

  constructor(random: Random) {
    this.#bytes = random.bytes(BODY_BYTES_MAX + 65_536);
  }

  take(random: Random, size: number): Buffer {
    const from = random.integer(0, this.#bytes.length - size);
    return this.#bytes.subarray(from, from + size);
  }
}

/** Mostly small, a few to 5 MB. */
function bodySize(random: Random): number {
  const kind = random.unit();
  if (kind < 0.5) return random.integer(0, 300);
  if (kind < 0.85) return random.integer(0, 20_000);
  if (kind < 0.98) return random.integer(0, 300_000);
  return random.integer(300_000, BODY_BYTES_MAX);
}

function word(random: Random, letters: string, sizeMax: number): string {
  const size = random.integer(1, sizeMax);
  return Array.from({ length: size }, () => letters[random.integer(0, letters.length - 1)]).join(
    '',
  );
}

function randomFields(random: Random, prefix: string, countMax: number): Field[] {
  return Array.from({ length: random.integer(0, countMax) }, () => {
    const value = random.chance(0.1) ? '' : word(random, VALUE_LETTERS, 40);
    return [`${prefix}${word(random, NAME_LETTERS, 12)}`, value.replaceAll(/^[ \t]+|[ \t]+$/g, '')];
  });
}

const linesOf = (fields: readonly Field[], random: Random): string =>
  fields
    .map(([name, value]) => `${name}:${random.pick(['', ' ', '\t', '  '])}${value}\r\n`)
    .join('');

function chunksOf(random: Random, body: Buffer, trailers: readonly Field[]): Buffer {
  const parts: Buffer[] = [];
  const text = (value: string) => parts.push(Buffer.from(value, 'latin1'));
  const largest = random.pick([10, 1000, 65_536, 1_000_000]);
  for (let at = 0; at < body.length;) {
    const sizeMin = Math.ceil(body.length / 500);
    const size = Math.min(body.length - at, random.integer(sizeMin, Math.max(sizeMin, largest)));
    const digits = size.toString(16);
    text(random.chance(0.5) ? digits : `0${digits.toUpperCase()}`);
    text(random.chance(0.2) ? ';a;b="c \\" d"\r\n' : '\r\n');
    parts.push(body.subarray(at, at + size));
    text('\r\n');
    at += size;
  }
  text(`0\r\n${linesOf(trailers, random)}\r\n`);
  return Buffer.concat(parts);
}

/** Cuts `wire` at random places: many small pieces at its start, where heads are. */
function cut(random: Random, wire: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  const smallFirst = random.chance(0.3);
  const largest = random.pick([50, 1500, 16_384, 65_536, 300_000]);
  for (let at = 0; at < wire.length;) {
    const few = smallFirst && pieces.length < 40;
    const size = few
      ? random.integer(1, 20)
      : Math.max(random.integer(1, largest), Math.ceil(wire.length / 200));
    pieces.push(wire.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

interface Parts {
  readonly startLine: string;
  readonly first: readonly Field[];
  readonly framing: Framing;
  readonly prefix: string;
}

function message(random: Random, source: BodySource, parts: Parts): RandomMessage {
  const { startLine, framing } = parts;
  const fields = [...parts.first, ...randomFields(random, parts.prefix, 12)];
  const body = framing === 'none' ? Buffer.alloc(0) : source.take(random, bodySize(random));
  const trailers =
    framing === 'chunked' && random.chance(0.4) ? randomFields(random, 'x-trailer-', 3) : [];
  const framed: Field[] = [];
  if (framing === 'length') framed.push(['Content-Length', `${body.length}`]);
  if (framing === 'chunked') framed.push(['Transfer-Encoding', 'chunked']);
  // The framing field stands anywhere among the others.
  const at = random.integer(0, fields.length);
  const lines = linesOf([...fields.slice(0, at), ...framed, ...fields.slice(at)], random);
  const head = Buffer.from(`${startLine}\r\n${lines}\r\n`, 'latin1');
  const onWire = framing === 'chunked' ? chunksOf(random, body, trailers) : body;
  const pieces = cut(random, Buffer.concat([head, onWire]));
  const slowReader = random.chance(0.1);
  return { startLine, fields, framing, body, trailers, pieces, slowReader };
}

/** The pair `id`; the same for the same `random` and `source`. */
export function randomPair(random: Random, source: BodySource, id: number): RandomPair {
  const method = random.pick(METHODS);
  const target = `/${id}/${random.chance(0.5) ? word(random, TARGET_LETTERS, 200) : ''}`;
  const mayHaveBody = method !== 'HEAD' && (method === 'GET' ? random.chance(0.2) : true);
  const request = message(random, source, {
    startLine: `${method} ${target} HTTP/1.1`,
    first: [
      ['Host', 'web'],
      ['X-Id', `${id}`],
    ],
    framing: mayHaveBody ? random.pick(['length', 'chunked', 'none']) : 'none',
    prefix: 'x-',
  });
  const status = random.pick(STATUSES);
  const bodyless = method === 'HEAD' || status === 204 || status === 304;
  const response = message(random, source, {
    startLine: `HTTP/1.1 ${status} ${random.pick(['OK', '', 'A long, strange r\xe9ason'])}`,
    first: [['Date', DATE]],
    framing: bodyless ? 'none' : random.pick(['length', 'length', 'chunked', 'close']),
    prefix: 'x-',
  });
  return { id, method, request, response };
}
