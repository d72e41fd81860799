import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEAD_DONE } from '../codec/http1/head-parser.ts';
import { giveHeadParser, takeHeadParser } from './head-parsers.ts';
import { type RequestEvents, RequestReader } from './request-reader.ts';

const HEAD = Buffer.from('GET /secret HTTP/1.1\r\nHost: a\r\nCookie: b\r\n\r\n');

test('takeHeadParser gives one that knows nothing of the head before', () => {
  const parser = takeHeadParser('request');
  assert.equal(parser.parse(HEAD, 0, HEAD.length), HEAD_DONE);
  giveHeadParser(parser);
  const next = takeHeadParser('response');
  assert.equal(next, parser, 'used again');
  const { head } = next;
  assert.deepEqual([next.offset, head.bytes.length, head.fieldCount, head.length], [0, 0, 0, 0]);
  assert.notEqual(takeHeadParser('request'), next, 'one at a time');
});

test('takeHeadParser goes on after a head that was none', () => {
  const parser = takeHeadParser('request');
  parser.parse(Buffer.from('\0'), 0, 1);
  giveHeadParser(parser);
  const next = takeHeadParser('request');
  assert.equal(next, parser);
  assert.equal(next.parse(HEAD, 0, HEAD.length), HEAD_DONE);
  assert.equal(next.head.text(next.head.targetStart, next.head.targetEnd), '/secret');
});

/** A reader that says what it has read. */
function reader(): { readonly heard: string[]; readonly read: (bytes: Buffer) => void } {
  const heard: string[] = [];
  const events: RequestEvents = {
    blocked: false,
    requestBegun: () => undefined,
    requestHead: (head) => void heard.push(`${head.path()} ${head.fieldCount}`),
    requestComplete: () => requests.next(),
    requestFault: ({ code }) => void heard.push(code),
    bodyData: (bytes, start, end) => void heard.push(bytes.toString('latin1', start, end)),
    bodyTrailers: (trailers) => void heard.push(`trailers ${trailers.fieldCount}`),
    tunnelData: () => undefined,
  };
  const requests = new RequestReader(events);
  return { heard, read: (bytes) => requests.read(bytes, 0, bytes.length) };
}

const sent = (name: string): Buffer =>
  Buffer.from(
    `POST /${name} HTTP/1.1\r\nHost: ${name}\r\nX: ${name}\r\nTransfer-Encoding: chunked\r\n\r\n` +
      `1\r\n${name}\r\n0\r\nA: ${name}\r\nB: ${name}\r\n\r\nGET /${name}2 HTTP/1.1\r\nHost: ${name}\r\n\r\n`,
  );

test('RequestReaders whose heads and trailers come at once, however cut, hear of their own', () => {
  const all = ['a', 'b', 'c'].map((name) => ({ name, bytes: sent(name), ...reader() }));
  for (let size = 1; size < 60; size += 7) {
    for (let at = 0; at < all[0]!.bytes.length; at += size) {
      for (const { bytes, read } of all) read(Buffer.from(bytes.subarray(at, at + size)));
    }
    for (const { heard, name } of all) {
      assert.deepEqual(
        heard.splice(0),
        [`/${name} 3`, name, 'trailers 2', `/${name}2 1`],
        `${size}`,
      );
    }
  }
});
