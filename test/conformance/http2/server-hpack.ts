/** The sidecar as a server: field blocks (RFC 7541). Its numbers are sections of that RFC. */
import {
  block,
  getBlock,
  headers,
  huffmanString,
  hpackInteger,
  hpackString,
  INCREMENTAL,
  indexed,
  lastHeaders,
  literal,
  NEVER,
  tableSize,
  WITHOUT,
  type WireField,
} from '../../support/http2-wire.ts';
import { answered, breaks, OK, server, type Http2Case } from './case.ts';

const BROKEN = breaks('COMPRESSION_ERROR');
const sent = (...parts: readonly Buffer[]): Buffer => lastHeaders(1, Buffer.concat(parts));
const next = (stream: number, ...parts: readonly Buffer[]): Buffer =>
  lastHeaders(stream, Buffer.concat(parts));
const of = (section: string): string => `RFC 7541 ${section}`;
const good = (
  section: string,
  name: string,
  parts: readonly Buffer[],
  forwarded: Readonly<Record<string, string>> = {},
): Http2Case => server(of(section), name, [sent(...parts)], OK, { forwarded });
const bad = (section: string, name: string, ...parts: readonly Buffer[]): Http2Case =>
  server(of(section), name, [sent(...parts)], BROKEN);
/** GET, http, / by index and the authority "web" as a literal. */
const GET: readonly Buffer[] = [indexed(2), indexed(6), indexed(4), literal(1, 'web')];
const KEPT: WireField = ['x-kept', 'v'];
const kept = (stream = 1): Buffer => next(stream, ...GET, literal(...KEPT, INCREMENTAL));
/** An entry of the table as large as `bytes`, by RFC 7541 section 4.1. */
const entry = (name: string, bytes: number): Buffer =>
  literal(name, 'v'.repeat(bytes - 32 - name.length), INCREMENTAL);

const tables: readonly Http2Case[] = [
  good('2.3.1', 'pseudo-fields from the static table', GET),
  good('2.3.1', 'names from the static table', [...GET, literal(16, 'gzip'), literal(58, 'x')], {
    'accept-encoding': 'gzip',
    'user-agent': 'x',
  }),
  good('2.3.1', 'a field from the static table', [...GET, indexed(16)], {
    'accept-encoding': 'gzip, deflate',
  }),
  server(
    of('2.3.2'),
    'the newest entry is the first',
    [
      next(1, ...GET, literal('x-a', '1', INCREMENTAL), literal('x-b', '2', INCREMENTAL)),
      next(3, ...GET, indexed(62)),
    ],
    { accepted: [200], of: 3 },
    { forwarded: { 'x-b': '2', 'x-a': undefined } },
  ),
  server(
    of('2.3.2'),
    'an entry of the same block',
    [sent(...GET, literal('x-a', '1', INCREMENTAL), indexed(62), literal(62, '2'))],
    OK,
    { forwarded: { 'x-a': '1' } },
  ),
  server(
    of('2.3.2'),
    'the same entry twice',
    [
      sent(...GET, literal('x-a', '1', INCREMENTAL), literal('x-a', '1', INCREMENTAL)),
      next(3, ...GET, indexed(63)),
    ],
    { accepted: [200], of: 3 },
    { forwarded: { 'x-a': '1' } },
  ),
  bad('2.3.3', 'an index beyond the static table', ...GET, indexed(62)),
  bad('2.3.3', 'an index far beyond', ...GET, indexed(9_999)),
  bad('2.3.3', 'a name beyond the tables', ...GET, literal(62, 'x')),
  bad('2.3.3', 'a kept name beyond the tables', ...GET, literal(62, 'x', INCREMENTAL)),
  bad('2.3.3', 'a name never kept beyond the tables', ...GET, literal(70, 'x', NEVER)),
];

