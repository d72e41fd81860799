import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead, requestHead } from '../../../test/support/heads.ts';
import { type HpackField, IndependentDecoder } from '../../../test/support/independent-hpack.ts';
import { limits } from '../../limits.ts';
import { Head, TUNNEL_CONNECT, TUNNEL_UPGRADE } from '../../model/head.ts';
import { HeadEncoder } from './head-writer.ts';

const OFFSET = 9;
type Kind = 'request' | 'response' | 'trailers';

/** The block of `head`, which must keep to its room. */
function write(encoder: HeadEncoder, kind: Kind, head: Head): Buffer {
  const out = Buffer.alloc(OFFSET + head.length + limits.headGrowthBytesMax, '?');
  const end = encoder[kind](out, OFFSET, head);
  assert.match(out.toString('latin1', end), /^\?*$/);
  assert.equal(out.toString('latin1', 0, OFFSET), '?'.repeat(OFFSET));
  return Buffer.from(out.subarray(OFFSET, end));
}

const lines = (fields: readonly HpackField[]): string[] =>
  fields.map(
    ({ name, value, neverIndex }) => `${name}: ${value}${neverIndex === true ? ' !' : ''}`,
  );

/** What an independent decoder makes of the first block of a connection. */
const sent = (kind: Kind, head: Head): string[] =>
  lines(new IndependentDecoder().decode(write(new HeadEncoder(), kind, head)));

const request = (text: string): string[] => sent('request', requestHead(text));
const response = (text: string): string[] => sent('response', parseHead('response', text));
const trailers = (text: string): string[] => sent('trailers', parseHead('trailers', text));

const GET = 'GET /a HTTP/1.1\r\nHost: h\r\n';
const GET_FIELDS = [':method: GET', ':scheme: http', ':authority: h', ':path: /a'];

/** Request in, fields out. */
const REQUESTS: readonly (readonly [name: string, head: string, fields: readonly string[]])[] = [
  [
    'writes names in lower case, values without blanks around them, in order',
    `${GET}X-a:  1 \r\nx-A:2\t\r\nUser-Agent: \xe9\r\nE:\r\n\r\n`,
    [...GET_FIELDS, 'x-a: 1', 'x-a: 2', 'user-agent: \xe9', 'e: '],
  ],
  [
    'leaves out Host and what ends at this hop, wherever it stands',
    `GET /a HTTP/1.1\r\nConnection: close\r\nKeep-Alive: timeout=5\r\nHost: h\r\nA: 1\r\nProxy-Connection: x\r\nProxy-Authorization: y\r\nB: 2\r\nUpgrade: h2c\r\nHTTP2-Settings: z\r\nTE: gzip\r\nTransfer-Encoding: chunked\r\nCulvert-Client-Id: me\r\n\r\n`,
    [...GET_FIELDS, 'a: 1', 'b: 2'],
  ],
  [
    'leaves out what Connection names, in any case',
    `${GET}X-One: 1\r\nx-two: 2\r\nConnection: X-TWO, close\r\nX-Two-More: 3\r\nx-one: 4\r\nconnection: x-one\r\n\r\n`,
    [...GET_FIELDS, 'x-two-more: 3'],
  ],
  [
    'keeps Content-Length even when Connection names it, once',
    `${GET}Content-Length: 5\r\nA: 1\r\ncontent-length: 5\r\nConnection: content-length\r\n\r\n`,
    [...GET_FIELDS, 'content-length: 5', 'a: 1'],
  ],
  [
    'keeps "te: trailers", and nothing else of it',
    `${GET}TE: gzip;q=0.5, Trailers\r\nConnection: TE\r\n\r\n`,
    [...GET_FIELDS, 'te: trailers'],
  ],
  [
    'writes a request without an authority without :authority',
    'GET /a HTTP/1.0\r\nA: 1\r\n\r\n',
    [':method: GET', ':scheme: http', ':path: /a', 'a: 1'],
  ],
  [
    'writes a request whose Host is empty without :authority',
    'GET /a HTTP/1.1\r\nHost:\r\nA: 1\r\n\r\n',
    [':method: GET', ':scheme: http', ':path: /a', 'a: 1'],
  ],
  [
    'writes absolute-form as path and authority, and leaves out Host',
    'PUT http://a:81/b?c HTTP/1.1\r\nA: 1\r\nHost: other\r\n\r\n',
    [':method: PUT', ':scheme: http', ':authority: a:81', ':path: /b?c', 'a: 1'],
  ],
  [
    'gives an absolute-form without a path one',
    'GET http://a HTTP/1.1\r\nHost: a\r\n\r\n',
    [':method: GET', ':scheme: http', ':authority: a', ':path: /'],
  ],
  [
    'gives an absolute-form with only a query a path',
    'GET http://a?b HTTP/1.0\r\n\r\n',
    [':method: GET', ':scheme: http', ':authority: a', ':path: /?b'],
  ],
  [
    'writes OPTIONS in absolute-form without a path as "*"',
    'OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n',
    [':method: OPTIONS', ':scheme: http', ':authority: a', ':path: *'],
  ],
  [
    'writes OPTIONS in asterisk-form as it is',
    'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n',
    [':method: OPTIONS', ':scheme: http', ':authority: a', ':path: *'],
  ],
  [
    'keeps secrets out of every table on the way: Authorization and short cookies',
    `${GET}Authorization: Basic eA==\r\nCookie: a=1\r\nCookie: id=${'x'.repeat(17)}\r\n\r\n`,
    [...GET_FIELDS, 'authorization: Basic eA== !', 'cookie: a=1 !', `cookie: id=${'x'.repeat(17)}`],
  ],
];

