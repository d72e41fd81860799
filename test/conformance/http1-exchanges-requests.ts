/** Unusual but right HTTP/1.1 requests, and what of them must reach the upstream. */
import { headOf } from '../support/raw-http.ts';
import { CHUNKED, exchange, type Exchange, type Expected } from './http1-exchange.ts';

/** A GET with `lines`, of which the upstream gets `forwarded`. */
const request = (name: string, section: string, lines: string[], forwarded: Expected) =>
  exchange(name, section, { request: headOf('GET /x HTTP/1.1', 'Host: web', ...lines), forwarded });

/** A request line, of which the upstream gets the line `forwarded`. */
const target = (name: string, section: string, line: string, forwarded: string) =>
  exchange(name, section, {
    request: headOf(line, 'Host: web'),
    forwarded: { startLine: forwarded, values: { host: ['web'] } },
  });

/** A POST with raw `body` behind `lines`. */
const post = (name: string, section: string, lines: string[], body: string, forwarded: Expected) =>
  exchange(name, section, {
    request: headOf('POST /x HTTP/1.1', 'Host: web', ...lines) + body,
    forwarded,
  });

const UNNAMED = 'Upgrade-Insecure-Requests: 1';

const requestLines: readonly Exchange[] = [
  target('origin-form', '3.2.1', 'GET /a?b=c HTTP/1.1', 'GET /a?b=c HTTP/1.1'),
  target(
    'target kept byte for byte',
    '3.2.1',
    'GET /a%2fB/../c//d/./?x=%00&y=;=? HTTP/1.1',
    'GET /a%2fB/../c//d/./?x=%00&y=;=? HTTP/1.1',
  ),
  target('absolute-form', '3.2.2', 'GET http://web/a HTTP/1.1', 'GET /a HTTP/1.1'),
  target('absolute-form, no path', '3.2.2', 'GET http://web HTTP/1.1', 'GET / HTTP/1.1'),
  target('absolute-form, query only', '3.2.2', 'GET http://web?a HTTP/1.1', 'GET /?a HTTP/1.1'),
  target('absolute-form, upper case', '3.2.2', 'GET HTTP://web/A HTTP/1.1', 'GET /A HTTP/1.1'),
  exchange('absolute-form replaces Host', '3.2.2', {
    request: headOf('GET http://web/a HTTP/1.1', 'Host: another.example', 'X-A: b'),
    forwarded: { startLine: 'GET /a HTTP/1.1', values: { host: ['web'], 'x-a': ['b'] } },
  }),
  target('asterisk-form', '3.2.4', 'OPTIONS * HTTP/1.1', 'OPTIONS * HTTP/1.1'),
  target('OPTIONS, no path', '3.2.4', 'OPTIONS http://web HTTP/1.1', 'OPTIONS * HTTP/1.1'),
  target('method of its own', '3.1', 'X-PURGE! /a HTTP/1.1', 'X-PURGE! /a HTTP/1.1'),
  target('method in lower case', '3.1', 'get /a HTTP/1.1', 'get /a HTTP/1.1'),
  target('a higher minor version', 'RFC 9110 2.5', 'GET /a HTTP/1.2', 'GET /a HTTP/1.1'),
  target(
    'target of 8 KiB',
    '3',
    `GET /${'a'.repeat(8192)} HTTP/1.1`,
    `GET /${'a'.repeat(8192)} HTTP/1.1`,
  ),
  exchange('CRLF before the request line', '2.2', {
    request: `\r\n${headOf('GET /x HTTP/1.1', 'Host: web')}`,
    forwarded: { startLine: 'GET /x HTTP/1.1', fields: [['Host', 'web']] },
  }),
  exchange('Host with a port', '3.2', {
    request: headOf('GET /x HTTP/1.1', 'Host: web:8080'),
    forwarded: { fields: [['Host', 'web:8080']] },
    inboundOnly: true,
  }),
];

