/** docs/translation.md, rule by rule: what goes in as one protocol, and what comes out as the other. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readRequests } from '../../support/http1-text.ts';
import {
  block,
  data,
  END_STREAM,
  getBlock,
  headers,
  lastHeaders,
  postBlock,
  requestBlock,
  statusBlock,
  type WireField,
} from '../../support/http2-wire.ts';
import type { Http2End } from '../../support/http2-end.ts';
import type { MemoryPeer } from '../../support/memory-world.ts';
import { GET } from '../../support/stack-bench.ts';
import { TranslationBench } from '../../support/translation-bench.ts';

const HOST = 'Host: web\r\n';
const bare = (...fields: readonly WireField[]): Buffer =>
  lastHeaders(1, block([':method', 'GET'], [':scheme', 'http'], [':path', '/'], ...fields));

type ToText = readonly [rule: string, frames: readonly Buffer[], text: string];
const REQUESTS_TO_HTTP1: readonly ToText[] = [
  [
    ':method, :path and :authority become the request line and Host',
    [lastHeaders(1, requestBlock('PURGE', '/a?b=/c', ['accept', 'x']))],
    `PURGE /a?b=/c HTTP/1.1\r\n${HOST}accept: x\r\n\r\n`,
  ],
  [
    ':path "*" of OPTIONS stays',
    [lastHeaders(1, requestBlock('OPTIONS', '*'))],
    `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`,
  ],
  [
    'Host without :authority stays where it is',
    [bare(['a', 'b'], ['host', 'web'])],
    'GET / HTTP/1.1\r\na: b\r\nhost: web\r\n\r\n',
  ],
  [
    'Host beside :authority is spelled as that',
    [bare([':authority', 'WEB'], ['host', 'web'])],
    'GET / HTTP/1.1\r\nhost: WEB\r\n\r\n',
  ],
  ['no authority is an empty Host', [bare()], 'GET / HTTP/1.1\r\nHost: \r\n\r\n'],
  [
    'cookies are joined',
    [lastHeaders(1, getBlock(['cookie', 'a=b'], ['x', 'y'], ['cookie', 'c=d']))],
    `GET / HTTP/1.1\r\n${HOST}x: y\r\ncookie: a=b; c=d\r\n\r\n`,
  ],
  [
    'te: trailers is of this hop and of the next',
    [lastHeaders(1, getBlock(['te', 'trailers']))],
    `GET / HTTP/1.1\r\n${HOST}TE: trailers\r\nConnection: TE\r\n\r\n`,
  ],
  [
    'fields of proxies and of the mesh, and HTTP2-Settings, end here',
    [
      lastHeaders(
        1,
        getBlock(['proxy-authorization', 'x'], ['culvert-x', 'y'], ['http2-settings', 'z']),
      ),
    ],
    `GET / HTTP/1.1\r\n${HOST}\r\n`,
  ],
  [
    'a body with a length keeps it',
    [headers(1, postBlock(['content-length', '4'])), data(1, 'ab'), data(1, 'cd', END_STREAM)],
    `POST / HTTP/1.1\r\n${HOST}content-length: 4\r\n\r\nabcd`,
  ],
  [
    'an equal repeat of the length goes on once',
    [
      headers(1, postBlock(['content-length', '2'], ['content-length', '2'])),
      data(1, 'ab', END_STREAM),
    ],
    `POST / HTTP/1.1\r\n${HOST}content-length: 2\r\n\r\nab`,
  ],
  [
    'a body without a length is chunked',
    [headers(1, postBlock()), data(1, 'abc', END_STREAM)],
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
  ],
  ['no body is none', [lastHeaders(1, postBlock())], `POST / HTTP/1.1\r\n${HOST}\r\n`],
  [
    'trailers go behind the last chunk',
    [
      headers(1, postBlock()),
      data(1, 'a'),
      lastHeaders(1, block(['x-sum', '1'], ['te', 'trailers'])),
    ],
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\n\r\n`,
  ],
  [
    'trailers that are announced take the place of the length',
    [
      headers(1, postBlock(['content-length', '1'], ['trailer', 'x-sum'])),
      data(1, 'a'),
      lastHeaders(1, block(['x-sum', '1'])),
    ],
    `POST / HTTP/1.1\r\n${HOST}trailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-sum: 1\r\n\r\n`,
  ],
  [
    'trailers behind a length nobody announced have no place',
    [
      headers(1, postBlock(['content-length', '1'])),
      data(1, 'a'),
      lastHeaders(1, block(['x-sum', '1'])),
    ],
    `POST / HTTP/1.1\r\n${HOST}content-length: 1\r\n\r\na`,
  ],
  [
    'Expect goes on',
    [headers(1, postBlock(['expect', '100-continue'], ['content-length', '2']))],
    `POST / HTTP/1.1\r\n${HOST}expect: 100-continue\r\ncontent-length: 2\r\n\r\n`,
  ],
];

describe('a request from HTTP/2 to HTTP/1.1', () => {
  for (const [rule, frames, text] of REQUESTS_TO_HTTP1) {
    it(rule, async () => {
      const bench = await TranslationBench.toHttp1();
      const client = bench.http2Client();
      client.send(...frames);
      assert.equal(bench.applicationText, text);
      bench.finish(client.peer, ...bench.applications);
    });
  }
});

type ToLines = readonly [rule: string, text: string, lines: readonly string[]];
const LINE = ':method=GET :scheme=http :authority=web :path=/';
const POST_LINE = ':method=POST :scheme=http :authority=web :path=/';
const POST = `POST / HTTP/1.1\r\n${HOST}`;
const REQUESTS_TO_HTTP2: readonly ToLines[] = [
  [
    'the request line and Host become pseudo-fields, names are lower case',
    `GET / HTTP/1.1\r\nX-A: 1\r\n${HOST}Accept:\r\nx-a:\t2 \r\n\r\n`,
    [`HEADERS 1 ${LINE} x-a=1 accept= x-a=2 end`],
  ],
  [
    'the authority of absolute-form counts, and its path',
    'GET http://web?q HTTP/1.1\r\nHost: other\r\n\r\n',
    ['HEADERS 1 :method=GET :scheme=http :authority=web :path=/?q end'],
  ],
  [
    'OPTIONS for all is ":path *"',
    'OPTIONS http://web HTTP/1.1\r\nHost: web\r\n\r\n',
    ['HEADERS 1 :method=OPTIONS :scheme=http :authority=web :path=* end'],
  ],
  [
    'an empty Host is no :authority',
    'GET / HTTP/1.1\r\nHost:\r\n\r\n',
    ['HEADERS 1 :method=GET :scheme=http :path=/ end'],
  ],
  [
    'HTTP/1.0 without Host asks the endpoint',
    'GET / HTTP/1.0\r\n\r\n',
    ['HEADERS 1 :method=GET :scheme=http :authority=127.0.0.1:8000 :path=/ end'],
  ],
  [
    'Connection, what it names, and all else of one hop end here',
    `GET / HTTP/1.1\r\n${HOST}Connection: X-Hop, Upgrade, HTTP2-Settings\r\nX-Hop: 1\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\n\r\n`,
    [`HEADERS 1 ${LINE} end`],
  ],
  [
    'TE keeps trailers, and nothing else',
    `GET / HTTP/1.1\r\n${HOST}TE: gzip, Trailers;q=1, trailers\r\nConnection: TE\r\n\r\n`,
    [`HEADERS 1 ${LINE} te=trailers end`],
  ],
  [
    'one cookie stays one',
    `GET / HTTP/1.1\r\n${HOST}Cookie: a=b; c=d\r\n\r\n`,
    [`HEADERS 1 ${LINE} cookie=a=b; c=d end`],
  ],
  [
    'a body with a length keeps it',
    `${POST}Content-Length: 2\r\n\r\nab`,
    [`HEADERS 1 ${POST_LINE} content-length=2`, 'DATA 1 ab end'],
  ],
  [
    'a length of 0 stays',
    `${POST}Content-Length: 0\r\n\r\n`,
    [`HEADERS 1 ${POST_LINE} content-length=0 end`],
  ],
  [
    'chunks become DATA, their extensions end here',
    `${POST}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n0\r\n\r\n`,
    [`HEADERS 1 ${POST_LINE}`, 'DATA 1 ab end'],
  ],
  [
    'trailers end the stream',
    `${POST}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\nTE: trailers\r\n\r\n`,
    [`HEADERS 1 ${POST_LINE} trailer=X-Sum`, 'DATA 1 ab', 'HEADERS 1 x-sum=1 end'],
  ],
  [
    'Expect goes on',
    `${POST}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n`,
    [`HEADERS 1 ${POST_LINE} content-length=2 expect=100-continue`],
  ],
];

describe('a request from HTTP/1.1 to HTTP/2', () => {
  for (const [rule, text, lines] of REQUESTS_TO_HTTP2) {
    it(rule, async () => {
      const bench = await TranslationBench.toHttp2();
      const client = bench.client(text);
      const [application] = bench.http2Applications;
      assert.deepEqual(application?.wire.takeMain(), lines);
      bench.finish(client, ...bench.applications);
    });
  }
});

/** An answer, to which method, and what comes out. */
type AnswerToText = readonly [
  rule: string,
  method: string,
  frames: readonly Buffer[],
  text: string,
];
const ANSWERS_TO_HTTP1: readonly AnswerToText[] = [
  [
    ':status becomes the status line, without a reason',
    'GET',
    [
      headers(
        1,
        statusBlock(404, ['content-length', '2'], ['set-cookie', 'a'], ['set-cookie', 'b']),
      ),
      data(1, 'ab', END_STREAM),
    ],
    'HTTP/1.1 404 \r\ncontent-length: 2\r\nset-cookie: a\r\nset-cookie: b\r\n\r\nab',
  ],
  [
    'an answer that ends with its head is empty',
    'GET',
    [lastHeaders(1, statusBlock(200))],
    'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n',
  ],
  [
    'a body without a length is chunked, trailers behind it',
    'GET',
    [headers(1, statusBlock(200)), data(1, 'ab'), lastHeaders(1, block(['x-sum', '1']))],
    'HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-sum: 1\r\n\r\n',
  ],
  [
    'trailers that are announced take the place of the length',
    'GET',
    [
      headers(1, statusBlock(200, ['content-length', '2'], ['trailer', 'x-sum'])),
      data(1, 'ab'),
      lastHeaders(1, block(['x-sum', '1'])),
    ],
    'HTTP/1.1 200 \r\ntrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nx-sum: 1\r\n\r\n',
  ],
  [
    'interim answers go first, without a length',
    'GET',
    [
      headers(1, statusBlock(103, ['link', '</a>'], ['content-length', '5'])),
      lastHeaders(1, statusBlock(204, ['content-length', '0'])),
    ],
    'HTTP/1.1 103 \r\nlink: </a>\r\n\r\nHTTP/1.1 204 \r\n\r\n',
  ],
  [
    'the length for HEAD stays',
    'HEAD',
    [lastHeaders(1, statusBlock(200, ['content-length', '9']))],
    'HTTP/1.1 200 \r\ncontent-length: 9\r\n\r\n',
  ],
  [
    'no length for HEAD stays none',
    'HEAD',
    [lastHeaders(1, statusBlock(200))],
    'HTTP/1.1 200 \r\n\r\n',
  ],
  [
    'the length of 304 stays',
    'GET',
    [lastHeaders(1, statusBlock(304, ['content-length', '9']))],
    'HTTP/1.1 304 \r\ncontent-length: 9\r\n\r\n',
  ],
];