for (const [name, head, fields] of REQUESTS) {
  test(`HeadEncoder.request ${name}`, () => assert.deepEqual(request(head), fields));
}

test('HeadEncoder.request writes CONNECT with its authority only', () => {
  const text = 'CONNECT a:80 HTTP/1.1\r\nHost: b\r\nContent-Length: 0\r\nA: b\r\n\r\n';
  assert.deepEqual(request(text), [':method: CONNECT', ':authority: a:80', 'a: b']);
});

test('HeadEncoder.request writes an upgrade as extended CONNECT for what it wants most', () => {
  const text =
    `${GET}Connection: Upgrade\r\nUpgrade: WebSocket, x\r\nContent-Length: 0\r\n` +
    'Sec-WebSocket-Key: k\r\n\r\n';
  const head = requestHead(text);
  head.tunnel = TUNNEL_UPGRADE;
  const fields = [':method: CONNECT', ':protocol: WebSocket', ...GET_FIELDS.slice(1)];
  // The same on every block: the second and the third are indexed.
  const encoder = new HeadEncoder();
  const decoder = new IndependentDecoder();
  for (let i = 0; i < 3; i++) {
    const block = write(encoder, 'request', head);
    assert.deepEqual(lines(decoder.decode(block)), [...fields, 'sec-websocket-key: k']);
  }
});

test('HeadEncoder.response grants a tunnel with success and no length', () => {
  const head = parseHead(
    'response',
    'HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 0\r\nA: b\r\n\r\n',
  );
  head.tunnel = TUNNEL_UPGRADE;
  assert.deepEqual(sent('response', head), [':status: 200', 'a: b']);
  const connected = parseHead('response', 'HTTP/1.1 204 N\r\nContent-Length: 0\r\nA: b\r\n\r\n');
  connected.tunnel = TUNNEL_CONNECT;
  assert.deepEqual(sent('response', connected), [':status: 204', 'a: b']);
});

test('HeadEncoder.request writes the scheme the head has', () => {
  for (const scheme of ['https', 'coap+tcp']) {
    const head = requestHead(`${GET}\r\n`);
    head.scheme = scheme;
    assert.deepEqual(sent('request', head)[1], `:scheme: ${scheme}`);
  }
});

