import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldsOf, parseHead, requestHead } from '../../../test/support/heads.ts';
import { limits } from '../../limits.ts';
import { type Head, TUNNEL_CONNECT, TUNNEL_UPGRADE, type TunnelKind } from '../../model/head.ts';
import {
  type RequestHeadOptions,
  type ResponseHeadOptions,
  writeRequestHead,
  writeResponseHead,
  writeTrailers,
  writeTunnelHead,
} from './head-writer.ts';

const OFFSET = 3;

/** What `write` puts into a buffer, which it must not leave. */
function written(head: Head, write: (out: Buffer, from: number) => number): string {
  const out = Buffer.alloc(OFFSET + head.length + limits.headGrowthBytesMax, '?');
  const end = write(out, OFFSET);
  assert.match(out.toString('latin1', end), /^\?*$/);
  assert.equal(out.toString('latin1', 0, OFFSET), '???');
  return out.toString('latin1', OFFSET, end);
}

function request(text: string, options: Partial<RequestHeadOptions> = {}): string {
  const head = requestHead(text);
  const all = { chunked: false, host: 'endpoint:80', added: '', ...options };
  return written(head, (out, from) => writeRequestHead(out, from, head, all));
}

function response(text: string, options: Partial<ResponseHeadOptions> = {}): string {
  const head = parseHead('response', text);
  const all = { chunked: false, empty: false, connection: undefined, ...options };
  return written(head, (out, from) => writeResponseHead(out, from, head, all));
}

function trailers(text: string): string {
  const head = parseHead('trailers', text);
  return written(head, (out, from) => writeTrailers(out, from, head));
}

const GET = 'GET /a HTTP/1.1\r\nHost: h\r\n';