const sizes: readonly Http2Case[] = [
  server(
    of('4.1'),
    'an entry as large as the table',
    [next(1, ...GET, entry('x-a', 4096)), next(3, ...GET, indexed(62))],
    { accepted: [200], of: 3 },
  ),
  server(
    of('4.4'),
    'an entry larger than the table, which empties it',
    [kept(), next(3, ...GET, entry('x-a', 4097)), answered(3), next(5, ...GET, indexed(62))],
    BROKEN,
  ),
  good('4.4', 'an entry larger than the table', [...GET, entry('x-a', 4097)]),
  server(
    of('4.4'),
    'an entry that was evicted',
    [kept(), next(3, ...GET, entry('x-a', 4090)), answered(3), next(5, ...GET, indexed(63))],
    BROKEN,
  ),
  server(
    of('4.4'),
    'a name of the entry that its field evicts',
    [
      next(1, ...GET, entry('x-a', 4000)),
      next(3, ...GET, literal(62, 'v'.repeat(500), INCREMENTAL)),
    ],
    { accepted: [200], of: 3 },
    { forwarded: { 'x-a': 'v'.repeat(500) } },
  ),
  good('4.2', 'a table size at the beginning', [tableSize(100), ...GET]),
  good('4.2', 'the largest table size', [tableSize(4096), ...GET]),
  good('4.2', 'two table sizes at the beginning', [tableSize(0), tableSize(4096), ...GET]),
  bad('4.2', 'a table size behind a field', indexed(2), tableSize(100), ...GET.slice(1)),
  bad('4.2', 'a table size at the end', ...GET, tableSize(100)),
  bad('6.3', 'a table size above the setting', tableSize(4097), ...GET),
  bad('6.3', 'a huge table size', tableSize(2 ** 31), ...GET),
  server(
    of('4.3'),
    'a table that is made smaller than its entries',
    [kept(), answered(1), next(3, tableSize(0), ...GET, indexed(62))],
    BROKEN,
  ),
  server(
    of('4.3'),
    'a table that is emptied and made large again',
    [kept(), answered(1), next(3, tableSize(0), tableSize(4096), ...GET, indexed(62))],
    BROKEN,
  ),
  server(
    of('4.3'),
    'a table that stays large enough',
    [kept(), next(3, tableSize(39), ...GET, indexed(62))],
    { accepted: [200], of: 3 },
    { forwarded: { 'x-kept': 'v' } },
  ),
  server(
    of('4.3'),
    'a table that is an octet too small',
    [kept(), answered(1), next(3, tableSize(38), ...GET, indexed(62))],
    BROKEN,
  ),
  server(
    of('4.3'),
    'entries in a table of no size',
    [
      next(1, tableSize(0), ...GET, literal('x-a', 'b', INCREMENTAL)),
      answered(1),
      next(3, ...GET, indexed(62)),
    ],
    BROKEN,
  ),
];

const LONG = 'x'.repeat(2_000);
const integers: readonly Http2Case[] = [
  good('5.1', 'a length of several octets', [...GET, literal('x-long', LONG)], { 'x-long': LONG }),
  good(
    '5.1',
    'a length of more octets than it needs',
    [...GET, Buffer.from([0x0f, 0x80 + 58 - 15, 0x00]), hpackString('agent')],
    { 'user-agent': 'agent' },
  ),
  bad('5.1', 'an integer without an end', ...GET, Buffer.from([0xff, 0x80, 0x80, 0x80])),
  bad(
    '5.1',
    'an integer beyond all use',
    ...GET,
    Buffer.from([0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]),
  ),
  bad('5.1', 'an index of 2^32', ...GET, hpackInteger(2 ** 32, 7, 0x80)),
  bad(
    '5.1',
    'a length of 2^32 and an octet',
    ...GET,
    Buffer.concat([Buffer.from([0]), hpackInteger(2 ** 32, 7), Buffer.from('x')]),
  ),
  bad('5.1', 'an integer that is cut', ...GET, Buffer.from([0xff])),
];

/** "www.example.com" and "no-cache", of RFC 7541 appendix C.4. */
const HUFFMAN_HOST = 'f1e3c2e5f23a6ba0ab90f4ff';
const HUFFMAN_CACHE = 'a8eb10649cbf';
const named = (name: Buffer, value: Buffer): Buffer =>
  Buffer.concat([Buffer.from([0]), name, value]);
const X_A = hpackString('x-a');

