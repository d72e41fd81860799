import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Http1ResponseReader, MALFORMED, MORE } from './http1-response.ts';

interface Expected {
  readonly status: number;
  readonly bodyBytes: number;
  readonly keepAlive: boolean;
}

const ok = (bodyBytes: number, keepAlive = true, status = 200): Expected => ({
  status,
  bodyBytes,
  keepAlive,
});

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

const WHOLE: Readonly<Record<string, Expected>> = {
  'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello': ok(5),
  'HTTP/1.1 200 OK\r\ncontent-length:\t0 \r\nX-Odd: \r\n\r\n': ok(0),
  'HTTP/1.1 200 \r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx': ok(1),
  'HTTP/1.1 200\r\nContent-Length: 1\r\nConnection: Keep-Alive , Close\r\n\r\nx': ok(1, false),
  'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno': ok(
    2,
    false,
    503,
  ),
  'HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx': ok(1, false),
  'HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx': ok(1),
  'HTTP/1.1 204 No Content\r\nServer: a\r\n\r\n': ok(0, true, 204),
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n': ok(0, true, 304),
  'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx':
    ok(1),
  [`${CHUNKED}5\r\nhello\r\n0\r\n\r\n`]: ok(5),
  [`${CHUNKED}0\r\n\r\n`]: ok(0),
  [`${CHUNKED}A;name=value\r\n0123456789\r\n00b\r\n0123456789a\r\n0\r\nTrailer: x\r\nY: z\r\n\r\n`]:
    ok(21),
};

const BROKEN: readonly string[] = [
  'HTTP/2.0 200 OK\r\n\r\n',
  'HTTP/1.1 2x0 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n',
  'http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  '\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\nx',
  'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
  'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nx',
  'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
  'HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n',
  'HTTP/1.1 200 OK\r\n: b\r\n\r\n',
  'HTTP/1.1 200 OK\r\n\rContent-Length: 0\r\n\r\n',
  `${CHUNKED}\r\n`,
  `${CHUNKED}x\r\n`,
  `${CHUNKED}123456789\r\n`,
  `${CHUNKED}2\r\nabc\r\n`,
  `${CHUNKED}2\r\nab\rx`,
];

/** The result of the last read when `text` comes in two pieces, cut at `cut`. */
function readCut(reader: Http1ResponseReader, text: string, cut: number): number {
  let end = MORE;
  for (const piece of [text.slice(0, cut), text.slice(cut)]) {
    if (piece === '' || end !== MORE) continue;
    // More room than bytes, with the like of an old answer behind them, as the loop reads.
    const buffer = Buffer.from(`${piece}\r\n\r\nHTTP/1.1 200 OK\r\n\r\n`, 'latin1');
    end = reader.read(buffer, piece.length);
    if (end >= 0) assert.equal(end, piece.length);
  }
  return end;
}

for (const [text, expected] of Object.entries(WHOLE)) {
  test(`a reader takes ${JSON.stringify(text)} however it is cut`, () => {
    const reader = new Http1ResponseReader();
    for (let cut = 0; cut < text.length; cut++) {
      reader.begin();
      assert.ok(readCut(reader, text, cut) >= 0, `cut at ${cut}`);
      const { status, bodyBytes, keepAlive } = reader;
      assert.deepEqual({ status, bodyBytes, keepAlive }, expected, `cut at ${cut}`);
    }
  });

  test(`a reader wants more for each beginning of ${JSON.stringify(text)}`, () => {
    for (let length = 1; length < text.length; length++) {
      const reader = new Http1ResponseReader();
      reader.begin();
      assert.equal(readCut(reader, text.slice(0, length), 0), MORE, `${length} bytes`);
      assert.equal(reader.endOfConnection(), false);
    }
  });
}

for (const text of BROKEN) {
  test(`a reader refuses ${JSON.stringify(text)} however it is cut`, () => {
    for (let cut = 0; cut < text.length; cut++) {
      const reader = new Http1ResponseReader();
      reader.begin();
      assert.equal(readCut(reader, text, cut), MALFORMED, `cut at ${cut}`);
    }
  });
}

test('a body without a length lasts until the connection ends', () => {
  const reader = new Http1ResponseReader();
  reader.begin();
  const text = Buffer.from('HTTP/1.1 200 OK\r\nServer: x\r\n\r\nabc');
  assert.equal(reader.read(text, text.length), MORE);
  assert.equal(reader.read(text, 7), MORE);
  assert.equal(reader.endOfConnection(), true);
  assert.equal(reader.bodyBytes, 10);
  assert.equal(reader.keepAlive, false);
});

test('a reader says where an answer ends when more bytes follow', () => {
  const reader = new Http1ResponseReader();
  for (const answer of ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx', `${CHUNKED}0\r\n\r\n`]) {
    reader.begin();
    const bytes = Buffer.from(`${answer}HTTP/1.1 200 OK\r\n`);
    assert.equal(reader.read(bytes, bytes.length), answer.length);
  }
});

test('a reader refuses a head without end', () => {
  const reader = new Http1ResponseReader();
  reader.begin();
  const line = Buffer.from(`X-Long: ${'x'.repeat(8_000)}\r\n`);
  const start = Buffer.from('HTTP/1.1 200 OK\r\n');
  let end = reader.read(start, start.length);
  let reads = 0;
  while (end === MORE && ++reads < 20) end = reader.read(line, line.length);
  assert.equal(end, MALFORMED);
});
