import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead } from '../../../test/support/heads.ts';
import { FIELD_CONNECTION, FIELD_TE } from '../../model/field.ts';
import {
  BODY_CHUNKED,
  BODY_MALFORMED,
  BODY_UNKNOWN_CODING,
  BODY_UNTIL_CLOSE,
  connectionNames,
  equalsIgnoringCase,
  hasToken,
  isNamed,
  requestFraming,
  responseFraming,
} from './framing.ts';

const lines = (fields: readonly string[]): string => fields.map((field) => `${field}\r\n`).join('');
const request = (fields: readonly string[], minor = 1) =>
  parseHead('request', `POST / HTTP/1.${minor}\r\n${lines(fields)}\r\n`);
const response = (status: number, fields: readonly string[], minor = 1) =>
  parseHead('response', `HTTP/1.${minor} ${status} x\r\n${lines(fields)}\r\n`);

/** Fields that frame a message, and what they make of a request and of a response. */
const FRAMINGS: readonly (readonly [fields: readonly string[], body: number])[] = [
  [['Content-Length: 0'], 0],
  [['Content-Length: 17'], 17],
  [['content-length:0017'], 17],
  [['Content-Length: 999999999999999'], 999_999_999_999_999],
  [['Content-Length: 5', 'Content-Length: 5'], 5],
  [['Content-Length: 5', 'Content-Length: 05'], 5],
  [['Content-Length: 5', 'Content-Length: 6'], BODY_MALFORMED],
  [['Content-Length: 5, 5'], BODY_MALFORMED],
  [['Content-Length: 1000000000000000'], BODY_MALFORMED],
  [['Content-Length:'], BODY_MALFORMED],
  [['Content-Length: +5'], BODY_MALFORMED],
  [['Content-Length: -5'], BODY_MALFORMED],
  [['Content-Length: 0x5'], BODY_MALFORMED],
  [['Content-Length: 5 5'], BODY_MALFORMED],
  [['Content-Length: 5.0'], BODY_MALFORMED],
  [['Content-Length: \xb2'], BODY_MALFORMED],
  [['Transfer-Encoding: chunked'], BODY_CHUNKED],
  [['transfer-encoding:\tCHUNKED '], BODY_CHUNKED],
  [['Transfer-Encoding:'], BODY_MALFORMED],
  [['Transfer-Encoding: ,chunked'], BODY_MALFORMED],
  [['Transfer-Encoding: chunked,'], BODY_MALFORMED],
  [['Transfer-Encoding: chunked, chunked'], BODY_MALFORMED],
  [['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], BODY_MALFORMED],
  [['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], BODY_MALFORMED],
  [['Transfer-Encoding: chunked, gzip'], BODY_MALFORMED],
  [['Transfer-Encoding: gzip'], BODY_UNKNOWN_CODING],
  [['Transfer-Encoding: gzip, chunked'], BODY_UNKNOWN_CODING],
  [['Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'], BODY_UNKNOWN_CODING],
  [['Transfer-Encoding: identity'], BODY_UNKNOWN_CODING],
  [['Transfer-Encoding: xchunked'], BODY_UNKNOWN_CODING],
  [['Transfer-Encoding: "chunked"'], BODY_UNKNOWN_CODING],
  [['Transfer-Encoding: chunked;q=1'], BODY_UNKNOWN_CODING],
  [['Transfer-Encoding: chunked\xa0'], BODY_UNKNOWN_CODING],
  [['Content-Length: 5', 'Transfer-Encoding: chunked'], BODY_MALFORMED],
  [['Transfer-Encoding: chunked', 'Content-Length: 0'], BODY_MALFORMED],
  [['Transfer-Encoding: gzip', 'Content-Length: 5'], BODY_MALFORMED],
];

for (const [fields, body] of FRAMINGS) {
  test(`requestFraming and responseFraming of ${JSON.stringify(fields)} are ${body}`, () => {
    assert.equal(requestFraming(request(fields)), body);
    assert.equal(responseFraming(response(200, fields), false), body);
  });
}

test('requestFraming of a message without framing is no body, responseFraming is until close', () => {
  assert.equal(requestFraming(request(['Host: a'])), 0);
  assert.equal(responseFraming(response(200, ['Date: a']), false), BODY_UNTIL_CLOSE);
});

test('framing refuses transfer-codings in HTTP/1.0', () => {
  assert.equal(requestFraming(request(['Transfer-Encoding: chunked'], 0)), BODY_MALFORMED);
  const answer = response(200, ['Transfer-Encoding: chunked'], 0);
  assert.equal(responseFraming(answer, false), BODY_MALFORMED);
  assert.equal(requestFraming(request(['Content-Length: 5'], 0)), 5);
  assert.equal(responseFraming(response(200, ['Content-Length: 5'], 0), false), 5);
});

test('responseFraming of answers to HEAD, of 204 and 304 is no body, whatever they say', () => {
  for (const fields of [[], ['Content-Length: 5'], ['Transfer-Encoding: chunked']]) {
    assert.equal(responseFraming(response(200, fields), true), 0);
    assert.equal(responseFraming(response(204, fields), false), 0);
    assert.equal(responseFraming(response(304, fields), false), 0);
  }
});

test('responseFraming refuses ambiguous lengths even where there is no body', () => {
  const both = ['Content-Length: 5', 'Transfer-Encoding: chunked'];
  assert.equal(responseFraming(response(200, both), true), BODY_MALFORMED);
  assert.equal(responseFraming(response(204, ['Content-Length: x']), false), BODY_MALFORMED);
});

test('hasToken finds a member of a list, whole and in any case', () => {
  const head = request(['Connection: a, Keep-Alive ,,b', 'TE: close', 'connection:\tCLOSE\t']);
  for (const token of ['a', 'b', 'keep-alive', 'close']) {
    assert.equal(hasToken(head, FIELD_CONNECTION, token), true, token);
  }
  for (const token of ['keep', 'alive', 'clos', 'closed', '']) {
    assert.equal(hasToken(head, FIELD_CONNECTION, token), token === '', token);
  }
  assert.equal(hasToken(head, FIELD_TE, 'close'), true);
  assert.equal(hasToken(request([]), FIELD_CONNECTION, 'close'), false);
});

const same = (text: string, token: string): boolean =>
  equalsIgnoringCase(Buffer.from(text, 'latin1'), 0, text.length, token);

test('equalsIgnoringCase folds letters and nothing else', () => {
  assert(same('X-Ab9', 'x-ab9'));
  assert(!same('X\rAb9', 'x-ab9'));
  assert(!same('X-Ab\x19', 'x-ab9'));
  assert(!same('X-Ab', 'x-ab9'));
});

test('connectionNames lists what Connection names, without what every hop removes', () => {
  assert.deepEqual(connectionNames(request(['Host: a'])), new Set());
  const head = request(['Connection: close, X-One', 'Connection: keep-alive,TE,\tx-Two , upgrade']);
  assert.deepEqual(connectionNames(head), new Set(['x-one', 'x-two']));
});

test('isNamed compares whole names in any case', () => {
  const head = request(['X-One: 1', 'X-On: 2', 'x-oNE: 3']);
  const named = [0, 1, 2].map((i) => isNamed(head, i, new Set(['host', 'x-one'])));
  assert.deepEqual(named, [true, false, true]);
});
