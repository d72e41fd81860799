/** Heads of HTTP/1 that ride HTTP/2 are at the far end as they would be without it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseHead, requestHead } from '../../../test/support/heads.ts';
import { limits } from '../../limits.ts';
import type { Head } from '../../model/head.ts';
import { writeRequestHead, writeResponseHead } from '../http1/head-writer.ts';
import { HeadDecoder } from './head-decoder.ts';
import { HeadEncoder } from './head-writer.ts';

const text = (from: string, minLength: number, maxLength: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...from.split('')), { minLength, maxLength })
    .map((characters) => characters.join(''));

/** Of either style, or neither; letter case is the name's own wherever it stands. */
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('Accept', 'X-Id', 'user-agent', 'ETag', 'VIA', 'x') },
  { weight: 1, arbitrary: text("abXY09-_.!#$%&'*+^`|~", 1, 12).map((n) => `x-${n}`) },
);
const value = fc.oneof(
  fc.constantFrom('', '1', 'a, b'),
  text('ab 01\t\x80\xff~"{;=', 0, 40).map((v) => v.trim()),
);
/** No name twice in two letter cases: a list has one for all. */
const fields = fc.uniqueArray(fc.tuple(name, value), {
  maxLength: 12,
  selector: ([one]) => one.toLowerCase(),
});
const linesOf = (all: readonly (readonly [string, string])[]): string =>
  all.map(([one, said]) => `${one}: ${said}\r\n`).join('');

const request = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'M-SEARCH'),
    path: text('ab/?=&%2F', 0, 30).map((path) => `/${path}`),
    host: fc.constantFrom('Host', 'host', 'HOST'),
    fields,
  })
  .map(
    (one) => `${one.method} ${one.path} HTTP/1.1\r\n${one.host}: web\r\n${linesOf(one.fields)}\r\n`,
  );
const reason = fc.oneof(
  fc.constantFrom('OK', '', 'Not Found', 'I am a teapot'),
  text('ab ;=,\xff', 0, 40).map((phrase) => phrase.trim()),
);
const response = fc
  .record({ status: fc.constantFrom(200, 204, 404, 418, 299, 999), reason, fields })
  .map((one) => `HTTP/1.1 ${one.status} ${one.reason}\r\n${linesOf(one.fields)}\r\n`);

const out = Buffer.alloc(limits.headBytesMax * 2);

/** As an HTTP/1.1 hop writes it. */
function written(kind: 'request' | 'response', head: Head): string {
  const end =
    kind === 'request'
      ? writeRequestHead(out, 0, head, { chunked: false, host: 'h', added: '' })
      : writeResponseHead(out, 0, head, { chunked: false, empty: false, connection: undefined });
  return out.toString('latin1', 0, end);
}

test('what a hop writes of a head is the same when HTTP/2 has carried it, whatever recurs', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(request, response), { minLength: 1, maxLength: 8 }),
      fc.integer({ min: 1, max: 3 }),
      (heads, rounds) => {
        const encoder = new HeadEncoder();
        const decoders = { request: new HeadDecoder(), response: new HeadDecoder() };
        const encoders = { request: encoder, response: new HeadEncoder() };
        for (let round = 0; round < rounds; round++) {
          for (const one of heads) {
            const kind = one.startsWith('HTTP/') ? 'response' : 'request';
            const head = kind === 'request' ? requestHead(one) : parseHead('response', one);
            const plain = written(kind, head);
            const end = encoders[kind][kind](out, 0, head, true);
            assert.ok(end <= head.length + limits.headGrowthBytesMax);
            const far = decoders[kind][kind](out, 0, end);
            if (typeof far === 'string') assert.fail(far);
            assert.equal(written(kind, far), plain);
          }
        }
      },
    ),
    { numRuns: 400 },
  );
});
