/** The sidecar as a server: what a request may be (RFC 9113 section 8). */
import {
  block,
  data,
  END_STREAM,
  getBlock,
  headers,
  lastHeaders,
  longHeaders,
  postBlock,
  type WireField,
} from '../../support/http2-wire.ts';
import { fails, MALFORMED, OK, server, type Expected, type Http2Case } from './case.ts';

const METHOD: WireField = [':method', 'GET'];
const SCHEME: WireField = [':scheme', 'http'];
/** What comes to this path may never reach the upstream. */
const PATH: WireField = [':path', '/bad'];
const AUTHORITY: WireField = [':authority', 'web'];

/** A GET of exactly these fields. */
const request = (...fields: readonly WireField[]): Buffer => lastHeaders(1, block(...fields));
/** A request that is malformed by one more field. */
const bad = (section: string, name: string, ...more: readonly WireField[]): Http2Case =>
  server(section, name, [request(METHOD, SCHEME, PATH, AUTHORITY, ...more)], MALFORMED);
/** A request that is right, with one more field, which reaches the upstream. */
const good = (section: string, name: string, field: WireField): Http2Case =>
  server(section, name, [lastHeaders(1, getBlock(field))], OK, {
    forwarded: { [field[0]]: field[1] },
  });
/** A request of these pseudo-fields. */
const pseudo = (name: string, fields: readonly WireField[], expected = MALFORMED): Http2Case =>
  server('8.3.1', name, [request(...fields)], expected);
/** A POST to a path whose message may never be whole upstream. */
const post = (...more: readonly WireField[]): Buffer =>
  headers(1, block([':method', 'POST'], SCHEME, [':path', '/body-fault'], AUTHORITY, ...more));
/** A POST to a path that may never reach the upstream. */
const badPost = (...more: readonly WireField[]): Buffer =>
  headers(1, block([':method', 'POST'], SCHEME, PATH, AUTHORITY, ...more));

const framing: readonly Http2Case[] = [
  server('8.1', 'a request with a body', [headers(1, postBlock()), data(1, 'x', END_STREAM)], OK),
  server(
    '8.1',
    'a request with a body in pieces',
    [headers(1, postBlock()), data(1, 'x'), data(1), data(1, 'y'), data(1, '', END_STREAM)],
    OK,
  ),
  server(
    '8.1',
    'a request with trailers',
    [headers(1, postBlock()), data(1, 'x'), lastHeaders(1, block(['x-sum', '1']))],
    OK,
    { forwarded: { 'x-sum': '1' } },
  ),
  server(
    '8.1',
    'trailers right behind the head',
    [headers(1, postBlock()), lastHeaders(1, block(['x-sum', '1']))],
    OK,
  ),
  server('8.1', 'empty trailers', [headers(1, postBlock()), lastHeaders(1, '')], OK),
  server(
    '8.1',
    'trailers that do not end the stream',
    [post(), data(1, 'x'), headers(1, block(['x', 'y']))],
    fails('PROTOCOL_ERROR'),
  ),
  server('8.1', 'a second head', [post(), headers(1, getBlock())], fails('PROTOCOL_ERROR')),
  server(
    '8.1',
    'a second head that ends the stream',
    [post(), lastHeaders(1, getBlock())],
    MALFORMED,
  ),
  server(
    '8.1',
    'trailers with a pseudo-field',
    [post(), data(1, 'x'), lastHeaders(1, block([':path', '/']))],
    MALFORMED,
  ),
  server(
    '8.1',
    'trailers with :method',
    [post(), lastHeaders(1, block(['x', 'y'], [':method', 'GET']))],
    MALFORMED,
  ),
  server('8.1', 'trailers in upper case', [post(), lastHeaders(1, block(['X', 'y']))], MALFORMED),
  server(
    '8.1',
    'trailers with connection',
    [post(), lastHeaders(1, block(['connection', 'close']))],
    MALFORMED,
  ),
];

