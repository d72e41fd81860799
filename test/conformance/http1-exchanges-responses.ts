/** Unusual but right HTTP/1.1 responses and HTTP/1.0 clients, and what the client must get. */
import { DATE, headOf, okAnswer } from '../support/raw-http.ts';
import { CHUNKED, exchange, type Exchange, type Expected } from './http1-exchange.ts';

const response = (name: string, section: string, raw: string, received: Expected) =>
  exchange(name, section, { response: raw, received });

const dated = (statusLine: string, ...lines: string[]) =>
  headOf(statusLine, `Date: ${DATE}`, ...lines);

const responses: readonly Exchange[] = [
  response('reason phrase', '4', dated('HTTP/1.1 200 Tr\xe8s bien ', 'Content-Length: 0'), {
    startLine: 'HTTP/1.1 200 Tr\xe8s bien ',
  }),
  response('reason phrase of nothing', '4', dated('HTTP/1.1 200 ', 'Content-Length: 0'), {
    startLine: 'HTTP/1.1 200 ',
  }),
  response('a status of its own', '4', dated('HTTP/1.1 599 Own', 'Content-Length: 2') + 'no', {
    startLine: 'HTTP/1.1 599 Own',
    body: 'no',
  }),
  response(
    'order, case and repeats of fields',
    '5.3',
    headOf(
      'HTTP/1.1 200 OK',
      'set-cookie: a',
      'Date: x',
      'Set-Cookie: b',
      'X-A:',
      'Content-Length: 0',
    ),
    {
      fields: [
        ['set-cookie', 'a'],
        ['Date', 'x'],
        ['Set-Cookie', 'b'],
        ['X-A', ''],
      ],
    },
  ),
  response('obs-text in a value', 'RFC 9110 5.5', okAnswer('ok', 'X-A: \x80\xff'), {
    values: { 'x-a': ['\x80\xff'] },
  }),
  response(
    'Connection and what it names end here',
    'RFC 9110 7.6.1',
    okAnswer('ok', 'X-Hop: 1', 'Connection: X-Hop', 'Keep-Alive: timeout=9', 'X-End: 2'),
    { body: 'ok', values: { 'x-hop': [], 'keep-alive': [], 'x-end': ['2'] } },
  ),
  response('culvert fields of the upstream', 'contract', okAnswer('ok', 'culvert-proxy-error: x'), {
    body: 'ok',
    values: { 'culvert-proxy-error': [] },
  }),
  exchange('Connection: close of the server', '9.6', {
    response: okAnswer('ok', 'Connection: close'),
    responseEnds: true,
    received: { body: 'ok', values: { connection: [] } },
  }),
  response('identical lengths', '6.3', okAnswer('ok', 'Content-Length: 2'), {
    values: { 'content-length': ['2'] },
    body: 'ok',
  }),
  response(
    'Connection cannot take the length away',
    'RFC 9110 7.6.1',
    okAnswer('ok', 'Connection: Content-Length'),
    { framing: 'length', body: 'ok' },
  ),
  response(
    'trailers that pretend to be ours end here',
    'RFC 9110 6.5.1',
    `${dated('HTTP/1.1 200 OK', CHUNKED)}0\r\nculvert-proxy-error: x\r\nX-A: b\r\n\r\n`,
    { body: '', trailers: [['X-A', 'b']] },
  ),
  response('no bytes', '6.2', okAnswer(''), { framing: 'length', body: '' }),
  response(
    'chunked with extensions and trailers',
    '7.1',
    `${dated('HTTP/1.1 200 OK', CHUNKED)}2;a="b"\r\nok\r\n0;c\r\nX-Sum: 1\r\n\r\n`,
    { framing: 'chunked', body: 'ok', trailers: [['X-Sum', '1']] },
  ),
  exchange('204', '6.3', {
    response: dated('HTTP/1.1 204 No Content'),
    received: {
      startLine: 'HTTP/1.1 204 No Content',
      values: { 'content-length': [], 'transfer-encoding': [] },
    },
  }),
  exchange('204 with a length, which it may not tell', 'RFC 9110 8.6', {
    response: dated('HTTP/1.1 204 No Content', 'Content-Length: 0', 'X-A: b'),
    received: {
      startLine: 'HTTP/1.1 204 No Content',
      values: { 'content-length': [], 'x-a': ['b'] },
    },
  }),
  exchange('304 with a length', '6.3', {
    response: dated('HTTP/1.1 304 Not Modified', 'Content-Length: 9', 'ETag: "a"'),
    received: { startLine: 'HTTP/1.1 304 Not Modified', values: { etag: ['"a"'] } },
  }),
  exchange('HEAD with a length', '6.3', {
    request: headOf('HEAD /x HTTP/1.1', 'Host: web'),
    response: dated('HTTP/1.1 200 OK', 'Content-Length: 12345'),
    forwarded: { startLine: 'HEAD /x HTTP/1.1' },
    received: { values: { 'content-length': ['12345'] }, body: '' },
  }),
  exchange('HEAD of a chunked answer', '6.3', {
    request: headOf('HEAD /x HTTP/1.1', 'Host: web'),
    response: dated('HTTP/1.1 200 OK', CHUNKED),
    received: { startLine: 'HTTP/1.1 200 OK', body: '' },
  }),
  exchange('HEAD of an answer without framing', '6.3', {
    request: headOf('HEAD /x HTTP/1.1', 'Host: web'),
    response: dated('HTTP/1.1 200 OK'),
    received: { startLine: 'HTTP/1.1 200 OK', body: '' },
  }),
  exchange('close-delimited becomes chunked', '6.3', {
    response: dated('HTTP/1.1 200 OK') + 'until the end',
    responseEnds: true,
    received: { framing: 'chunked', body: 'until the end' },
  }),
  exchange('HTTP/1.0 server, close-delimited', '6.3', {
    response: dated('HTTP/1.0 200 OK') + 'until the end',
    responseEnds: true,
    received: { startLine: 'HTTP/1.1 200 OK', framing: 'chunked', body: 'until the end' },
  }),
  exchange('HTTP/1.0 server with a length', '9.3', {
    response: dated('HTTP/1.0 200 OK', 'Content-Length: 2') + 'ok',
    responseEnds: true,
    received: { startLine: 'HTTP/1.1 200 OK', framing: 'length', body: 'ok' },
  }),
  response(
    'interim responses',
    'RFC 9110 15.2',
    headOf('HTTP/1.1 103 Early Hints', 'Link: </a>') +
      headOf('HTTP/1.1 102 Processing') +
      okAnswer(),
    { interim: ['HTTP/1.1 103 Early Hints', 'HTTP/1.1 102 Processing'], body: 'ok' },
  ),
];