describe('an answer from HTTP/2 to HTTP/1.1', () => {
  for (const [rule, method, frames, text] of ANSWERS_TO_HTTP1) {
    it(rule, async () => {
      let answered = false;
      const bench = await TranslationBench.toHttp2(({ wire }: Http2End) => {
        if (answered || !wire.stream(1).ended) return;
        answered = true;
        wire.put(...frames);
      });
      const client = bench.client(GET.replace('GET', method));
      assert.equal(client.text, text);
      assert.equal(client.ended, false, 'the connection goes on');
      bench.finish(client, ...bench.applications);
    });
  }
});

type AnswerToLines = readonly [
  rule: string,
  method: string,
  text: string,
  ends: boolean,
  lines: readonly string[],
];
const ANSWERS_TO_HTTP2: readonly AnswerToLines[] = [
  [
    'the status line becomes :status, names are lower case',
    'GET',
    'HTTP/1.1 404 Not Here\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nab',
    false,
    ['HEADERS 1 :status=404 x-a=1 content-length=2', 'DATA 1 ab end'],
  ],
  [
    'Connection, what it names, and all else of one hop end here',
    'GET',
    'HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n',
    false,
    ['HEADERS 1 :status=200 content-length=0 end'],
  ],
  [
    'chunks become DATA, trailers end the stream',
    'GET',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 1\r\n\r\n',
    false,
    ['HEADERS 1 :status=200', 'DATA 1 ab', 'HEADERS 1 x-sum=1 end'],
  ],
  [
    'a body until the close ends the stream',
    'GET',
    'HTTP/1.1 200 OK\r\n\r\nab',
    true,
    ['HEADERS 1 :status=200', 'DATA 1 ab', 'DATA 1  end'],
  ],
  [
    'an answer of HTTP/1.0 is one too',
    'GET',
    'HTTP/1.0 200 OK\r\n\r\n',
    true,
    ['HEADERS 1 :status=200', 'DATA 1  end'],
  ],
  [
    'interim answers go first, without a length',
    'GET',
    'HTTP/1.1 103 Early\r\nLink: </a>\r\nContent-Length: 5\r\n\r\nHTTP/1.1 204 None\r\nContent-Length: 0\r\n\r\n',
    false,
    ['HEADERS 1 :status=103 link=</a>', 'HEADERS 1 :status=204 end'],
  ],
  [
    'the length for HEAD stays',
    'HEAD',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n',
    false,
    ['HEADERS 1 :status=200 content-length=9 end'],
  ],
  [
    'a coding for HEAD is none',
    'HEAD',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
    false,
    ['HEADERS 1 :status=200 end'],
  ],
  [
    'the length of 304 stays',
    'GET',
    'HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n',
    false,
    ['HEADERS 1 :status=304 content-length=9 end'],
  ],
];

describe('an answer from HTTP/1.1 to HTTP/2', () => {
  for (const [rule, method, text, ends, lines] of ANSWERS_TO_HTTP2) {
    it(rule, async () => {
      const bench = await TranslationBench.toHttp1((peer: MemoryPeer) => {
        if (readRequests(peer.text).messages.length === 0) return;
        peer.take();
        peer.send(text);
        if (ends) peer.end();
      });
      const client = bench.http2Client();
      client.send(lastHeaders(1, requestBlock(method, '/')));
      assert.deepEqual(client.takeMain(), lines);
      bench.finish(client.peer, ...bench.applications);
    });
  }
});
