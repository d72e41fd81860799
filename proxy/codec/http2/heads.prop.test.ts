/** Heads through writer and reader, and blocks of any bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldsOf, parseHead, requestHead } from '../../../test/support/heads.ts';
import { limits } from '../../limits.ts';
import { Head } from '../../model/head.ts';
import { HeadDecoder } from './head-decoder.ts';
import { HeadEncoder } from './head-writer.ts';

const letters = (from: string, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...from.split('')), { minLength, maxLength })
    .map((characters) => characters.join(''));

/** None of these ends at a hop. */
const name = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('Accept', 'X-Id', 'Date', 'User-Agent', 'Via', 'x') },
  { weight: 2, arbitrary: letters("abXY09-_.!#$%&'*+^`|~", 1, 20).map((n) => `x-${n}`) },
);
const value = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom('', '1', 'text/html', 'a, b', 'long '.repeat(60).trim()),
  },
  { weight: 2, arbitrary: letters('ab 01\t\x80\xff~"{', 0, 60).map((v) => v.trim()) },
);
const fields = fc.array(fc.tuple(name, value), { maxLength: 12 });
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT', 'M-SEARCH'),
  path: fc.oneof(
    fc.constant('/'),
    letters('ab/?=&%2F', 0, 30).map((path) => `/${path}`),
  ),
  host: fc.constantFrom('web', 'web.demo:8080', '[::1]:80', ''),
  fields,
});

interface RequestParts {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly fields: readonly (readonly [string, string])[];
}
const linesOf = (all: RequestParts['fields']): string =>
  all.map(([one, text]) => `${one}:${text}\r\n`).join('');
const textOf = ({ method, path, host, fields }: RequestParts): string =>
  `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n${linesOf(fields)}\r\n`;

/** Everything that must come through; names in lower case. */
const told = (head: Head) => ({
  method: head.method(),
  path: head.path(),
  authority: head.authority(),
  scheme: head.scheme,
  status: head.status,
  fields: fieldsOf(head).map(([one, text]) => [one.toLowerCase(), text]),
});

/** Room behind what a writer may write, to see that it does not. */
const out = Buffer.alloc(limits.headBytesMax * 2);

function through(
  encoder: HeadEncoder,
  decoder: HeadDecoder,
  kind: 'request' | 'response' | 'trailers',
  head: Head,
): Head {
  const end = encoder[kind](out, 0, head);
  assert.ok(end <= head.length + limits.headGrowthBytesMax);
  const read = decoder[kind](out, 0, end);
  if (typeof read === 'string') assert.fail(read);
  return read;
}

test('Requests come through writer and reader as they were, hop after hop, whatever recurs', () => {
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 8 }), (requests) => {
      const hops = [0, 1, 2].map(() => ({
        encoder: new HeadEncoder(),
        decoder: new HeadDecoder(),
      }));
      const kept = new Head();
      for (let round = 0; round < 3; round++) {
        for (const parts of requests) {
          let head = requestHead(textOf(parts));
          const before = told(head);
          for (const { encoder, decoder } of hops) {
            kept.own(through(encoder, decoder, 'request', head));
            head = kept;
            assert.deepEqual(told(head), before);
          }
          // And it is what an HTTP/1.1 parser would have made of it.
          const parsed = requestHead(head.text(0, head.length));
          assert.deepEqual(told(parsed), before);
          assert.deepEqual(
            Array.from({ length: head.fieldCount }, (_, i) => head.id(i)),
            Array.from({ length: parsed.fieldCount }, (_, i) => parsed.id(i)),
          );
          assert.deepEqual(
            [head.linesEnd, head.methodEnd, head.targetStart, head.targetEnd],
            [parsed.linesEnd, parsed.methodEnd, parsed.targetStart, parsed.targetEnd],
          );
        }
      }
    }),
    { numRuns: 100 },
  );
});

test('Responses and trailers come through writer and reader as they were', () => {
  const response = fc.record({
    status: fc.integer({ min: 102, max: 999 }),
    fields,
    trailers: fields,
  });
  fc.assert(
    fc.property(fc.array(response, { minLength: 1, maxLength: 6 }), (responses) => {
      const encoder = new HeadEncoder();
      const decoder = new HeadDecoder();
      for (const { status, fields, trailers } of [...responses, ...responses, ...responses]) {
        const head = parseHead('response', `HTTP/1.1 ${status} Ok\r\n${linesOf(fields)}\r\n`);
        const read = through(encoder, decoder, 'response', head);
        assert.deepEqual(told(read).fields, told(head).fields);
        assert.equal(read.status, status);
        const parsed = parseHead('response', read.text(0, read.length));
        assert.deepEqual(told(parsed).fields, told(head).fields);
        const last = parseHead('trailers', `${linesOf(trailers)}\r\n`);
        const lines = told(through(encoder, decoder, 'trailers', last)).fields;
        assert.deepEqual(lines, told(last).fields);
      }
    }),
    { numRuns: 100 },
  );
});

/** Blocks nearly like one of a request. */
const octets = fc.array(
  fc.oneof(
    fc.constantFrom(0x82, 0x86, 0x84, 0x88, 0xbe, 0xbf, 0x40, 0x00, 0x10, 0x20, 0x0f, 0x41, 0x01),
    fc.constantFrom(0x61, 0x81, 0x3a, 0x20, 0x2f, 0x03),
    fc.nat(255),
  ),
  { maxLength: 60 },
);

test('HeadDecoder takes any bytes as any kind, and what it reads is a head of HTTP/1.1', () => {
  const kinds = fc.constantFrom('request', 'response', 'trailers');
  fc.assert(
    fc.property(fc.array(fc.tuple(kinds, octets), { maxLength: 12 }), (all) => {
      const decoder = new HeadDecoder();
      // Each block twice, so that some are read from the memo.
      for (const [kind, bytes] of all.flatMap((one) => [one, one])) {
        const read = decoder[kind](Buffer.from(bytes), 0, bytes.length);
        if (read === 'compression-error') return;
        if (typeof read === 'string') continue;
        const text = read.text(0, read.length);
        const parsed = parseHead(kind, text);
        assert.deepEqual(fieldsOf(parsed), fieldsOf(read));
        if (kind === 'request' && read.authorityEnd > 0) {
          assert.equal(requestHead(text).authority(), read.authority());
        }
      }
    }),
    { numRuns: 2000 },
  );
});
