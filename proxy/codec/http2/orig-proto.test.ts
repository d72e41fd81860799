import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseHead, requestHead } from '../../../test/support/heads.ts';
import { IndependentDecoder, blockOf } from '../../../test/support/independent-hpack.ts';
import {
  type Head,
  ORIG_PROTO_HTTP1,
  ORIG_PROTO_MALFORMED,
  ORIG_PROTO_NONE,
} from '../../model/head.ts';
import { HeadDecoder } from './head-decoder.ts';
import { HeadEncoder } from './head-writer.ts';

type Kind = 'request' | 'response' | 'trailers';

const out = Buffer.alloc(100_000);

/** The block that carries `head`. */
function blockFor(kind: Kind, head: Head, encoder = new HeadEncoder()): Buffer {
  return Buffer.from(out.subarray(0, encoder[kind](out, 0, head, true)));
}

function read(kind: Kind, block: Buffer, decoder = new HeadDecoder()): Head {
  const head = decoder[kind](block, 0, block.length);
  if (typeof head === 'string') assert.fail(head);
  return head;
}

const textOf = (head: Head): string => head.text(0, head.length);

/** The head at the far end, as text, without the field itself. */
const arrived = (head: Head): string => textOf(head).replace(/culvert-orig-proto: [^\r]*\r\n/i, '');

/** What the field of a block says. */
const valueIn = (block: Buffer): string | undefined =>
  new IndependentDecoder().decode(block).find(({ name }) => name === 'culvert-orig-proto')?.value;

const lines = (...all: readonly string[]): string => `${all.join('\r\n')}\r\n\r\n`;

const REQUESTS: readonly (readonly [what: string, lines: readonly string[], value: string])[] = [
  ['in lower case', ['host: web', 'accept: */*'], 'HTTP/1.1'],
  ['with capitals', ['Host: web', 'Accept: */*', 'X-Id: 1'], 'HTTP/1.1; names=train'],
  ['without other fields than Host', ['Host: web'], 'HTTP/1.1; names=train'],
  [
    'with capitals but for some',
    ['Host: web', 'X-B3-TraceId: 1', 'DNT: 1', 'x-low: 1', 'Accept: a', 'User-Agent: b'],
    'HTTP/1.1; names=train,X-B3-TraceId,DNT,x-low',
  ],
  [
    'in lower case but for some',
    ['Host: web', 'accept: a', 'user-agent: b', 'SOAPAction: c'],
    'HTTP/1.1; names=lower,Host,SOAPAction',
  ],
  [
    'with names that have no letters',
    ['Host: web', '1-2: a', "!#$%&'*+-.^_`|~0: b"],
    'HTTP/1.1; names=train',
  ],
  ['with a name that ends with a hyphen', ['Host: web', 'X-: a', '-X: a'], 'HTTP/1.1; names=train'],
  [
    'with letters next to other signs',
    ['Host: web', 'X_Y: a', 'X.y: b'],
    'HTTP/1.1; names=train,X_Y',
  ],
  [
    'with the same name twice',
    ['Host: web', 'X-A: 1', 'X-A: 2', 'x-b: 3', 'x-b: 4', 'X-C: 1'],
    'HTTP/1.1; names=train,x-b,x-b',
  ],
];