const strings: readonly Http2Case[] = [
  good('5.2', 'a value in Huffman code', [...GET, named(X_A, huffmanString(HUFFMAN_HOST))], {
    'x-a': 'www.example.com',
  }),
  good(
    '5.2',
    'a name in Huffman code',
    [...GET, named(huffmanString(HUFFMAN_CACHE), hpackString('x'))],
    { 'no-cache': 'x' },
  ),
  good('5.2', 'an empty value in Huffman code', [...GET, named(X_A, huffmanString(''))], {
    'x-a': '',
  }),
  bad('5.2', 'padding of 8 ones', ...GET, named(X_A, huffmanString(`${HUFFMAN_HOST}ff`))),
  bad('5.2', 'padding that is all there is', ...GET, named(X_A, huffmanString('ff'))),
  bad('5.2', 'padding of zeros', ...GET, named(X_A, huffmanString('f1e3c2e5f23a6ba0ab90f400'))),
  bad('5.2', 'padding that ends with a zero', ...GET, named(X_A, huffmanString('1e'))),
  bad('5.2', 'EOS in a string', ...GET, named(X_A, huffmanString('ffffffff'))),
  bad('5.2', 'EOS behind a symbol', ...GET, named(X_A, huffmanString('1fffffffff'))),
  bad('5.2', 'a code that is cut', ...GET, named(X_A, huffmanString('fffe'))),
  bad('5.2', 'a string longer than its block', ...GET, named(X_A, Buffer.from([5, 0x78]))),
  bad('5.2', 'a name longer than its block', ...GET, Buffer.from([0, 0x7e, 0x78])),
  bad('5.2', 'a name without a value', ...GET, Buffer.from([0]), X_A),
];

const representations: readonly Http2Case[] = [
  bad('6.1', 'index 0', ...GET, indexed(0)),
  good('6.2.1', 'a literal that is kept', [...GET, literal('x-a', 'b', INCREMENTAL)], {
    'x-a': 'b',
  }),
  good('6.2.1', 'a literal that is kept, name by index', [...GET, literal(58, 'me', INCREMENTAL)], {
    'user-agent': 'me',
  }),
  good('6.2.2', 'a literal that is not kept', [...GET, literal('x-a', 'b', WITHOUT)], {
    'x-a': 'b',
  }),
  good('6.2.2', 'a literal that is not kept, name by index', [...GET, literal(58, 'me', WITHOUT)], {
    'user-agent': 'me',
  }),
  good('6.2.3', 'a literal never kept', [...GET, literal('x-a', 'b', NEVER)], { 'x-a': 'b' }),
  good('6.2.3', 'a literal never kept, name by index', [...GET, literal(58, 'me', NEVER)], {
    'user-agent': 'me',
  }),
  server(
    of('6.2.2'),
    'an entry that was not kept',
    [next(1, ...GET, literal('x-a', 'b', WITHOUT)), answered(1), next(3, ...GET, indexed(62))],
    BROKEN,
  ),
  server(
    of('6.2.3'),
    'an entry that was never kept',
    [next(1, ...GET, literal('x-a', 'b', NEVER)), answered(1), next(3, ...GET, indexed(62))],
    BROKEN,
  ),
  server(
    of('2.2'),
    'a table that trailers fill and the next request uses',
    [
      headers(1, getBlock()),
      lastHeaders(1, literal('x-kept', 'v', INCREMENTAL)),
      next(3, ...GET, indexed(62)),
    ],
    { accepted: [200], of: 3 },
    { forwarded: { 'x-kept': 'v' } },
  ),
  server(
    of('2.2'),
    'a table that a malformed request fills',
    [
      lastHeaders(1, Buffer.concat([block(['X', 'y']), literal('x-kept', 'v', INCREMENTAL)])),
      next(3, ...GET, indexed(62)),
    ],
    { accepted: [200], of: 3 },
    { forwarded: { 'x-kept': 'v' } },
  ),
];

const bombs: readonly Http2Case[] = [
  server(
    of('7.3'),
    'an entry that is named ten thousand times',
    [
      next(1, ...GET, entry('x-a', 4096)),
      answered(1),
      next(3, ...GET, Buffer.alloc(10_000, indexed(62))),
    ],
    {
      accepted: [431],
      stream: ['ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR'],
      connection: ['ENHANCE_YOUR_CALM'],
      of: 3,
    },
  ),
];

export const SERVER_HPACK: readonly Http2Case[] = [
  ...tables,
  ...sizes,
  ...integers,
  ...strings,
  ...representations,
  ...bombs,
];
