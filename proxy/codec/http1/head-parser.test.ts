import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldsOf } from '../../../test/support/heads.ts';
import { Head } from '../../model/head.ts';
import type { HeadLimits } from './head-limits.ts';
import {
  HEAD_DONE,
  HEAD_INCOMPLETE,
  HEAD_MALFORMED,
  HEAD_NOT_HTTP,
  HEAD_TARGET_TOO_LONG,
  HEAD_TOO_LARGE,
  HEAD_VERSION,
  type HeadKind,
  HeadParser,
  type HeadResult,
} from './head-parser.ts';

const LIMITS: HeadLimits = { headBytesMax: 200, fieldCountMax: 4, targetBytesMax: 20 };

interface Parsed {
  readonly result: HeadResult;
  /** What the head says; only when it is done. */
  readonly head: string;
}

/** The reason phrase: what stands behind "HTTP/1.1 200 ". */
const reasonOf = (head: Head): string => head.text(0, Math.max(0, head.lineStart(0) - 2)).slice(13);

function describe(kind: HeadKind, head: Head): string {
  const fields = fieldsOf(head).map(([name, value]) => `${name}=${value}`);
  const start = {
    request: `${head.method()} ${head.target()} ${head.minor}`,
    response: `${head.status} ${reasonOf(head)} ${head.minor}`,
    trailers: '',
  }[kind];
  return [start, ...fields, head.linesEnd, head.length].join('|');
}

/** Feeds `bytes` up to each of `stops`, at another place in another buffer each time. */
function feed(kind: HeadKind, bytes: Buffer, stops: Iterable<number>): Parsed {
  const parser = new HeadParser(new Head(), LIMITS);
  parser.start(kind);
  let base = 0;
  for (const stop of stops) {
    base = (base + 7) % 19;
    const moved = Buffer.alloc(base + bytes.length, 0x3f);
    bytes.copy(moved, base, 0, stop);
    const result = parser.parse(moved, base, base + stop);
    if (result === HEAD_INCOMPLETE) continue;
    return { result, head: result === HEAD_DONE ? describe(kind, parser.head) : '' };
  }
  return { result: HEAD_INCOMPLETE, head: '' };
}

function* upTo(length: number): Iterable<number> {
  for (let stop = 0; stop <= length; stop++) yield stop;
}

/** However the bytes are cut, the outcome is the same. */
function parseEveryWay(kind: HeadKind, text: string): Parsed {
  const bytes = Buffer.from(text, 'latin1');
  const whole = feed(kind, bytes, [bytes.length]);
  assert.deepEqual(feed(kind, bytes, upTo(bytes.length)), whole, 'byte by byte');
  for (const cut of upTo(bytes.length)) {
    assert.deepEqual(feed(kind, bytes, [cut, bytes.length]), whole, `cut at ${cut}`);
  }
  return whole;
}

const DONE: readonly (readonly [kind: HeadKind, text: string, head: string])[] = [
  ['request', 'GET / HTTP/1.1\r\n\r\n', 'GET / 1|16|18'],
  ['request', 'GET / HTTP/1.0\r\n\r\n', 'GET / 0|16|18'],
  ['request', 'GET / HTTP/1.9\r\n\r\n', 'GET / 9|16|18'],
  ['request', "!#$%&'*+-.^_`|~9Aa * HTTP/1.1\r\n\r\n", "!#$%&'*+-.^_`|~9Aa * 1|31|33"],
  ['request', 'GET http://a/b?c HTTP/1.1\r\nHost: a\r\n\r\n', 'GET http://a/b?c 1|Host=a|36|38'],
  ['request', 'GET / HTTP/1.1\r\nA:\r\nB: \t\r\nC:c\r\n\r\n', 'GET / 1|A=|B=|C=c|31|33'],
  ['request', 'GET / HTTP/1.1\r\nA: \t b \tc \t\r\n\r\n', 'GET / 1|A=b \tc|29|31'],
  ['request', 'GET / HTTP/1.1\r\nA: \x80\xff"\r\n\r\n', 'GET / 1|A=\x80\xff"|24|26'],
  ['request', 'GET / HTTP/1.1\r\nA: :\r\n\r\nGET ', 'GET / 1|A=:|22|24'],
  ['request', 'G / HTTP/1.1\r\na:1\r\nb:2\r\nc:3\r\nd:4\r\n\r\n', 'G / 1|a=1|b=2|c=3|d=4|34|36'],
  ['response', 'HTTP/1.1 200 OK\r\n\r\n', '200 OK 1|17|19'],
  ['response', 'HTTP/1.0 404 Not\tF\xf6und\r\nA: b\r\n\r\n', '404 Not\tF\xf6und 0|A=b|30|32'],
  ['response', 'HTTP/1.1 204 \r\n\r\n', '204  1|15|17'],
  ['response', 'HTTP/1.1 204\r\n\r\n', '204  1|14|16'],
  ['response', 'HTTP/1.1 999 x\r\n\r\n', '999 x 1|16|18'],
  ['response', 'HTTP/1.1 100 Continue\r\n\r\nHTTP', '100 Continue 1|23|25'],
  ['trailers', '\r\n', '|0|2'],
  ['trailers', 'A: b\r\nGrpc-Status: 0\r\n\r\nmore', '|A=b|Grpc-Status=0|22|24'],
];