const requestFields: readonly Exchange[] = [
  request('order, case and repeats of fields', '5.3', ['X-b: 1', 'x-A: 2', 'X-B: 3', 'x-b: 3'], {
    fields: [
      ['Host', 'web'],
      ['X-b', '1'],
      ['x-A', '2'],
      ['X-B', '3'],
      ['x-b', '3'],
    ],
  }),
  request('empty value', 'RFC 9110 5.5', ['X-A:', 'X-B:   '], {
    fields: [
      ['Host', 'web'],
      ['X-A', ''],
      ['X-B', ''],
    ],
  }),
  request('white space around and in a value', '5.1', ['X-A:\t  b \t c\t '], {
    values: { 'x-a': ['b \t c'] },
  }),
  request('obs-text in a value', 'RFC 9110 5.5', ['X-A: \x80caf\xe9\xff'], {
    values: { 'x-a': ['\x80caf\xe9\xff'] },
  }),
  request('every character of a name', '5.1', ["!#$%&'*+.^_`|~0Az-: b"], {
    values: { "!#$%&'*+.^_`|~0az-": ['b'] },
  }),
  request('field of 32 KiB', '5.4', [`X-A: ${'b'.repeat(32_768)}`], {
    values: { 'x-a': ['b'.repeat(32_768)] },
  }),
  request(
    '200 fields',
    '5.4',
    Array.from({ length: 200 }, (_, i) => `X-A: ${i}`),
    { values: { 'x-a': Array.from({ length: 200 }, (_, i) => `${i}`) } },
  ),
  request(
    'Connection and what it names end here',
    'RFC 9110 7.6.1',
    ['X-Hop: 1', 'Connection: x-hop, Keep-Alive', 'Keep-Alive: timeout=5', 'X-End: 2', UNNAMED],
    {
      fields: [
        ['Host', 'web'],
        ['X-End', '2'],
        ['Upgrade-Insecure-Requests', '1'],
      ],
    },
  ),
  request('Proxy fields end here', 'RFC 9110 7.6.1', ['Proxy-Connection: keep-alive', 'X-A: b'], {
    values: { 'proxy-connection': [], 'x-a': ['b'] },
  }),
  request('TE keeps trailers', 'RFC 9110 10.1.4', ['TE: trailers', 'Connection: TE'], {
    values: { te: ['trailers'] },
  }),
  request('TE keeps nothing else', 'RFC 9110 10.1.4', ['TE: deflate;q=0.5', 'Connection: TE'], {
    values: { te: [] },
  }),
  request(
    'Upgrade: h2c is served as HTTP/1.1',
    'RFC 9110 7.8',
    ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAA'],
    { fields: [['Host', 'web']] },
  ),
  request(
    'HTTP2-Settings ends here though not named',
    'RFC 9110 7.8',
    ['Connection: Upgrade', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAARAAAAA'],
    { values: { upgrade: [], 'http2-settings': [] } },
  ),
  request(
    'other upgrades go on',
    'RFC 9110 7.8',
    ['Connection: keep-alive, upgrade', 'Upgrade: websocket, x/1'],
    {
      values: { upgrade: ['websocket, x/1'], connection: ['Upgrade'] },
    },
  ),
  request(
    'Upgrade that Connection does not name ends here',
    'RFC 9110 7.8',
    ['Upgrade: websocket'],
    {
      values: { upgrade: [], connection: [] },
    },
  ),
  request(
    'HTTP/2 among other upgrades ends here with them',
    'RFC 9113 3.1',
    ['Connection: upgrade', 'Upgrade: websocket, h2c'],
    { values: { upgrade: [], connection: [] } },
  ),
  request('culvert fields from outside', 'contract', ['Culvert-Client-Id: x', 'X-A: b'], {
    values: { 'culvert-client-id': [], 'x-a': ['b'] },
  }),
  request('traces pass', 'contract', ['traceparent: 00-a-b-01', 'b3: 0', 'X-B3-TraceId: 1'], {
    values: { traceparent: ['00-a-b-01'], b3: ['0'], 'x-b3-traceid': ['1'] },
  }),
  exchange('Connection: close of the client', '9.6', {
    request: headOf('GET /x HTTP/1.1', 'Host: web', 'Connection: close'),
    forwarded: { values: { connection: [] } },
    received: { body: 'ok', values: { connection: ['close'] } },
    client: 'closed',
  }),
];

const requestBodies: readonly Exchange[] = [
  post('Content-Length', '6.2', ['Content-Length: 5'], 'hello', {
    framing: 'length',
    body: 'hello',
  }),
  post('Content-Length: 0', '6.2', ['Content-Length: 0'], '', {
    values: { 'content-length': ['0'] },
    body: '',
  }),
  post('Content-Length with leading zeros', '6.2', ['Content-Length: 005'], 'hello', {
    body: 'hello',
  }),
  post('identical lengths', '6.3', ['Content-Length: 5', 'content-length: 5'], 'hello', {
    values: { 'content-length': ['5'] },
    body: 'hello',
  }),
  post('no body at all', '6.3', [], '', { framing: 'none', values: { 'transfer-encoding': [] } }),
  exchange('CL.0: a body with GET that looks like a request', '6.3', {
    request: `${headOf('GET /x HTTP/1.1', 'Host: web', 'Content-Length: 25')}GET / HTTP/1.1\r\nX-A: b\r\n\r`,
    forwarded: { body: 'GET / HTTP/1.1\r\nX-A: b\r\n\r' },
  }),
  post(
    'Connection cannot take the length away',
    'RFC 9110 7.6.1',
    ['Connection: Content-Length', 'Content-Length: 5'],
    'hello',
    { framing: 'length', body: 'hello' },
  ),
  post(
    'Connection cannot take the coding away',
    'RFC 9110 7.6.1',
    ['Connection: Transfer-Encoding', CHUNKED],
    '2\r\nhi\r\n0\r\n\r\n',
    { framing: 'chunked', body: 'hi' },
  ),
  request('Connection cannot take Host away', 'RFC 9110 7.6.1', ['Connection: Host'], {
    fields: [['Host', 'web']],
  }),
  post(
    'trailers of one hop, and such as would identify, end here',
    'RFC 9110 6.5.1',
    [CHUNKED],
    '0\r\nTE: trailers\r\nProxy-Authorization: y\r\nculvert-client-id: z\r\nX-A: b\r\n\r\n',
    { body: '', trailers: [['X-A', 'b']] },
  ),
  post('chunked', '7.1', [CHUNKED], '5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n', {
    framing: 'chunked',
    body: 'hello!',
    trailers: [],
  }),
  post('chunked in another case', '7', ['transfer-encoding:\tChUnKeD '], '2\r\nhi\r\n0\r\n\r\n', {
    framing: 'chunked',
    body: 'hi',
  }),
  post('chunked and empty', '7.1', [CHUNKED], '0\r\n\r\n', { framing: 'chunked', body: '' }),
  post('chunk sizes with zeros and letters', '7.1', [CHUNKED], `00a\r\n0123456789\r\n00\r\n\r\n`, {
    body: '0123456789',
  }),
  post(
    'chunk extensions end here',
    '7.1.1',
    [CHUNKED],
    '5;a;b=c;d="e \\"; f"\r\nhello\r\n0;last\r\n\r\n',
    { body: 'hello', trailers: [] },
  ),
  post(
    'trailers',
    '7.1.2',
    [CHUNKED, 'Trailer: X-Sum'],
    '5\r\nhello\r\n0\r\nX-Sum: 1\r\nx-b: \xe9\r\nX-Sum:\r\n\r\n',
    {
      body: 'hello',
      trailers: [
        ['X-Sum', '1'],
        ['x-b', '\xe9'],
        ['X-Sum', ''],
      ],
    },
  ),
];

export const REQUEST_EXCHANGES: readonly Exchange[] = [
  ...requestLines,
  ...requestFields,
  ...requestBodies,
];