describe('HTTP/1 on HTTP/2', () => {
  for (const [what, fields, value] of REQUESTS) {
    test(`carries a request ${what}`, () => {
      const text = lines('GET /a?b HTTP/1.1', ...fields);
      const block = blockFor('request', requestHead(text));
      assert.equal(valueIn(block), value);
      const head = read('request', block);
      assert.equal(arrived(head), text);
      assert.equal(head.origProto, ORIG_PROTO_HTTP1);
    });
  }

  test('carries a request of HTTP/1.0 as one, and what a hop leaves out not at all', () => {
    const head = requestHead(
      lines('GET / HTTP/1.0', 'Host: web', 'CONNECTION: Keep-Alive', 'Culvert-Orig-Proto: x'),
    );
    const block = blockFor('request', head);
    assert.equal(valueIn(block), 'HTTP/1.0; names=train');
    assert.equal(arrived(read('request', block)), lines('GET / HTTP/1.1', 'Host: web'));
  });

  test('lists no more names than it may, and the others are written like most', () => {
    const odd = Array.from({ length: 20 }, (_, i) => `xX-${String.fromCharCode(97 + i)}: 1`);
    const head = read(
      'request',
      blockFor('request', requestHead(lines('GET / HTTP/1.1', 'Host: web', 'Accept: 1', ...odd))),
    );
    const names = Array.from({ length: head.fieldCount }, (_, i) => head.name(i));
    assert.deepEqual(
      names.slice(2, 18),
      odd.slice(0, 16).map((line) => line.split(':')[0]),
    );
    assert.deepEqual(names.slice(18, 22), ['Xx-Q', 'Xx-R', 'Xx-S', 'Xx-T']);
    const long = `x${'X'.repeat(300)}`;
    const block = blockFor(
      'request',
      requestHead(lines('GET / HTTP/1.1', 'host: web', `${long}: 1`)),
    );
    assert.equal(valueIn(block), 'HTTP/1.1; names=lower');
  });

  for (const [status, reason, said] of [
    [200, 'OK', ''],
    [200, 'Fine', '; reason=Fine'],
    [200, '', '; reason='],
    [404, 'Not Found', ''],
    [431, 'Request Header Fields Too Large', ''],
    [299, '', ''],
    [299, 'Odd', '; reason=Odd'],
    [103, 'Early Hints', ''],
    [599, 'x; names=lower; reason=y', '; reason=x; names=lower; reason=y'],
    [500, 'r\xe9ason with\ttab', '; reason=r\xe9ason with\ttab'],
    [500, 'y'.repeat(40), `; reason=${'y'.repeat(40)}`],
  ] as const) {
    test(`carries a response ${status} "${reason}"`, () => {
      const text = lines(`HTTP/1.1 ${status} ${reason}`, 'X-A: 1');
      const block = blockFor('response', parseHead('response', text));
      assert.equal(valueIn(block), `HTTP/1.1; names=train${said}`);
      const head = read('response', block);
      assert.equal(arrived(head), text);
      assert.equal(head.status, status);
    });
  }

  test('carries a response without any field', () => {
    const text = 'HTTP/1.1 204 No Content\r\n\r\n';
    assert.equal(
      arrived(read('response', blockFor('response', parseHead('response', text)))),
      text,
    );
  });

  test('leaves a reason phrase of more than 40 bytes and blanks around one to itself', () => {
    for (const [reason, arrives] of [
      ['z'.repeat(41), 'OK'],
      ['  Fine \t', 'Fine'],
    ] as const) {
      const head = parseHead('response', lines(`HTTP/1.1 200 ${reason}`));
      assert.equal(
        arrived(read('response', blockFor('response', head))),
        lines(`HTTP/1.1 200 ${arrives}`),
      );
    }
  });

  test('carries trailers', () => {
    const text = 'X-Sum: 1\r\nETag: 2\r\nX-More: 3\r\n\r\n';
    const block = blockFor('trailers', parseHead('trailers', text));
    assert.equal(valueIn(block), 'HTTP/1.1; names=train,ETag');
    assert.equal(arrived(read('trailers', block)), text);
  });

  test('carries heads that recur, each as it was', () => {
    const encoder = new HeadEncoder();
    const decoder = new HeadDecoder();
    const texts = [
      lines('GET /a HTTP/1.1', 'Host: web', 'ETag: 1', 'Accept: a'),
      lines('GET /a HTTP/1.1', 'host: web', 'etag: 1', 'accept: a'),
      lines('GET /a HTTP/1.1', 'HOST: web', 'ETAG: 1', 'ACCEPT: a'),
    ];
    for (let round = 0; round < 12; round++) {
      const text = texts[round % 4 === 3 ? 0 : round % 3] ?? '';
      const block = blockFor('request', requestHead(text), encoder);
      assert.equal(arrived(read('request', block, decoder)), text);
      if (round > 8) assert.ok(block.length < 12, `${block.length} bytes`);
    }
  });
});

const requestBlock = (...more: readonly (readonly [string, string])[]): Buffer =>
  blockOf([
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/'],
    [':authority', 'web'],
    ['x-a', '1'],
    ...more,
  ]);

