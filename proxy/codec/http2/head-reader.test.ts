import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fieldsOf, requestHead } from '../../../test/support/heads.ts';
import { IndependentEncoder, blockOf } from '../../../test/support/independent-hpack.ts';
import { limits } from '../../limits.ts';
import { Head, TUNNEL_CONNECT, TUNNEL_NONE, TUNNEL_UPGRADE } from '../../model/head.ts';
import {
  type HeadFault,
  contentLengthOf,
  isLengthKnown,
  readRequestHead,
  readResponseHead,
  readTrailers,
} from './head-reader.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { FieldSection } from './hpack/field-section.ts';

type Field = readonly [name: string, value: string];
const READERS = { request: readRequestHead, response: readResponseHead, trailers: readTrailers };
type Kind = keyof typeof READERS;

/** The head that `fields` are, or why they are none. */
function read(kind: Kind, fields: readonly Field[]): Head | HeadFault {
  const section = new FieldSection();
  const block = blockOf(fields);
  const countMax = limits.fieldCountMax + 5;
  const decoder = new HpackDecoder(4096);
  assert.ok(decoder.decode(block, 0, block.length, section, limits.headBytesMax, countMax));
  const head = new Head();
  // What an earlier head said must not show.
  head.status = 418;
  head.scheme = 'old';
  head.absolute = true;
  head.tunnel = TUNNEL_CONNECT;
  return READERS[kind](section, head) ?? head;
}

function headOf(kind: Kind, fields: readonly Field[]): Head {
  const head = read(kind, fields);
  if (typeof head === 'string') assert.fail(`${head}: ${JSON.stringify(fields)}`);
  return head;
}

const textOf = (head: Head): string => head.text(0, head.length);

const GET: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/a?b'],
  [':authority', 'web:80'],
];
const without = (name: string): readonly Field[] => GET.filter(([one]) => one !== name);
const changed = (name: string, value: string): readonly Field[] =>
  GET.map(([one, old]) => [one, one === name ? value : old]);

const connect = (authority: string): readonly Field[] => [
  [':method', 'CONNECT'],
  [':authority', authority],
];
const upgrade = (protocol: string): readonly Field[] => [
  ...changed(':method', 'CONNECT'),
  [':protocol', protocol],
];

test('readRequestHead lays a request out as HTTP/1.1, in whatever order pseudo-fields come', () => {
  for (const pseudo of [GET, GET.toReversed()]) {
    const head = headOf('request', [...pseudo, ['accept', 'x'], ['x-y', '']]);
    const text = 'GET /a?b HTTP/1.1\r\nHost: web:80\r\naccept: x\r\nx-y: \r\n\r\n';
    assert.equal(textOf(head), text);
    assert.deepEqual(
      [head.method(), head.target(), head.path(), head.authority(), head.scheme],
      ['GET', '/a?b', '/a?b', 'web:80', 'http'],
    );
    assert.deepEqual([head.minor, head.status, head.absolute], [1, 0, false]);
    assert.deepEqual(fieldsOf(head), [
      ['Host', 'web:80'],
      ['accept', 'x'],
      ['x-y', ''],
    ]);
    assert.deepEqual(
      [0, 1, 2, 3].map((i) => head.lineStart(i)),
      [19, 33, 44, 51],
    );
    assert.equal(head.linesEnd, 51);
  }
});

test('readRequestHead lays out a request without a regular field', () => {
  assert.equal(textOf(headOf('request', GET)), 'GET /a?b HTTP/1.1\r\nHost: web:80\r\n\r\n');
});

test('readRequestHead gives a request without an authority the empty Host of HTTP/1.1', () => {
  for (const fields of [without(':authority'), changed(':authority', '')]) {
    const bare = headOf('request', [...fields, ['a', 'b']]);
    assert.equal(textOf(bare), 'GET /a?b HTTP/1.1\r\nHost: \r\na: b\r\n\r\n');
    assert.deepEqual([bare.authorityStart, bare.authorityEnd, bare.authority()], [25, 25, '']);
    assert.deepEqual(fieldsOf(bare), [
      ['Host', ''],
      ['a', 'b'],
    ]);
  }
});

