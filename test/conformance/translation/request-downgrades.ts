/** Requests in HTTP/2 that would be another one, or several, in HTTP/1.1. */
import {
  block,
  data,
  END_STREAM,
  headers,
  lastHeaders,
  type WireField,
} from '../../support/http2-wire.ts';
import { BODY, EXCESS, HEAD, type Http2Vector, SMUGGLED } from './case.ts';

const REQUEST = `GET /${SMUGGLED} HTTP/1.1\r\nhost: web\r\n\r\n`;
const METHOD: WireField = [':method', 'POST'];
const SCHEME: WireField = [':scheme', 'http'];
const PATH: WireField = [':path', '/bad'];
const AUTHORITY: WireField = [':authority', 'web'];

/** A request of exactly these fields, with a body that would be a request. */
const request = (...fields: readonly WireField[]): readonly Buffer[] => [
  headers(1, block(...fields)),
  data(1, REQUEST, END_STREAM),
];
const vector = (
  name: string,
  section: string,
  frames: readonly Buffer[],
  status?: number,
): Http2Vector => ({ name, section, frames, fault: HEAD, status });
/** A request with one more field. */
const field = (name: string, section: string, ...more: readonly WireField[]): Http2Vector =>
  vector(name, section, request(METHOD, SCHEME, PATH, AUTHORITY, ...more));
/** A request whose pseudo-field `changed` has another value. */
const pseudo = (
  name: string,
  section: string,
  changed: WireField,
  status?: number,
): Http2Vector => {
  const all = [METHOD, SCHEME, PATH, AUTHORITY].map((one) =>
    one[0] === changed[0] ? changed : one,
  );
  return vector(name, section, request(...all), status);
};

const values: readonly Http2Vector[] = [
  field('CR in a value', '8.2.1', ['x', `a\r${SMUGGLED}: b`]),
  field('LF in a value', '8.2.1', ['x', `a\n${SMUGGLED}: b`]),
  field('a line of its own in a value', '8.2.1', ['x', 'a\r\ntransfer-encoding: chunked']),
  field('a whole request in a value', '8.2.1', ['x', `a\r\n\r\n${REQUEST}`]),
  field('a line end at the end of a value', '8.2.1', ['x', 'a\r\n']),
  field('NUL in a value', '8.2.1', ['x', 'a\0b']),
  field('a control byte in a value', 'RFC 9110 5.5', ['x', 'a\x0bb']),
  field('DEL in a value', 'RFC 9110 5.5', ['x', 'a\x7fb']),
  field('a blank before a value', '8.2.1', ['x', ' a']),
  field('a tab behind a value', '8.2.1', ['x', 'a\t']),
  field('a line of its own in a cookie', '8.2.3', ['cookie', 'a=b'], ['cookie', 'c\r\nx: d']),
];

const names: readonly Http2Vector[] = [
  field('a line of its own in a name', '8.2.1', ['x: a\r\ntransfer-encoding', 'chunked']),
  field('a colon in a name', '8.2.1', ['transfer-encoding: chunked, x', 'b']),
  field('a line end before a name', '8.2.1', ['\r\nx', 'b']),
  field('a blank behind a name', '8.2.1', ['content-length ', '5']),
  field('a blank in a name', '8.2.1', ['transfer encoding', 'chunked']),
  field('NUL in a name', '8.2.1', ['x\0', 'b']),
  field('upper case in a name', '8.2', ['Transfer-Encoding', 'chunked']),
  field('an empty name', '8.2.1', ['', 'chunked']),
  field('a name beyond ASCII', '8.2.1', ['transfer\xadencoding', 'chunked']),
];

const paths: readonly Http2Vector[] = [
  pseudo('a path with a blank', '8.3.1', [':path', `/bad /${SMUGGLED}`]),
  pseudo('a path with a version', '8.3.1', [':path', '/bad HTTP/1.1']),
  pseudo('a path with a request line', '8.3.1', [':path', `/bad HTTP/1.1\r\nx: ${SMUGGLED}`]),
  pseudo('a path with LF', '8.3.1', [':path', '/bad\nx']),
  pseudo('a path with a tab', '8.3.1', [':path', '/bad\tx']),
  pseudo('a path with NUL', '8.3.1', [':path', '/bad\0']),
  pseudo('a path beyond ASCII', '8.3.1', [':path', '/bad\xe9']),
  pseudo('a path with a fragment', '8.3.1', [':path', `/bad#${SMUGGLED}`]),
  pseudo('a path in absolute-form', '8.3.1', [':path', `http://${SMUGGLED}/bad`]),
  pseudo('a path in authority-form', '8.3.1', [':path', 'web:80']),
  pseudo('a path without its slash', '8.3.1', [':path', 'bad']),
  pseudo('a path that begins with "@"', '8.3.1', [':path', `@${SMUGGLED}/bad`]),
  pseudo('an empty path', '8.3.1', [':path', '']),
  pseudo('an asterisk for POST', '8.3.1', [':path', '*']),
  field('two paths', '8.3.1', [':path', `/${SMUGGLED}`]),
];