const lengths: readonly Http2Case[] = [
  server(
    '8.1.1',
    'a body of its content-length',
    [headers(1, postBlock(['content-length', '2'])), data(1, 'x'), data(1, 'y', END_STREAM)],
    OK,
  ),
  server(
    '8.1.1',
    'a body shorter than its content-length',
    [post(['content-length', '2']), data(1, 'x', END_STREAM)],
    MALFORMED,
  ),
  server(
    '8.1.1',
    'no body for a content-length',
    [lastHeaders(1, block(METHOD, SCHEME, PATH, AUTHORITY, ['content-length', '1']))],
    MALFORMED,
  ),
  server(
    '8.1.1',
    'a body longer than its content-length',
    [post(['content-length', '1']), data(1, 'xy', END_STREAM)],
    MALFORMED,
  ),
  server(
    '8.1.1',
    'a body longer than its content-length by its second frame',
    [post(['content-length', '1']), data(1, 'x'), data(1, 'y')],
    MALFORMED,
  ),
  server(
    '8.1.1',
    'a body for a content-length of 0',
    [post(['content-length', '0']), data(1, 'x', END_STREAM)],
    MALFORMED,
  ),
  server(
    '8.1.1',
    'trailers before the content-length',
    [post(['content-length', '2']), data(1, 'x'), lastHeaders(1, block(['x', 'y']))],
    MALFORMED,
  ),
  server(
    '8.1.1',
    'two lengths that differ',
    [badPost(['content-length', '1'], ['content-length', '2']), data(1, 'x', END_STREAM)],
    MALFORMED,
  ),
  ...['x', '-1', '+1', '1,1', '1 1', '0x1', '', '99999999999999999999'].map((length) =>
    server(
      '8.1.1',
      `a content-length of "${length}"`,
      [badPost(['content-length', length])],
      MALFORMED,
    ),
  ),
];

const names: readonly Http2Case[] = [
  bad('8.2', 'a name in upper case', ['X-Upper', 'y']),
  bad('8.2', 'a name with one upper-case letter', ['x-uppeR', 'y']),
  bad('8.2.1', 'an empty name', ['', 'y']),
  bad('8.2.1', 'a name with a space', ['x y', 'z']),
  bad('8.2.1', 'a name that ends with a space', ['x ', 'z']),
  bad('8.2.1', 'a name with a colon', ['x:y', 'z']),
  bad('8.2.1', 'a name with a line end', ['x\r\ny', 'z']),
  bad('8.2.1', 'a name with NUL', ['x\0', 'z']),
  bad('8.2.1', 'a name with DEL', ['x\x7f', 'z']),
  bad('8.2.1', 'a name beyond ASCII', ['x\xe9', 'z']),
];

const values: readonly Http2Case[] = [
  bad('8.2.1', 'a value with CR', ['x', 'a\rb']),
  bad('8.2.1', 'a value with LF', ['x', 'a\nb']),
  bad('8.2.1', 'a value with a line of its own', ['x', 'a\r\nhost: evil']),
  bad('8.2.1', 'a value with NUL', ['x', 'a\0b']),
  bad('8.2.1', 'a value that begins with a space', ['x', ' a']),
  bad('8.2.1', 'a value that ends with a space', ['x', 'a ']),
  bad('8.2.1', 'a value that begins with a tab', ['x', '\ta']),
  bad('8.2.1', 'a value that ends with a tab', ['x', 'a\t']),
  good('8.2.1', 'a value with blanks inside', ['x-value', 'a \t b']),
  good('8.2.1', 'a value beyond ASCII', ['x-value', 'caf\xe9']),
  good('8.2.1', 'an empty value', ['x-value', '']),
];