test('readRequestHead takes the shortest and the longest there are', () => {
  const short = headOf('request', [
    [':method', 'X'],
    [':scheme', 'h'],
    [':path', '/'],
  ]);
  assert.equal(textOf(short), 'X / HTTP/1.1\r\nHost: \r\n\r\n');
  const path = `/${'p'.repeat(limits.targetBytesMax - 1)}`;
  const authority = 'a'.repeat(40_000);
  const long = headOf('request', [
    [':method', 'M'.repeat(64)],
    [':scheme', 'https'],
    [':path', path],
    [':authority', authority],
  ]);
  assert.equal(textOf(long), `${'M'.repeat(64)} ${path} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
});

test('readRequestHead lets Host stand where it stood when it says what :authority says', () => {
  for (const pseudo of [GET, changed(':authority', 'WEB:80'), without(':authority')]) {
    const head = headOf('request', [...pseudo, ['a', '1'], ['host', 'web:80'], ['b', '2']]);
    // :authority counts, also in how it is written.
    const authority = pseudo.find(([name]) => name === ':authority')?.[1] ?? 'web:80';
    const text = `GET /a?b HTTP/1.1\r\na: 1\r\nhost: ${authority}\r\nb: 2\r\n\r\n`;
    assert.equal(textOf(head), text);
    assert.equal(head.authority(), authority);
  }
});

test('readRequestHead keeps the scheme, whatever it is', () => {
  for (const [given, scheme] of [
    ['https', 'https'],
    ['HTTP', 'http'],
    ['a+b-c.1', 'a+b-c.1'],
  ] as const) {
    assert.equal(headOf('request', changed(':scheme', given)).scheme, scheme);
  }
});

test('readRequestHead takes "*" for OPTIONS', () => {
  const options: readonly Field[] = [...changed(':path', '*').slice(1), [':method', 'OPTIONS']];
  assert.equal(textOf(headOf('request', options)), 'OPTIONS * HTTP/1.1\r\nHost: web:80\r\n\r\n');
  assert.equal(read('request', changed(':path', '*')), 'malformed');
});

test('readRequestHead joins cookies that were split, in the last line', () => {
  const head = headOf('request', [
    ...GET,
    ['cookie', 'a=1'],
    ['x', 'y'],
    ['cookie', ''],
    ['cookie', 'b=2'],
    ['accept', 'z'],
    ['cookie', 'c=3'],
  ]);
  const lines = 'x: y\r\naccept: z\r\ncookie: a=1; b=2; c=3\r\n\r\n';
  assert.equal(textOf(head), `GET /a?b HTTP/1.1\r\nHost: web:80\r\n${lines}`);
  assert.equal(head.value(head.fieldCount - 1), 'a=1; b=2; c=3');
  const empty = headOf('request', [...GET, ['cookie', ''], ['cookie', '']]);
  assert.equal(empty.value(1), '');
});

const cookie = (value: string, neverIndex: boolean) => ({ name: 'cookie', value, neverIndex });

test('readRequestHead keeps a joined cookie never indexed when a part of it was', () => {
  const fields = GET.map(([name, value]) => ({ name, value }));
  for (const never of [true, false]) {
    const all = [...fields, { name: 'x', value: 'y', neverIndex: true }, cookie('a=1', never)];
    const block = new IndependentEncoder().encode([...all, cookie('b=2', false)]);
    const section = new FieldSection();
    assert.ok(new HpackDecoder(4096).decode(block, 0, block.length, section, 65_536, 99));
    const head = new Head();
    assert.equal(readRequestHead(section, head), undefined);
    assert.deepEqual(
      [0, 1, 2].map((i) => head.neverIndexed(i)),
      [false, true, never],
    );
  }
});

test('readRequestHead grows the marks of never-indexed fields with the fields', () => {
  const fields = Array.from({ length: 70 }, (_, i) => ({
    name: `n${i}`,
    value: '',
    neverIndex: i % 3 === 0,
    incremental: false,
  }));
  const all = [...GET.map(([name, value]) => ({ name, value })), ...fields];
  const block = new IndependentEncoder().encode(all);
  const section = new FieldSection();
  assert.ok(new HpackDecoder(4096).decode(block, 0, block.length, section, 65_536, 99));
  const head = new Head();
  assert.equal(readRequestHead(section, head), undefined);
  for (let i = 0; i < 70; i++) assert.equal(head.neverIndexed(i + 1), i % 3 === 0);
  const kept = new Head();
  kept.own(head);
  head.clear();
  assert.equal(head.neverIndexed(1), false);
  for (let i = 0; i < 70; i++) assert.equal(kept.neverIndexed(i + 1), i % 3 === 0);
});

/** RFC 9113 sections 8.2 and 8.3. */
const BAD_REQUESTS: readonly (readonly [name: string, fields: readonly Field[]])[] = [
  ['no :method', without(':method')],
  ['no :scheme', without(':scheme')],
  ['no :path', without(':path')],
  ['nothing', []],
  ['only regular fields', [['accept', 'x']]],
  ['two :method', [...GET, [':method', 'GET']]],
  ['two :scheme', [...GET, [':scheme', 'http']]],
  ['two :path', [...GET, [':path', '/a?b']]],
  ['two :authority', [...GET, [':authority', 'web:80']]],
  [':status', [...GET, [':status', '200']]],
  ['a pseudo-field it does not know', [...GET, [':protocol', 'websocket']]],
  ['a pseudo-field behind a regular one', [...GET.slice(1), ['a', 'b'], [':method', 'GET']]],
  ['an empty :method', changed(':method', '')],
  ['a :method that is no token', changed(':method', 'G T')],
  ['a :method of 65 bytes', changed(':method', 'M'.repeat(65))],
  ['an empty :path', changed(':path', '')],
  ['a :path in absolute-form', changed(':path', 'http://web/')],
  ['a :path without a slash', changed(':path', 'a')],
  ['a :path with a fragment', changed(':path', '/a#b')],
  ['a :path with a blank', changed(':path', '/a b')],
  ['a :path that is not ASCII', changed(':path', '/\xe9')],
  ['an empty :scheme', changed(':scheme', '')],
  ['a :scheme that is none', changed(':scheme', 'ht tp')],
  ['a :scheme that begins with a digit', changed(':scheme', '1http')],
  ['a :scheme of 65 bytes', changed(':scheme', 's'.repeat(65))],
  ['userinfo in :authority', changed(':authority', 'me@web')],
  ['a slash in :authority', changed(':authority', 'web/a')],
  ['a port that is none', changed(':authority', 'web:x')],
  ['a Host that says something else', [...GET, ['host', 'other']]],
  ['a Host without the port', [...GET, ['host', 'web']]],
  ['two Hosts', [...GET, ['host', 'web:80'], ['host', 'web:80']]],
  ['a Host that is none', [...without(':authority'), ['host', 'a b']]],
  ['connection', [...GET, ['connection', 'close']]],
  ['keep-alive', [...GET, ['keep-alive', '1']]],
  ['proxy-connection', [...GET, ['proxy-connection', 'close']]],
  ['transfer-encoding', [...GET, ['transfer-encoding', 'chunked']]],
  ['upgrade', [...GET, ['upgrade', 'h2c']]],
  ['te that is not trailers', [...GET, ['te', 'gzip']]],
  ['te that is more than trailers', [...GET, ['te', 'trailers, gzip']]],
  ['te twice, one of them gzip', [...GET, ['te', 'trailers'], ['te', 'gzip']]],
  ['an upper-case name', [...GET, ['Accept', 'x']]],
  ['an empty name', [...GET, ['', 'x']]],
  ['a name that is no token', [...GET, ['a b', 'x']]],
  ['a value with CR', [...GET, ['a', 'b\rc']]],
  ['a value with LF', [...GET, ['a', 'b\nc']]],
  ['a value with NUL', [...GET, ['a', 'b\0c']]],
  ['a value that begins with a blank', [...GET, ['a', ' b']]],
  ['a value that ends with a blank', [...GET, ['a', 'b\t']]],
  ['two Content-Lengths that differ', [...GET, ['content-length', '1'], ['content-length', '2']]],
  ['a Content-Length that is no number', [...GET, ['content-length', '1a']]],
  ['a Content-Length that is a list', [...GET, ['content-length', '1, 1']]],
  ['an empty Content-Length', [...GET, ['content-length', '']]],
  ['CONNECT with :path', changed(':method', 'CONNECT')],
  ['CONNECT without an authority', [[':method', 'CONNECT']]],
  ['CONNECT with :scheme only', [[':method', 'CONNECT'], [':scheme', 'http'], GET[3] ?? ['', '']]],
  ['CONNECT without a port', connect('web')],
  ['CONNECT with an empty port', connect('web:')],
  ['CONNECT with port 0', connect('web:0')],
  ['CONNECT with userinfo', connect('me@web:80')],
  ['CONNECT with an empty authority', connect('')],
  ['CONNECT with a length', [...connect('web:80'), ['content-length', '0']]],
  ['CONNECT with a Host of another', [...connect('web:80'), ['host', 'other:80']]],
  ['CONNECT with :protocol only', [...connect('web:80'), [':protocol', 'websocket']]],
  [':protocol without CONNECT', [...GET, [':protocol', 'websocket']]],
  ['two :protocol', [...upgrade('websocket'), [':protocol', 'websocket']]],
  ['an empty :protocol', upgrade('')],
  ['a :protocol that is none', upgrade('web socket')],
  ['a :protocol with a line', upgrade('websocket\r\nx: y')],
  ['a :protocol that is HTTP/2', upgrade('h2c')],
  ['a :protocol that is HTTP', upgrade('HTTP/2.0')],
  ['a :protocol of 65 bytes', upgrade('p'.repeat(65))],
  ['extended CONNECT without :path', upgrade('x').filter(([name]) => name !== ':path')],
  ['extended CONNECT without :scheme', upgrade('x').filter(([name]) => name !== ':scheme')],
  [
    'extended CONNECT with *',
    upgrade('x').map((one) => (one[0] === ':path' ? [':path', '*'] : one)),
  ],
  ['extended CONNECT with a length', [...upgrade('x'), ['content-length', '3']]],
  ['extended CONNECT with Upgrade', [...upgrade('x'), ['upgrade', 'y']]],
];

for (const [name, fields] of BAD_REQUESTS) {
  test(`readRequestHead refuses ${name}`, () => {
    assert.equal(read('request', fields), 'malformed');
  });
}

test('readRequestHead takes fields that only look forbidden', () => {
  const fields: readonly Field[] = [
    ['te', 'Trailers'],
    ['proxy-authorization', 'x'],
    ['connections', 'x'],
    ['content-length', '5'],
    ['content-length', '5'],
  ];
  assert.deepEqual(fieldsOf(headOf('request', [...GET, ...fields])).slice(1), fields);
});

test('readRequestHead lays CONNECT out in authority-form, of whatever length', () => {
  for (const host of ['w', 'web', 'h'.repeat(250), '[::1]']) {
    for (const fields of [connect(`${host}:443`), connect(`${host}:443`).toReversed()]) {
      const head = headOf('request', [...fields, ['accept', 'x']]);
      assert.equal(textOf(head), `CONNECT ${host}:443 HTTP/1.1\r\naccept: x\r\n\r\n`);
      assert.deepEqual(
        [head.method(), head.target(), head.authority(), head.path(), head.absolute, head.tunnel],
        ['CONNECT', `${host}:443`, `${host}:443`, `${host}:443`, true, TUNNEL_CONNECT],
      );
      assert.deepEqual(fieldsOf(head), [['accept', 'x']]);
    }
  }
  assert.equal(headOf('request', GET).tunnel, TUNNEL_NONE);
});

test('readRequestHead lays extended CONNECT out as GET with Upgrade', () => {
  const all: readonly Field[] = [...upgrade('websocket'), ['sec-websocket-version', '13']];
  for (const fields of [all, [...upgrade('websocket').toReversed(), all.at(-1)!]]) {
    const head = headOf('request', fields);
    const lines = 'Host: web:80\r\nUpgrade: websocket\r\nsec-websocket-version: 13\r\n';
    assert.equal(textOf(head), `GET /a?b HTTP/1.1\r\n${lines}\r\n`);
    assert.deepEqual(
      [head.method(), head.path(), head.authority(), head.tunnel],
      ['GET', '/a?b', 'web:80', TUNNEL_UPGRADE],
    );
    assert.deepEqual(fieldsOf(head), [
      ['Host', 'web:80'],
      ['Upgrade', 'websocket'],
      ['sec-websocket-version', '13'],
    ]);
  }
});

test('readRequestHead finds the Host of extended CONNECT where it stands', () => {
  const bare = upgrade('x').filter(([name]) => name !== ':authority');
  for (const fields of [bare, [...bare, [':authority', 'WEB'] as const]]) {
    const head = headOf('request', [...fields, ['a', 'b'], ['host', 'web']]);
    assert.equal(head.authority(), fields === bare ? 'web' : 'WEB');
    assert.equal(textOf(head).split('\r\n')[1], 'Upgrade: x');
  }
});

const pathOf = (bytes: number): string => `/${'p'.repeat(bytes - 1)}`;

test('readRequestHead refuses a target that is too long, and no shorter one', () => {
  const most = limits.targetBytesMax;
  assert.equal(headOf('request', changed(':path', pathOf(most))).path().length, most);
  assert.equal(read('request', changed(':path', pathOf(most + 1))), 'target-too-long');
});

test('Readers refuse what is too large before what is wrong with it', () => {
  const many: readonly Field[] = Array.from({ length: 300 }, (_, i) => [`Bad${i}`, '']);
  const large: Field = ['x', 'v'.repeat(limits.headBytesMax)];
  for (const kind of ['request', 'response', 'trailers'] as const) {
    assert.equal(read(kind, many), 'too-large');
    assert.equal(read(kind, [large]), 'too-large');
  }
});

test('readResponseHead lays a response out as HTTP/1.1 with an empty reason', () => {
  for (const status of ['200', '100', '103', '418', '999']) {
    const head = headOf('response', [
      [':status', status],
      ['server', 'x'],
    ]);
    assert.equal(textOf(head), `HTTP/1.1 ${status} \r\nserver: x\r\n\r\n`);
    assert.deepEqual([head.status, head.minor, head.fieldCount], [Number(status), 1, 1]);
    assert.deepEqual([head.lineStart(0), head.linesEnd], [15, 26]);
  }
  assert.equal(textOf(headOf('response', [[':status', '204']])), 'HTTP/1.1 204 \r\n\r\n');
});

const BAD_RESPONSES: readonly (readonly [name: string, fields: readonly Field[]])[] = [
  ['no :status', [['a', 'b']]],
  ['nothing', []],
  [
    'two :status',
    [
      [':status', '200'],
      [':status', '200'],
    ],
  ],
  [
    'a pseudo-field of requests',
    [
      [':status', '200'],
      [':path', '/'],
    ],
  ],
  ['only a pseudo-field of requests', [[':path', '/']]],
  ['a :status of two digits', [[':status', '20']]],
  ['a :status of four digits', [[':status', '2000']]],
  ['a :status that is no number', [[':status', '2x0']]],
  ['a :status below 100', [[':status', '099']]],
  [
    'a :status behind a regular field',
    [
      ['a', 'b'],
      [':status', '200'],
    ],
  ],
  ['101', [[':status', '101']]],
  [
    'connection',
    [
      [':status', '200'],
      ['connection', 'close'],
    ],
  ],
  [
    'transfer-encoding',
    [
      [':status', '200'],
      ['transfer-encoding', 'chunked'],
    ],
  ],
  [
    'two Content-Lengths that differ',
    [
      [':status', '200'],
      ['content-length', '1'],
      ['content-length', '2'],
    ],
  ],
];

for (const [name, fields] of BAD_RESPONSES) {
  test(`readResponseHead refuses ${name}`, () => {
    assert.equal(read('response', fields), 'malformed');
  });
}

test('readTrailers lays out lines only, and none', () => {
  const head = headOf('trailers', [
    ['grpc-status', '0'],
    ['grpc-message', ''],
  ]);
  assert.equal(textOf(head), 'grpc-status: 0\r\ngrpc-message: \r\n\r\n');
  assert.deepEqual([head.lineStart(0), head.linesEnd, head.fieldCount], [0, 32, 2]);
  assert.equal(textOf(headOf('trailers', [])), '\r\n');
});

test('readTrailers refuses pseudo-fields, and what is of the connection, the length or the route', () => {
  for (const fields of [
    [[':status', '200']],
    [
      ['a', 'b'],
      [':path', '/'],
    ],
    [['connection', 'close']],
    [['transfer-encoding', 'chunked']],
    [['content-length', '0']],
    [['host', 'web']],
    [['A', 'b']],
  ] as const) {
    assert.equal(read('trailers', fields), 'malformed');
  }
});

const lengths = (...values: readonly string[]): Head =>
  requestHead(
    `GET / HTTP/1.1\r\nHost: h\r\n${values.map((value) => `Content-Length: ${value}\r\n`).join('')}\r\n`,
  );

test('contentLengthOf tells the one length, none, or that they differ', () => {
  assert.equal(contentLengthOf(lengths()), -1);
  assert.equal(contentLengthOf(lengths('0')), 0);
  assert.equal(contentLengthOf(lengths('17', '17')), 17);
  assert.equal(contentLengthOf(lengths('17', '18')), 'malformed');
});

test('isLengthKnown: not without a length, nor where trailers are announced', () => {
  const plain = lengths('5');
  assert.deepEqual([isLengthKnown(plain, 5), isLengthKnown(plain, -1)], [true, false]);
  const announcing = requestHead('GET / HTTP/1.1\r\nHost: h\r\nTrailer: x-sum\r\n\r\n');
  assert.equal(isLengthKnown(announcing, 5), false);
});