const authorities: readonly Http2Vector[] = [
  pseudo('an authority with user information', '8.3.1', [':authority', `web@${SMUGGLED}`]),
  pseudo('an authority with a blank', '8.3.1', [':authority', `web ${SMUGGLED}`]),
  pseudo('an authority with a slash', '8.3.1', [':authority', `web/${SMUGGLED}`]),
  pseudo('an authority with a query', '8.3.1', [':authority', `web?${SMUGGLED}`]),
  pseudo('an authority with a fragment', '8.3.1', [':authority', `web#${SMUGGLED}`]),
  pseudo('an authority with a backslash', '8.3.1', [':authority', `web\\${SMUGGLED}`]),
  pseudo('an authority with a line', '8.3.1', [':authority', `web\r\nx: ${SMUGGLED}`]),
  pseudo('an authority with two ports', '8.3.1', [':authority', 'web:80:81']),
  pseudo('an authority with a port that is none', '8.3.1', [':authority', 'web:x']),
  vector(
    'two authorities',
    '8.3.1',
    request(METHOD, SCHEME, PATH, AUTHORITY, [':authority', SMUGGLED]),
  ),
  field('a host that is not the authority', '8.3.1', ['host', SMUGGLED]),
  field('a host with another port', '8.3.1', ['host', 'web:81']),
  field('two hosts', '8.3.1', ['host', 'web'], ['host', 'web']),
  vector(
    'two hosts without an authority',
    '8.3.1',
    request(METHOD, SCHEME, PATH, ['host', 'web'], ['host', SMUGGLED]),
  ),
  vector('a host that is none', '8.3.1', request(METHOD, SCHEME, PATH, ['host', 'web/x'])),
];

const methods: readonly Http2Vector[] = [
  pseudo('a method with a blank', '8.3.1', [':method', `GET /${SMUGGLED} HTTP/1.1`]),
  pseudo('a method with a line', '8.3.1', [':method', `GET / HTTP/1.1\r\nx: ${SMUGGLED}`]),
  pseudo('a method with a tab', '8.3.1', [':method', 'PO\tST']),
  pseudo('a method with a colon', '8.3.1', [':method', 'POST:']),
  pseudo('an empty method', '8.3.1', [':method', '']),
  pseudo('CONNECT with a path', '8.5', [':method', 'CONNECT']),
  ...[SMUGGLED, `${SMUGGLED}:0`, `web:80 HTTP/1.1\r\nx: ${SMUGGLED}`, `web:80/${SMUGGLED}`].map(
    (authority) =>
      vector(`CONNECT to ${JSON.stringify(authority)}`, '8.5', [
        headers(1, block([':method', 'CONNECT'], [':authority', authority])),
      ]),
  ),
  field('a protocol of another method', 'RFC 8441 4', [':protocol', 'websocket']),
  ...['h2c', 'HTTP/2', `x\r\nx: ${SMUGGLED}`, 'a, b', ''].map((protocol) =>
    vector(`extended CONNECT for ${JSON.stringify(protocol)}`, 'RFC 8441 4', [
      headers(1, block([':method', 'CONNECT'], [':protocol', protocol], SCHEME, PATH, AUTHORITY)),
    ]),
  ),
];

const schemes: readonly Http2Vector[] = [
  pseudo('a scheme with a line', '8.3.1', [':scheme', `http\r\nx: ${SMUGGLED}`]),
  pseudo('a scheme with an authority', '8.3.1', [':scheme', `http://${SMUGGLED}/?x=`]),
  pseudo('an empty scheme', '8.3.1', [':scheme', '']),
  pseudo('a scheme that HTTP/1.1 cannot say', 'RFC 9112 3.3', [':scheme', 'coap'], 400),
];

const framing: readonly Http2Vector[] = [
  field('a transfer-coding', '8.2.2', ['transfer-encoding', 'chunked']),
  field(
    'a transfer-coding beside a length',
    '8.2.2',
    ['content-length', '5'],
    ['transfer-encoding', 'chunked'],
  ),
  field('an unknown transfer-coding', '8.2.2', ['transfer-encoding', 'x']),
  field('two lengths that differ', '8.1.1', ['content-length', '5'], ['content-length', '6']),
  field('two lengths as a list', '8.1.1', ['content-length', '5, 5']),
  field('a length with a sign', '8.1.1', ['content-length', '+5']),
  field('a length in hex', '8.1.1', ['content-length', '0x5']),
  field('an empty length', '8.1.1', ['content-length', '']),
  field('a length with a line', '8.1.1', ['content-length', '5\r\nx: y']),
  field('a length above all bounds', '8.1.1', ['content-length', '18446744073709551621']),
  vector('a length and no body', '8.1.1', [
    lastHeaders(1, block(METHOD, SCHEME, PATH, AUTHORITY, ['content-length', '5'])),
  ]),
];