const connectionFields: readonly Http2Case[] = [
  bad('8.2.2', 'connection', ['connection', 'keep-alive']),
  bad('8.2.2', 'an empty connection', ['connection', '']),
  bad('8.2.2', 'proxy-connection', ['proxy-connection', 'keep-alive']),
  bad('8.2.2', 'keep-alive', ['keep-alive', 'timeout=5']),
  bad('8.2.2', 'transfer-encoding', ['transfer-encoding', 'chunked']),
  bad('8.2.2', 'upgrade', ['upgrade', 'h2c']),
  bad('8.2.2', 'te of a coding', ['te', 'gzip']),
  bad('8.2.2', 'te of trailers and a coding', ['te', 'trailers, deflate;q=0.5']),
  good('8.2.2', 'te of trailers', ['te', 'trailers']),
];

const pseudoFields: readonly Http2Case[] = [
  bad('8.3', 'a pseudo-field behind a field', ['x', 'y'], [':method', 'GET']),
  server(
    '8.3',
    'the last pseudo-field behind a field',
    [request(METHOD, SCHEME, AUTHORITY, ['x', 'y'], PATH)],
    MALFORMED,
  ),
  bad('8.3', 'an unknown pseudo-field', [':unknown', 'x']),
  bad('8.3', 'an empty pseudo-field name', [':', 'x']),
  bad('8.3', 'a pseudo-field of responses', [':status', '200']),
  bad('8.3', 'a pseudo-field in upper case', [':Method', 'GET']),
  bad('8.3', ':protocol without leave', [':protocol', 'websocket']),
  bad('8.3.1', 'two methods', [':method', 'GET']),
  bad('8.3.1', 'two schemes', [':scheme', 'http']),
  bad('8.3.1', 'two paths', [':path', '/']),
  bad('8.3.1', 'two authorities', [':authority', 'web']),
  pseudo('no method', [SCHEME, PATH, AUTHORITY]),
  pseudo('no scheme', [METHOD, PATH, AUTHORITY]),
  pseudo('no path', [METHOD, SCHEME, AUTHORITY]),
  pseudo('no pseudo-field', [['host', 'web']]),
  pseudo('no field', []),
  pseudo('an empty method', [[':method', ''], SCHEME, PATH, AUTHORITY]),
  pseudo('an empty path', [METHOD, SCHEME, [':path', ''], AUTHORITY]),
  pseudo('a method that is no token', [[':method', 'GE T'], SCHEME, PATH, AUTHORITY]),
  pseudo('a path with a space', [METHOD, SCHEME, [':path', '/bad x'], AUTHORITY]),
  pseudo('a path with a line end', [METHOD, SCHEME, [':path', '/bad\r\nx: y'], AUTHORITY]),
  pseudo('a path that smuggles', [
    METHOD,
    SCHEME,
    [':path', '/bad HTTP/1.1\r\nhost: web\r\n\r\nGET /bad'],
    AUTHORITY,
  ]),
  pseudo('a path without its slash', [METHOD, SCHEME, [':path', 'bad'], AUTHORITY]),
  pseudo('an asterisk for GET', [METHOD, SCHEME, [':path', '*'], AUTHORITY]),
  pseudo('a scheme with a space', [METHOD, [':scheme', 'ht tp'], PATH, AUTHORITY]),
  pseudo('an authority with a space', [METHOD, SCHEME, PATH, [':authority', 'we b']]),
  pseudo('an authority with a line end', [METHOD, SCHEME, PATH, [':authority', 'web\r\nx: y']]),
  pseudo('an authority with user information', [METHOD, SCHEME, PATH, [':authority', 'me@web']]),
  bad('8.3.1', 'a host that is not the authority', ['host', 'other']),
];