test('HeadEncoder.response writes the status alone of the start line', () => {
  for (const status of [100, 103, 200, 204, 404, 418, 500, 599, 999]) {
    const fields = response(`HTTP/1.1 ${status} Whatever\r\nServer: x\r\n\r\n`);
    assert.deepEqual(fields, [`:status: ${status}`, 'server: x']);
  }
  assert.deepEqual(response('HTTP/1.0 200\r\n\r\n'), [':status: 200']);
});

test('HeadEncoder.request names its host for HTTP/1.0 without Host, and for nobody else', () => {
  const encoder = new HeadEncoder();
  encoder.host = 'endpoint:80';
  const authorities = [
    'GET / HTTP/1.0\r\n\r\n',
    'GET / HTTP/1.1\r\nHost:\r\n\r\n',
    `${GET}\r\n`,
  ].map((text) => {
    const fields = new IndependentDecoder().decode(write(encoder, 'request', requestHead(text)));
    return fields.find(({ name }) => name === ':authority')?.value;
  });
  assert.deepEqual(authorities, ['endpoint:80', undefined, 'h']);
});

test('HeadEncoder.response leaves out a length that the status does not allow', () => {
  for (const [status, told] of [
    [100, false],
    [103, false],
    [200, true],
    [204, false],
    [304, true],
  ] as const) {
    const fields = response(`HTTP/1.1 ${status} X\r\nContent-Length: 5\r\nA: b\r\n\r\n`);
    assert.equal(fields.includes('content-length: 5'), told, `${status}`);
    assert.equal(fields.at(-1), 'a: b');
  }
});

test('HeadEncoder.response leaves out what ends at this hop', () => {
  assert.deepEqual(
    response(
      'HTTP/1.1 200 OK\r\nConnection: X-A\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\nHost: h\r\nKeep-Alive: x\r\nB: 2\r\nCulvert-Proxy-Error: z\r\n\r\n',
    ),
    [':status: 200', 'b: 2'],
  );
});

test('HeadEncoder.trailers leaves out what must not stand in trailers', () => {
  assert.deepEqual(
    trailers(
      'Grpc-Status: 0\r\nContent-Length: 5\r\nHost: x\r\nConnection: y\r\nTE: trailers\r\nA: 1\r\n\r\n',
    ),
    ['grpc-status: 0', 'a: 1'],
  );
  assert.deepEqual(trailers('\r\n'), []);
});

test('HeadEncoder never puts secrets into the table, and Set-Cookie neither', () => {
  const encoder = new HeadEncoder();
  const decoder = new IndependentDecoder();
  const asked = requestHead(`${GET}Authorization: x\r\nCookie: a=1\r\n\r\n`);
  const answered = parseHead('response', 'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\n\r\n');
  for (let i = 0; i < 4; i++) {
    decoder.decode(write(encoder, 'request', asked));
    decoder.decode(write(encoder, 'response', answered));
  }
  // :authority and :path.
  assert.equal(decoder.tableBytes, ':authorityh'.length + 32 + ':path/a'.length + 32);
});

test('HeadEncoder keeps a field never indexed that came so', () => {
  const encoder = new HeadEncoder();
  const head = requestHead(`${GET}X: y\r\nZ: w\r\n\r\n`);
  head.markNeverIndexed(1);
  const decoder = new IndependentDecoder();
  for (let i = 0; i < 3; i++) {
    const fields = lines(decoder.decode(write(encoder, 'request', head)));
    assert.deepEqual(fields, [...GET_FIELDS, 'x: y !', 'z: w']);
  }
});

test('HeadEncoder writes what recurs in a byte or two a field', () => {
  for (const origin of [undefined, { serial: 3 }]) {
    const encoder = new HeadEncoder();
    const text = `${GET}User-Agent: client/1.4.2\r\nAccept: application/json\r\n\r\n`;
    const head = requestHead(text);
    head.origin = origin;
    const sizes = Array.from({ length: 4 }, () => write(encoder, 'request', head).length);
    assert.deepEqual(sizes.slice(2), [6, 6]);
    assert.ok((sizes[0] ?? 0) > 40);
  }
});