const connection: readonly Http2Vector[] = [
  field('Connection', '8.2.2', ['connection', 'close']),
  field('Connection that names a field', '8.2.2', ['connection', 'x-secret'], ['x-secret', 'a']),
  field('Keep-Alive', '8.2.2', ['keep-alive', 'timeout=5']),
  field('Proxy-Connection', '8.2.2', ['proxy-connection', 'close']),
  field('Upgrade to h2c', '8.2.2', ['upgrade', 'h2c']),
  field('Upgrade to a tunnel', '8.2.2', ['upgrade', 'websocket']),
  field('TE of a coding', '8.2.2', ['te', 'chunked']),
  field('TE of trailers and a coding', '8.2.2', ['te', 'trailers, chunked']),
];

const pseudoFields: readonly Http2Vector[] = [
  field('a pseudo-field behind a field', '8.3', ['x', 'y'], [':scheme', 'http']),
  field('an unknown pseudo-field', '8.3', [':host', SMUGGLED]),
  field('a pseudo-field of answers', '8.3', [':status', '200']),
  vector('no method', '8.3.1', request(SCHEME, PATH, AUTHORITY)),
  vector('no path', '8.3.1', request(METHOD, SCHEME, AUTHORITY)),
];

const begun = (...more: readonly WireField[]): Buffer =>
  headers(1, block(METHOD, SCHEME, [':path', '/body-fault'], AUTHORITY, ...more));
/** A request that goes wrong behind its head. */
const body = (name: string, section: string, ...frames: readonly Buffer[]): Http2Vector => ({
  name,
  section,
  frames,
  fault: BODY,
  status: undefined,
});
/** Trailers with one field that is at fault. */
const trailer = (name: string, section: string, wrong: WireField): Http2Vector =>
  body(name, section, begun(), data(1, 'good'), lastHeaders(1, block(['x-good', 'y'], wrong)));

const bodies: readonly Http2Vector[] = [
  {
    ...body(
      'a body above its length',
      '8.1.1',
      begun(['content-length', '5']),
      data(1, `01234${REQUEST}`),
    ),
    fault: EXCESS,
  },
  {
    ...body(
      'a body above its length by its second frame',
      '8.1.1',
      begun(['content-length', '5']),
      data(1, '01234'),
      data(1, REQUEST, END_STREAM),
    ),
    fault: EXCESS,
  },
  {
    ...body(
      'a body for a length of 0',
      '8.1.1',
      begun(['content-length', '0']),
      data(1, REQUEST, END_STREAM),
    ),
    fault: EXCESS,
  },
  body(
    'a body below its length',
    '8.1.1',
    begun(['content-length', '500']),
    data(1, '01234', END_STREAM),
  ),
  body(
    'trailers before the length',
    '8.1.1',
    begun(['content-length', '500']),
    data(1, '01234'),
    lastHeaders(1, block(['x', 'y'])),
  ),
  body('a second head', '8.1', begun(), data(1, 'good'), headers(1, block(['x', SMUGGLED]))),
  trailer('a length in trailers', 'RFC 9110 6.5.1', ['content-length', '5']),
  trailer('a coding in trailers', '8.2.2', ['transfer-encoding', 'chunked']),
  trailer('Host in trailers', 'RFC 9110 6.5.1', ['host', SMUGGLED]),
  trailer('Connection in trailers', '8.2.2', ['connection', 'close']),
  trailer('Upgrade in trailers', '8.2.2', ['upgrade', 'h2c']),
  trailer('a pseudo-field in trailers', '8.1', [':path', `/${SMUGGLED}`]),
  trailer('a line of its own in a trailer', '8.2.1', ['x', `a\r\n\r\n${REQUEST}`]),
  trailer('a line of its own in the name of a trailer', '8.2.1', [`x: a\r\n\r\n${SMUGGLED}`, 'b']),
  trailer('upper case in a trailer', '8.2', ['Content-Length', '5']),
  trailer('an empty name of a trailer', '8.2.1', ['', SMUGGLED]),
  trailer('NUL in a trailer', '8.2.1', ['x', 'a\0']),
];

/** Every vector; names are distinct. */
export const DOWNGRADES: readonly Http2Vector[] = [
  ...values,
  ...names,
  ...paths,
  ...authorities,
  ...methods,
  ...schemes,
  ...framing,
  ...connection,
  ...pseudoFields,
  ...bodies,
];