const OPTIONS: WireField = [':method', 'OPTIONS'];
const goodRequests: readonly Http2Case[] = [
  pseudo(
    'a host that is the authority',
    [METHOD, SCHEME, [':path', '/'], AUTHORITY, ['host', 'web']],
    OK,
  ),
  pseudo('a host in place of an authority', [METHOD, SCHEME, [':path', '/'], ['host', 'web']], OK),
  pseudo('pseudo-fields in any order', [AUTHORITY, [':path', '/'], SCHEME, METHOD], OK),
  pseudo('an asterisk for OPTIONS', [OPTIONS, SCHEME, [':path', '*'], AUTHORITY], OK),
  pseudo('the scheme https', [METHOD, [':scheme', 'https'], [':path', '/'], AUTHORITY], OK),
  pseudo('a method of its own', [[':method', 'PURGE'], SCHEME, [':path', '/'], AUTHORITY], OK),
  pseudo('HEAD', [[':method', 'HEAD'], SCHEME, [':path', '/'], AUTHORITY], OK),
  pseudo('a path with a query', [METHOD, SCHEME, [':path', '/a%2F?b=/c?d'], AUTHORITY], OK),
  good('8.2.3', 'a cookie in crumbs', ['cookie', 'a=b']),
  server(
    '8.2.3',
    'several crumbs of a cookie',
    [lastHeaders(1, getBlock(['cookie', 'a=b'], ['x', 'y'], ['cookie', 'c=d']))],
    OK,
  ),
];

const CONNECT: WireField = [':method', 'CONNECT'];
const connect: readonly Http2Case[] = [
  server('8.5', 'CONNECT without a port', [request(CONNECT, AUTHORITY)], MALFORMED),
  server(
    'RFC 8441 4',
    ':protocol without CONNECT',
    [request(METHOD, SCHEME, PATH, AUTHORITY, [':protocol', 'x'])],
    MALFORMED,
  ),
  server(
    'RFC 8441 4',
    'extended CONNECT without a path',
    [request(CONNECT, [':protocol', 'x'], SCHEME, AUTHORITY)],
    MALFORMED,
  ),
  server(
    'RFC 8441 4',
    'extended CONNECT for HTTP',
    [request(CONNECT, [':protocol', 'h2c'], SCHEME, PATH, AUTHORITY)],
    MALFORMED,
  ),
  server('8.5', 'CONNECT with a path', [request(CONNECT, SCHEME, PATH, AUTHORITY)], MALFORMED),
  server('8.5', 'CONNECT with a scheme', [request(CONNECT, SCHEME, AUTHORITY)], MALFORMED),
  server('8.5', 'CONNECT without an authority', [request(CONNECT)], MALFORMED),
];

const longGet = (bytes: number): Buffer => longHeaders(1, getBlock(['x-long', 'x'.repeat(bytes)]));
const manyFields = (count: number): Buffer =>
  longHeaders(1, getBlock(...Array.from({ length: count }, (_, i): WireField => [`x-${i}`, ''])));
/** Above a limit: refused with an answer or a reset. */
const TOO_LARGE: Expected = {
  accepted: [431, 414],
  ...fails('ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR'),
};
const large: readonly Http2Case[] = [
  server('10.5.1', 'a head of more than 64 KiB', [longGet(70_000)], TOO_LARGE),
  server('10.5.1', 'a head of 60 KiB', [longGet(60_000)], OK),
  server('10.5.1', 'a head of a thousand fields', [manyFields(1_000)], TOO_LARGE),
  server('10.5.1', 'a head of two hundred fields', [manyFields(200)], OK),
  server(
    '10.5.1',
    'a path of 20 KiB',
    [longHeaders(1, block(METHOD, SCHEME, [':path', `/bad${'x'.repeat(20_000)}`], AUTHORITY))],
    TOO_LARGE,
  ),
  server(
    '10.5.1',
    'trailers of more than 64 KiB',
    [post(), data(1, 'x'), longHeaders(1, block(['x-long', 'x'.repeat(70_000)]))],
    TOO_LARGE,
  ),
];

export const SERVER_MESSAGES: readonly Http2Case[] = [
  ...framing,
  ...lengths,
  ...names,
  ...values,
  ...connectionFields,
  ...pseudoFields,
  ...goodRequests,
  ...connect,
  ...large,
];