for (const [kind, text, head] of DONE) {
  test(`HeadParser reads the ${kind} ${JSON.stringify(text)}`, () => {
    assert.deepEqual(parseEveryWay(kind, text), { result: HEAD_DONE, head });
  });
}

const line = (field: string): string => `GET / HTTP/1.1\r\n${field}\r\n\r\n`;
const LONG_TARGET = `/${'a'.repeat(20)}`;
const REFUSED: readonly (readonly [kind: HeadKind, text: string, result: HeadResult])[] = [
  // Start line of a request.
  ['request', ' GET / HTTP/1.1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET  / HTTP/1.1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET /  HTTP/1.1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET\t/ HTTP/1.1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'G(T / HTTP/1.1\r\n\r\n', HEAD_MALFORMED],
  ['request', `${'M'.repeat(65)} / HTTP/1.1\r\n\r\n`, HEAD_MALFORMED],
  ['request', 'GET\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET /\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET  HTTP/1.1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET /\x7f HTTP/1.1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET /\x80 HTTP/1.1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET /a#b HTTP/1.1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET / HTTP/1.1 \r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET / HTTP/1.1\n\n', HEAD_MALFORMED],
  ['request', 'GET / HTTP/1.1\r\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET / http/1.1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET / HTTP/1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET / HTTP/11.1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET / HTTP/1.10\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET / HTTP/1,1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET / HTTP/a.1\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET / HTTPS/1.1\r\n\r\n', HEAD_MALFORMED],
  ['request', '\x16\x03\x01\x02\x00\x01\x00\x01', HEAD_MALFORMED],
  ['request', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', HEAD_VERSION],
  ['request', 'A B CONNECTION\r\n\r\n', HEAD_NOT_HTTP],
  ['request', 'GET / FOO\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET http://a FOO\r\n\r\n', HEAD_MALFORMED],
  ['request', 'GET / HTTP/0.9\r\n\r\n', HEAD_VERSION],
  ['request', 'GET / HTTP/3.1\r\n\r\n', HEAD_VERSION],
  // Status line.
  ['response', 'HTTP/1.1  200 OK\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 20 OK\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 2000 OK\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 099 OK\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 2x0 OK\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 :00 OK\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 2:0 OK\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 20: OK\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 2/0 OK\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 20/ OK\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 200\tOK\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 200 O\x00K\r\n\r\n', HEAD_MALFORMED],
  ['response', 'HTTP/1.1 200 OK\n\n', HEAD_MALFORMED],
  ['response', 'HTTP/2.0 200 OK\r\n\r\n', HEAD_VERSION],
  ['response', 'ICY 200 OK\r\n\r\n', HEAD_MALFORMED],
  ['response', '\r\nHTTP/1.1 200 OK\r\n\r\n', HEAD_MALFORMED],
  // Field lines.
  ['request', line(' A: b'), HEAD_MALFORMED],
  ['request', line('A: b\r\n c'), HEAD_MALFORMED],
  ['request', line('A: b\r\n\tc'), HEAD_MALFORMED],
  ['request', line('A : b'), HEAD_MALFORMED],
  ['request', line('A\t: b'), HEAD_MALFORMED],
  ['request', line(': b'), HEAD_MALFORMED],
  ['request', line('A'), HEAD_MALFORMED],
  ['request', line('A(: b'), HEAD_MALFORMED],
  ['request', line('A\xe9: b'), HEAD_MALFORMED],
  ['request', line('A: b\rc'), HEAD_MALFORMED],
  ['request', line('A: b\nC: d'), HEAD_MALFORMED],
  ['request', line('A: \x00'), HEAD_MALFORMED],
  ['request', line('A: \x7f'), HEAD_MALFORMED],
  ['request', line('A: \x0b'), HEAD_MALFORMED],
  ['request', line('A: bcde fgh\x7fijkl'), HEAD_MALFORMED],
  ['request', line('A: bcde fg\x1fhijkl'), HEAD_MALFORMED],
  ['request', line('A: bcde f\x00ghijkl'), HEAD_MALFORMED],
  ['request', line('A: bcde \rfghijkl'), HEAD_MALFORMED],
  ['request', line('A: b\r\n\rX'), HEAD_MALFORMED],
  ['request', 'GET / HTTP/1.1\r\nA: b\r\n\n', HEAD_MALFORMED],
  ['trailers', 'A: b\r\n c\r\n\r\n', HEAD_MALFORMED],
  ['trailers', '\n', HEAD_MALFORMED],
  ['trailers', '\r\r\n', HEAD_MALFORMED],
  // Limits.
  ['request', line('a:1\r\nb:2\r\nc:3\r\nd:4\r\ne:5'), HEAD_TOO_LARGE],
  ['request', line(`A: ${'b'.repeat(200)}`), HEAD_TOO_LARGE],
  ['request', 'G'.repeat(300), HEAD_MALFORMED],
  ['response', `HTTP/1.1 200 ${'x'.repeat(300)}`, HEAD_TOO_LARGE],
  ['trailers', 'a:1\r\nb:2\r\nc:3\r\nd:4\r\ne:5\r\n\r\n', HEAD_TOO_LARGE],
  ['request', `GET ${LONG_TARGET} HTTP/1.1\r\n\r\n`, HEAD_TARGET_TOO_LONG],
  ['request', `GET ${LONG_TARGET}`, HEAD_TARGET_TOO_LONG],
  ['request', `GET ${'/'.repeat(400)}`, HEAD_TARGET_TOO_LONG],
];

for (const [kind, text, result] of REFUSED) {
  test(`HeadParser refuses the ${kind} ${JSON.stringify(text.slice(0, 60))}`, () => {
    assert.deepEqual(parseEveryWay(kind, text), { result, head: '' });
  });
}

test('HeadParser wants more of every true beginning of a head', () => {
  for (const [kind, text] of DONE) {
    const bytes = Buffer.from(text, 'latin1');
    const length = text.indexOf('\r\n\r\n') === -1 ? 2 : text.indexOf('\r\n\r\n') + 4;
    for (let stop = 0; stop < length; stop++) {
      assert.equal(feed(kind, bytes, [stop]).result, HEAD_INCOMPLETE, `${text} at ${stop}`);
    }
  }
});

test('HeadParser takes a head and a target of exactly their limits, and nothing longer', () => {
  const room = LIMITS.headBytesMax - line('A: ').length;
  assert.equal(parseEveryWay('request', line(`A: ${'b'.repeat(room)}`)).result, HEAD_DONE);
  assert.equal(parseEveryWay('request', line(`A: ${'b'.repeat(room + 1)}`)).result, HEAD_TOO_LARGE);
  const target = LONG_TARGET.slice(0, LIMITS.targetBytesMax);
  assert.equal(parseEveryWay('request', `GET ${target} HTTP/1.1\r\n\r\n`).result, HEAD_DONE);
});

test('HeadParser reads one head after another', () => {
  const parser = new HeadParser(new Head(), LIMITS);
  const bytes = Buffer.from('PUT /a HTTP/1.0\r\nA: b\r\n\r\nGET / HTTP/1.1\r\n\r\n', 'latin1');
  parser.start('request');
  assert.equal(parser.parse(bytes, 0, bytes.length), HEAD_DONE);
  assert.equal(describe('request', parser.head), 'PUT /a 0|A=b|23|25');
  parser.start('request');
  assert.equal(parser.offset, 0);
  assert.equal(parser.parse(bytes, 25, bytes.length), HEAD_DONE);
  assert.equal(describe('request', parser.head), 'GET / 1|16|18');
});

test('HeadParser reads a response after a refused one as if it were the first', () => {
  const parser = new HeadParser(new Head(), LIMITS);
  parser.start('response');
  const bad = Buffer.from('HTTP/1.1 200 OK\r\nA b\r\n\r\n', 'latin1');
  assert.equal(parser.parse(bad, 0, bad.length), HEAD_MALFORMED);
  parser.start('response');
  const good = Buffer.from('HTTP/1.1 201 Yes\r\n\r\n', 'latin1');
  assert.equal(parser.parse(good, 0, good.length), HEAD_DONE);
  assert.equal(describe('response', parser.head), '201 Yes 1|18|20');
});

const nameCharacter = fc.constantFrom(...'abzAZ09-_!#~|'.split(''));
const valueCharacter = fc.constantFrom(...'abz AZ09\t:,;="\x80\xff'.split(''));
const name = fc.string({ unit: nameCharacter, minLength: 1, maxLength: 12 });
const value = fc.string({ unit: valueCharacter, maxLength: 20 });
const blanks = fc.string({ unit: fc.constantFrom(' ', '\t'), maxLength: 3 });
const field = fc.tuple(name, blanks, value, blanks);

test('HeadParser reads back every head that the grammar makes, at random cuts', () => {
  fc.assert(
    fc.property(fc.array(field, { maxLength: 4 }), fc.array(fc.nat(200)), (fields, randomStops) => {
      const lines = fields.map(([name, before, value, after]) => {
        return `${name}:${before}${value}${after}\r\n`;
      });
      const text = `POST /x?y HTTP/1.1\r\n${lines.join('')}\r\n`;
      fc.pre(text.length <= LIMITS.headBytesMax);
      const stops = randomStops.filter((stop) => stop < text.length).toSorted((a, b) => a - b);
      const read = feed('request', Buffer.from(text, 'latin1'), [...stops, text.length]);
      const blank = /^[ \t]+|[ \t]+$/g;
      const shown = fields.map(([name, , value]) => `${name}=${value.replaceAll(blank, '')}`);
      const ends = [text.length - 2, text.length];
      assert.deepEqual(read, {
        result: HEAD_DONE,
        head: ['POST /x?y 1', ...shown, ...ends].join('|'),
      });
    }),
  );
});

test('HeadParser reads no byte behind those that are there', () => {
  const parser = new HeadParser(new Head(), LIMITS);
  const text = 'GET / HTTP/1.1\r\nA: bcdefgh';
  const lengths = Array.from(text, (_, i) => i + 1);
  for (const length of lengths) {
    parser.start('request');
    const bytes = Buffer.from(text.slice(0, length), 'latin1');
    assert.equal(parser.parse(bytes, 0, length), HEAD_INCOMPLETE);
    assert.equal(parser.offset, length);
  }
});

test('HeadParser says the same of a head with one byte changed, however it is cut', () => {
  const heads = {
    request: 'POST /x?y HTTP/1.1\r\nHost: a\r\nB:\tc d, {ef~} gh \r\n\r\n',
    response: 'HTTP/1.1 204 No Content\r\nDate: now, here\r\nB: c\r\n\r\n',
  } as const;
  const kinds = fc.constantFrom('request', 'response');
  fc.assert(
    fc.property(kinds, fc.nat(), fc.integer({ min: 0, max: 255 }), (kind, place, byte) => {
      const bytes = Buffer.from(heads[kind], 'latin1');
      bytes[place % bytes.length] = byte;
      parseEveryWay(kind, bytes.toString('latin1'));
    }),
    { numRuns: 1_000 },
  );
});

test('HeadParser never throws and never goes back, whatever the bytes', () => {
  const bytes = fc.string({
    unit: fc.constantFrom(...'GET /HTP1.0 2\r\n:a\t'.split('')),
    maxLength: 60,
  });
  fc.assert(
    fc.property(
      fc.constantFrom<HeadKind>('request', 'response', 'trailers'),
      bytes,
      (kind, text) => void parseEveryWay(kind, text),
    ),
    { numRuns: 500 },
  );
});