const origProtoOf = (...values: readonly string[]): number =>
  read('request', requestBlock(...values.map((value) => ['culvert-orig-proto', value] as const)))
    .origProto;

const WELL_FORMED = [
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.1; names=train',
  'HTTP/1.1; names=lower',
  'HTTP/1.1; names=train,X-a',
  'HTTP/1.1; names=train,X-a,q; reason=Fine',
  'HTTP/1.1; reason=',
  'HTTP/1.0; names=lower; reason=a; reason=b',
];

const MALFORMED = [
  '',
  'HTTP/2',
  'HTTP/2.0',
  'HTTP/1',
  'HTTP/1.',
  'HTTP/1.2',
  'HTTP/1.10',
  'http/1.1',
  'HTTP/1.1;',
  'HTTP/1.1; ',
  'HTTP/1.1 ',
  'HTTP/1.1, HTTP/1.1',
  'HTTP/1.1 HTTP/1.1',
  'HTTP/1.1;names=train',
  'HTTP/1.1; names=',
  'HTTP/1.1; names=title',
  'HTTP/1.1; names=trainX-A',
  'HTTP/1.1; names=train,',
  'HTTP/1.1; names=train,,a',
  'HTTP/1.1; names=train,a,',
  'HTTP/1.1; names=train,a b',
  'HTTP/1.1; names=train,a: b',
  'HTTP/1.1; names=train,a;',
  'HTTP/1.1; names=train,a; ',
  'HTTP/1.1; names=train; names=lower',
  'HTTP/1.1; reason',
  `HTTP/1.1; reason=${'x'.repeat(41)}`,
  `HTTP/1.1; names=train${',a'.repeat(17)}`,
  `HTTP/1.1; names=train,${'a'.repeat(257)}`,
];

/** It cannot be sent so, but for what HPACK refuses itself: blanks at the end. */
const isSayable = (value: string): boolean => value === value.trim();

test('culvert-orig-proto is well-formed, cut at any byte, or is said not to be', () => {
  for (const value of WELL_FORMED) {
    assert.equal(origProtoOf(value), ORIG_PROTO_HTTP1, value);
    for (let length = 0; length < value.length; length++) {
      const cut = value.slice(0, length);
      if (isSayable(cut)) assert.notEqual(origProtoOf(cut), ORIG_PROTO_NONE, cut);
    }
  }
  for (const value of MALFORMED.filter(isSayable)) {
    assert.equal(origProtoOf(value), ORIG_PROTO_MALFORMED, value);
  }
});

test('culvert-orig-proto that is there twice is malformed, whatever it says', () => {
  assert.equal(origProtoOf('HTTP/1.1', 'HTTP/1.1'), ORIG_PROTO_MALFORMED);
  assert.equal(origProtoOf('HTTP/1.1', 'HTTP/1.0', 'x'), ORIG_PROTO_MALFORMED);
});

test('a head with a malformed one, or none, is as HTTP/2 has it', () => {
  const plain = 'GET / HTTP/1.1\r\nHost: web\r\nx-a: 1\r\n\r\n';
  assert.equal(textOf(read('request', requestBlock())), plain);
  assert.equal(read('request', requestBlock()).origProto, ORIG_PROTO_NONE);
  const bad = read('request', requestBlock(['culvert-orig-proto', 'HTTP/1.1; names=TRAIN']));
  assert.equal(arrived(bad), plain);
  const response = blockOf([
    [':status', '200'],
    ['culvert-orig-proto', 'x'],
    ['x-a', '1'],
  ]);
  assert.equal(arrived(read('response', response)), 'HTTP/1.1 200 \r\nx-a: 1\r\n\r\n');
});

test('a head that owns a copy keeps what it came as, and one that is cleared does not', () => {
  const head = read('request', requestBlock(['culvert-orig-proto', 'HTTP/1.1']));
  const copy = requestHead(lines('GET / HTTP/1.1', 'Host: a'));
  assert.equal(copy.origProto, ORIG_PROTO_NONE);
  copy.own(head);
  assert.equal(copy.origProto, ORIG_PROTO_HTTP1);
  copy.clear();
  assert.equal(copy.origProto, ORIG_PROTO_NONE);
});