test('HeadEncoder writes what recurs from its memo as it would without', () => {
  const texts = [`${GET}A: 1\r\n\r\n`, `${GET}B: 2\r\nC: 3\r\n\r\n`];
  const heads = texts.map((text) => requestHead(text));
  const others = texts.map((text) => requestHead(text));
  for (const [i, head] of heads.entries()) head.origin = { serial: i };
  const encoder = new HeadEncoder();
  const plain = new HeadEncoder();
  for (let round = 0; round < 6; round++) {
    for (const [i, head] of heads.entries()) {
      assert.deepEqual(write(encoder, 'request', head), write(plain, 'request', others[i] ?? head));
    }
  }
});

test('HeadEncoder that was not used for long has no memo', () => {
  const encoder = new HeadEncoder();
  const head = requestHead(`${GET}A: 1\r\n\r\n`);
  const other = requestHead(`${GET}A: 2\r\n\r\n`);
  head.origin = { serial: 3 };
  other.origin = head.origin;
  const blocks = Array.from({ length: 4 }, () => write(encoder, 'request', head));
  assert.deepEqual(write(encoder, 'request', other), blocks[3], 'what has its origin is equal');
  encoder.unused();
  assert.notDeepEqual(write(encoder, 'request', other), blocks[3]);
  assert.deepEqual(write(encoder, 'request', head), blocks[3], 'the table is there');
});

test('HeadEncoder takes nothing from its memo that another table would read otherwise', () => {
  const encoder = new HeadEncoder();
  const decoder = new IndependentDecoder();
  const head = requestHead(`${GET}A: 1\r\n\r\n`);
  head.origin = { serial: 7 };
  const other = requestHead(`${GET}A: 2\r\n\r\n`);
  const check = (one: Head, value: string): void => {
    const fields = lines(decoder.decode(write(encoder, 'request', one)));
    assert.deepEqual(fields, [...GET_FIELDS, `a: ${value}`]);
  };
  for (let i = 0; i < 4; i++) check(head, '1');
  for (let i = 0; i < 4; i++) check(other, '2');
  for (let i = 0; i < 4; i++) check(head, '1');
  encoder.setPeerTableBytesMax(0);
  for (let i = 0; i < 4; i++) check(head, '1');
  encoder.setPeerTableBytesMax(4096);
  for (let i = 0; i < 4; i++) check(head, '1');
});

test('HeadEncoder does not take one origin for another in the same place', () => {
  const encoder = new HeadEncoder();
  const decoder = new IndependentDecoder();
  const heads = [0, 32, 64].map((serial) => {
    const head = requestHead(`${GET}A: ${serial}\r\n\r\n`);
    head.origin = { serial };
    return head;
  });
  for (let round = 0; round < 5; round++) {
    for (const head of heads) {
      const fields = lines(decoder.decode(write(encoder, 'request', head)));
      assert.equal(fields.at(-1), `a: ${head.origin?.serial}`);
    }
  }
});

test('HeadEncoder keeps to its room with the heads that grow most', () => {
  const most = limits.headBytesMax;
  const start = 'GET / HTTP/1.1\r\nHost:h\r\n';
  // Lengths that need one more octet are rarest in bytes when they are just long enough.
  for (const [names, values] of [
    [1, 127],
    [127, 1],
    [127, 127],
    [1, 255],
    [255, 255],
    [1, 0],
    [6, 30_000],
  ] as const) {
    const line = `${'n'.repeat(names)}:${'~'.repeat(values)}\r\n`;
    const count = Math.floor((most - start.length - 2) / line.length);
    const text = `${start}${line.repeat(Math.min(count, 4095))}\r\n`;
    const head = parseHead('request', text, { ...limits, fieldCountMax: 4096 });
    head.authorityStart = head.valueStart(0);
    head.authorityEnd = head.valueEnd(0);
    head.pathStart = head.targetStart;
    head.pathEnd = head.targetEnd;
    const encoder = new HeadEncoder();
    encoder.setPeerTableBytesMax(0);
    encoder.setPeerTableBytesMax(4096);
    for (let i = 0; i < 3; i++) write(encoder, 'request', head);
  }
});