const http10 = (...lines: string[]) => headOf('GET /x HTTP/1.0', ...lines);

const oldClients: readonly Exchange[] = [
  exchange('HTTP/1.0', '9.3', {
    request: http10('Host: web'),
    forwarded: { startLine: 'GET /x HTTP/1.1', values: { host: ['web'] } },
    received: { body: 'ok' },
    client: 'closed',
  }),
  exchange('HTTP/1.0 with keep-alive', '9.3', {
    request: http10('Host: web', 'Connection: keep-alive'),
    forwarded: { startLine: 'GET /x HTTP/1.1' },
    received: { framing: 'length', body: 'ok', values: { connection: ['keep-alive'] } },
  }),
  exchange('HTTP/1.0 without Host', '3.2', {
    request: http10('X-A: b'),
    forwarded: { startLine: 'GET /x HTTP/1.1', values: { 'x-a': ['b'] } },
    received: { body: 'ok' },
    client: 'closed',
    inboundOnly: true,
  }),
  exchange('HTTP/1.0 and a chunked answer', '7.1', {
    request: http10('Host: web'),
    response: `${dated('HTTP/1.1 200 OK', CHUNKED)}2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`,
    received: { framing: 'close', body: 'ok', values: { 'transfer-encoding': [] } },
    client: 'closed',
  }),
  exchange('HTTP/1.0 with keep-alive and a chunked answer', '7.1', {
    request: http10('Host: web', 'Connection: keep-alive'),
    response: `${dated('HTTP/1.1 200 OK', CHUNKED)}2\r\nok\r\n0\r\n\r\n`,
    received: { framing: 'close', body: 'ok' },
    client: 'closed',
  }),
  exchange('HTTP/1.0 and a close-delimited answer', '6.3', {
    request: http10('Host: web'),
    response: dated('HTTP/1.1 200 OK') + 'until the end',
    responseEnds: true,
    received: { framing: 'close', body: 'until the end', values: { 'transfer-encoding': [] } },
    client: 'closed',
  }),
  exchange('HTTP/1.0 gets no interim response', 'RFC 9110 15.2', {
    request: http10('Host: web'),
    response: headOf('HTTP/1.1 103 Early Hints') + okAnswer(),
    received: { interim: [], body: 'ok' },
    client: 'closed',
  }),
  exchange('HTTP/1.0 with a body', '6.2', {
    request: `${headOf('POST /x HTTP/1.0', 'Host: web', 'Content-Length: 5')}hello`,
    forwarded: { startLine: 'POST /x HTTP/1.1', body: 'hello' },
    received: { body: 'ok' },
    client: 'closed',
  }),
];

export const RESPONSE_EXCHANGES: readonly Exchange[] = [...responses, ...oldClients];