/** Request in, request out. */
const REQUESTS: readonly (readonly [name: string, head: string, out: string])[] = [
  [
    'passes what ends nowhere as the bytes it came as',
    `${GET}X-a:  1 \r\nx-A:2\t\r\nCookie: \xe9\r\n\r\n`,
    `${GET}X-a:  1 \r\nx-A:2\t\r\nCookie: \xe9\r\n\r\n`,
  ],
  [
    'removes hop-by-hop fields wherever they stand',
    `GET /a HTTP/1.1\r\nConnection: close\r\nHost: h\r\nKeep-Alive: timeout=5\r\nA: 1\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\nB: 2\r\nUpgrade: h2c\r\nHTTP2-Settings: z\r\nTE: gzip\r\n\r\n`,
    `GET /a HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 2\r\n\r\n`,
  ],
  [
    'removes what Connection names, in any case',
    `${GET}X-One: 1\r\nx-two: 2\r\nConnection: X-TWO, close\r\nX-Two-More: 3\r\nx-one: 4\r\nconnection: x-one\r\n\r\n`,
    `${GET}X-Two-More: 3\r\n\r\n`,
  ],
  [
    'keeps Host and Content-Length even when Connection names them',
    `${GET}Content-Length: 5\r\nConnection: host, content-length\r\n\r\n`,
    `${GET}Content-Length: 5\r\n\r\n`,
  ],
  ['removes culvert-* from outside', `${GET}Culvert-Client-Id: me\r\n\r\n`, `${GET}\r\n`],
  [
    'passes TE: trailers on as a field of the next hop',
    `${GET}TE: gzip;q=0.5, Trailers\r\nConnection: TE\r\n\r\n`,
    `${GET}TE: trailers\r\nConnection: TE\r\n\r\n`,
  ],
  [
    'writes an equal repeat of Content-Length once',
    `${GET}Content-Length: 5\r\nA: 1\r\ncontent-length: 5\r\n\r\n`,
    `${GET}Content-Length: 5\r\nA: 1\r\n\r\n`,
  ],
  [
    'writes the version of the next hop',
    'GET /a HTTP/1.0\r\nHost: h\r\nA: 1\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: h\r\nA: 1\r\n\r\n',
  ],
  ['writes HTTP/1.9 as HTTP/1.1', 'GET /a HTTP/1.9\r\nHost: h\r\n\r\n', `${GET}\r\n`],
  [
    'gives HTTP/1.0 without Host the endpoint as Host',
    'GET /a HTTP/1.0\r\nA: 1\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: endpoint:80\r\nA: 1\r\n\r\n',
  ],
  [
    'gives HTTP/1.0 without any field Host too',
    'GET /a HTTP/1.0\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: endpoint:80\r\n\r\n',
  ],
  [
    'writes absolute-form as origin-form with its own authority as Host',
    'GET http://a:81/b?c HTTP/1.1\r\nA: 1\r\nHost: other\r\nB: 2\r\n\r\n',
    'GET /b?c HTTP/1.1\r\nHost: a:81\r\nA: 1\r\nB: 2\r\n\r\n',
  ],
  [
    'gives an absolute-form without a path one',
    'GET http://a HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  ],
  [
    'gives an absolute-form with only a query a path',
    'GET http://a?b HTTP/1.0\r\n\r\n',
    'GET /?b HTTP/1.1\r\nHost: a\r\n\r\n',
  ],
  [
    'writes OPTIONS in absolute-form without a path as asterisk-form',
    'OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
  ],
];

for (const [name, head, out] of REQUESTS) {
  test(`writeRequestHead ${name}`, () => assert.equal(request(head), out));
}

test('writeRequestHead frames a body of unknown length as chunked, in place of what came', () => {
  const head = `${GET}Transfer-Encoding: CHUNKED\r\nA: 1\r\n\r\n`;
  const out = `${GET}A: 1\r\nTransfer-Encoding: chunked\r\n\r\n`;
  assert.equal(request(head, { chunked: true }), out);
});

test('writeRequestHead leaves the length of a body out that goes on chunked', () => {
  const head = `${GET}content-length: 5\r\nTrailer: x-sum\r\n\r\n`;
  const out = `${GET}Trailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n`;
  assert.equal(request(head, { chunked: true }), out);
});

test('writeRequestHead passes an empty Host on: the request names no authority', () => {
  const head = 'GET /a HTTP/1.1\r\nA: 1\r\nHost:\r\n\r\n';
  assert.equal(request(head), head);
});

const OK = 'HTTP/1.1 200 Fine\r\n';
const RESPONSES: readonly (readonly [name: string, head: string, out: string])[] = [
  ['passes fields as they came', `${OK}Date:  x \r\nA:1\r\n\r\n`, `${OK}Date:  x \r\nA:1\r\n\r\n`],
  ['writes its own version', 'HTTP/1.0 200 Fine\r\nA: 1\r\n\r\n', `${OK}A: 1\r\n\r\n`],
  ['passes a head without a reason', 'HTTP/1.1 200\r\n\r\n', 'HTTP/1.1 200\r\n\r\n'],
  [
    'removes hop-by-hop fields and what Connection names',
    `${OK}Connection: x-a, close\r\nX-A: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: x\r\nTrailer: T\r\nUpgrade: h2c\r\nCulvert-Proxy-Error: no\r\n\r\n`,
    `${OK}Trailer: T\r\n\r\n`,
  ],
  [
    'writes an equal repeat of Content-Length once',
    `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\n`,
    `${OK}Content-Length: 5\r\n\r\n`,
  ],
];

for (const [status, told] of [
  [100, false],
  [103, false],
  [200, true],
  [204, false],
  [304, true],
] as const) {
  test(`writeResponseHead ${told ? 'keeps' : 'leaves out'} the length of ${status}`, () => {
    const start = `HTTP/1.1 ${status} X\r\n`;
    const out = response(`${start}Content-Length: 5\r\nA: b\r\n\r\n`);
    assert.equal(out, `${start}${told ? 'Content-Length: 5\r\n' : ''}A: b\r\n\r\n`);
  });
}

for (const [name, head, out] of RESPONSES) {
  test(`writeResponseHead ${name}`, () => assert.equal(response(head), out));
}

test('writeResponseHead says how the connection and the body go on', () => {
  const head = `${OK}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\nA: 1\r\n\r\n`;
  assert.equal(response(head), `${OK}A: 1\r\n\r\n`);
  assert.equal(
    response(head, { chunked: true, connection: 'close' }),
    `${OK}A: 1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  assert.match(response(head, { connection: 'keep-alive' }), /Connection: keep-alive\r\n\r\n$/);
  assert.equal(response(head, { empty: true }), `${OK}A: 1\r\nContent-Length: 0\r\n\r\n`);
  const announced = `${OK}Content-Length: 5\r\nTrailer: T\r\n\r\n`;
  const chunked = `${OK}Trailer: T\r\nTransfer-Encoding: chunked\r\n\r\n`;
  assert.equal(response(announced, { chunked: true }), chunked);
});

test('writeRequestHead passes an upgrade on, and no other field of one hop', () => {
  const text =
    `${GET}Connection: keep-alive, X-Hop, Upgrade\r\nX-Hop: 1\r\nUpgrade: websocket, x\r\n` +
    'HTTP2-Settings: AA\r\nSec-WebSocket-Key: k\r\nTE: trailers\r\nUpgrade: y\r\n\r\n';
  const head = requestHead(text);
  head.tunnel = TUNNEL_UPGRADE;
  const options = { chunked: false, host: 'e:80', added: 'Sec-X: y\r\n' };
  assert.equal(
    written(head, (out, from) => writeRequestHead(out, from, head, options)),
    `${GET}Upgrade: websocket, x\r\nSec-WebSocket-Key: k\r\nUpgrade: y\r\n` +
      'TE: trailers\r\nConnection: TE\r\nConnection: Upgrade\r\nSec-X: y\r\n\r\n',
  );
});

test('writeRequestHead says the authority of CONNECT twice, whatever Host said', () => {
  const out = 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nX: y\r\n\r\n';
  assert.equal(request('CONNECT a:80 HTTP/1.1\r\nHost: b\r\nX: y\r\n\r\n'), out);
  assert.equal(request('CONNECT a:80 HTTP/1.0\r\nX: y\r\n\r\n'), out);
  const long = `${'a'.repeat(509)}:80`;
  assert.match(request(`CONNECT ${long} HTTP/1.0\r\n\r\n`), new RegExp(`\r\nHost: ${long}\r\n`));
});

function granted(text: string, kind: TunnelKind, added = ''): string {
  const head = parseHead('response', text);
  head.tunnel = kind;
  return written(head, (out, from) => writeTunnelHead(out, from, head, added));
}

test('writeTunnelHead grants by 101 what was granted so, and tells no length', () => {
  assert.equal(
    granted(
      'HTTP/1.1 101 Fine\r\nUpgrade: x\r\nConnection: X-Hop, Upgrade\r\nX-Hop: 1\r\nA: b\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
      TUNNEL_UPGRADE,
    ),
    'HTTP/1.1 101 Fine\r\nUpgrade: x\r\nA: b\r\nConnection: Upgrade\r\n\r\n',
  );
  assert.equal(
    granted('HTTP/1.1 200 \r\nA: b\r\n\r\n', TUNNEL_UPGRADE, 'Upgrade: x\r\n'),
    'HTTP/1.1 101 Switching Protocols\r\nA: b\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
  );
  assert.equal(
    granted(`HTTP/1.0 200 Fine\r\nA: b\r\nContent-Length: 5\r\n\r\n`, TUNNEL_CONNECT),
    `${OK}A: b\r\n\r\n`,
  );
});

test('writeTrailers leaves out what would frame or route the message', () => {
  const kept = 'Grpc-Status: 0\r\nX: y\r\n';
  const left =
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\nHost: x\r\nConnection: X\r\nTE: x\r\n';
  assert.equal(trailers(`${kept}\r\n`), `${kept}\r\n`);
  assert.equal(trailers(`Grpc-Status: 0\r\n${left}Z: y\r\n\r\n`), 'Grpc-Status: 0\r\nZ: y\r\n\r\n');
  assert.equal(trailers('\r\n'), '\r\n');
});

test('the writers add no more than a hop may add, at the limits', () => {
  const authority = 'a'.repeat(300);
  const target = `http://${authority}/`;
  const growth = request(`GET ${target} HTTP/1.0\r\nTE: trailers\r\n\r\n`, { chunked: true });
  assert(growth.length <= target.length + limits.headGrowthBytesMax);
});

const DROPPED =
  /^(?:connection|keep-alive|proxy-.+|te|transfer-encoding|upgrade|http2-settings|culvert-.+)$/i;
const FIELD_NAMES =
  'A X-Long-Name-Of-A-Field connection Keep-Alive Proxy-X TE Upgrade Content-Length b x-named ' +
  'Transfer-Encoding culvert-x HTTP2-Settings';
const fieldName = fc.constantFrom(...FIELD_NAMES.split(' '));
const fieldValue = fc.constantFrom('1', 'x-named', 'a, x-named', 'trailers', 'z'.repeat(40), '');

/** Field by field, as the specification says it. */
function fieldByField(head: Head): string {
  const connection = fieldsOf(head).filter(([name]) => /^connection$/i.test(name));
  const named = new Set(
    connection.flatMap(([, value]) => value.split(',').map((each) => each.trim().toLowerCase())),
  );
  let lengths = 0;
  let out = head.text(0, head.lineStart(0));
  for (const [i, [name]] of fieldsOf(head).entries()) {
    const lower = name.toLowerCase();
    if (DROPPED.test(name)) continue;
    if (lower === 'content-length' ? ++lengths > 1 : named.has(lower)) continue;
    out += head.text(head.lineStart(i), head.lineStart(i + 1));
  }
  return `${out}\r\n`;
}

test('copying runs of fields gives what copying field by field gives', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fieldName, fieldValue), { maxLength: 20 }), (fields) => {
      const lines = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
      const text = `HTTP/1.1 200 OK\r\n${lines}\r\n`;
      assert.equal(response(text), fieldByField(parseHead('response', text)));
    }),
  );
});
