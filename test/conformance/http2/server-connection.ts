/** The sidecar as a server: starting, framing, streams, errors (RFC 9113 sections 3 to 5). */
import {
  block,
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  frameBytes,
  getBlock,
  headers,
  INCREMENTAL,
  indexed,
  lastHeaders,
  literal,
  ping,
  postBlock,
  PRIORITY,
  priority,
  priorityOctets,
  requestBlock,
  reset,
  settings,
  settingsAck,
  windowUpdate,
} from '../../support/http2-wire.ts';
import {
  answered,
  breaks,
  fails,
  IGNORED,
  MALFORMED,
  OK,
  resets,
  server,
  type Http2Case,
  type Step,
} from './case.ts';

const RESERVED = 0x8000_0000;
const FRAME_BYTES = 16_384;
const get = (stream: number): Buffer => lastHeaders(stream, getBlock());
/** A request whose body goes on. */
const open = (stream: number): Buffer => headers(stream, postBlock());
/** A whole request that is never answered. */
const held = (stream: number): Buffer => lastHeaders(stream, requestBlock('GET', '/hold'));
/** A request and its whole answer. */
const done = (stream: number): Step[] => [get(stream), answered(stream)];
/** Without END_HEADERS. */
const openBlock = (stream: number): Buffer => headers(stream, getBlock(), END_STREAM);
const long = (bytes: number): string => 'x'.repeat(bytes);

const preface: readonly Http2Case[] = [
  server('3.4', 'PING as the first frame', [ping('12345678')], breaks('PROTOCOL_ERROR'), {
    greets: false,
  }),
  server('3.4', 'HEADERS as the first frame', [get(1)], breaks('PROTOCOL_ERROR'), {
    greets: false,
  }),
  server(
    '3.4',
    'an acknowledgement as the first frame',
    [settingsAck()],
    breaks('PROTOCOL_ERROR'),
    { greets: false },
  ),
  server('3.4', 'an unknown frame as the first', [frameBytes(77, 0, 0)], breaks('PROTOCOL_ERROR'), {
    greets: false,
  }),
  server('3.4', 'empty SETTINGS as the first frame', [settings(), get(1)], OK, { greets: false }),
  server('3.4', 'a request at once', [get(1)], OK),
];

const frameFormat: readonly Http2Case[] = [
  server('4.1', 'unknown type on the connection', [frameBytes(0x16, 0, 0, 'x')], IGNORED),
  server('4.1', 'unknown type on a stream', [open(1), frameBytes(0xff, 0xff, 1, 'x')], IGNORED),
  server('4.1', 'unknown type on an idle stream', [frameBytes(0x20, 0, 9)], IGNORED),
  server('4.1', 'unknown type of the largest size', [frameBytes(77, 0, 0, long(16_384))], IGNORED),
  server('4.1', 'unknown flags of PING', [frameBytes('PING', 0xfe, 0, '12345678')], IGNORED),
  server('4.1', 'unknown flags of HEADERS', [headers(1, getBlock(), 0xd5)], OK),
  server('4.1', 'unknown flags of DATA', [open(1), data(1, 'x', 0xf7)], OK),
  server('4.1', 'unknown flags of SETTINGS', [frameBytes('SETTINGS', 0xfe, 0)], IGNORED),
  server('4.1', 'unknown flags of WINDOW_UPDATE', [frameBytes(8, 0xff, 0, '\0\0\0\x01')], IGNORED),
  server('4.1', 'unknown flags of PRIORITY', [frameBytes(2, 0xff, 1, '\0\0\0\0\0')], IGNORED),
  server('4.1', 'the reserved bit on HEADERS', [lastHeaders(RESERVED + 1, getBlock())], OK),
  server('4.1', 'the reserved bit on PING', [frameBytes('PING', 0, RESERVED, '12345678')], IGNORED),
  server('4.1', 'the reserved bit on SETTINGS', [frameBytes('SETTINGS', 0, RESERVED)], IGNORED),
];

const frameSize: readonly Http2Case[] = [
  server('4.2', 'DATA of 2^14 octets', [open(1), data(1, long(FRAME_BYTES), END_STREAM)], OK),
  server(
    '4.2',
    'DATA of 2^14+1 octets',
    [open(1), data(1, long(FRAME_BYTES + 1))],
    fails('FRAME_SIZE_ERROR'),
  ),
  server(
    '4.2',
    'HEADERS of 2^14+1 octets',
    [lastHeaders(1, getBlock(['x', long(FRAME_BYTES)]).subarray(0, FRAME_BYTES + 1))],
    breaks('FRAME_SIZE_ERROR'),
  ),
  server(
    '4.2',
    'CONTINUATION of 2^14+1 octets',
    [headers(1, getBlock(), END_STREAM), continuation(1, long(FRAME_BYTES + 1))],
    breaks('FRAME_SIZE_ERROR'),
  ),
  server(
    '4.2',
    'SETTINGS of more than 2^14 octets',
    [frameBytes('SETTINGS', 0, 0, Buffer.alloc(16_386))],
    breaks('FRAME_SIZE_ERROR'),
  ),
  server(
    '4.2',
    'PING of 2^14+1 octets',
    [frameBytes('PING', 0, 0, long(16_385))],
    breaks('FRAME_SIZE_ERROR'),
  ),
  server(
    '4.2',
    'GOAWAY of 2^14+1 octets',
    [frameBytes('GOAWAY', 0, 0, Buffer.alloc(16_385))],
    breaks('FRAME_SIZE_ERROR'),
  ),
  server('4.2', 'an unknown frame of 2^14+1 octets', [frameBytes(77, 0, 0, long(16_385))], {
    connection: ['FRAME_SIZE_ERROR'],
    ignored: true,
  }),
];

const fieldBlocks: readonly Http2Case[] = [
  server('4.3', 'a block that cannot be decoded', [lastHeaders(1, [0xff, 0xff])], {
    connection: ['COMPRESSION_ERROR'],
  }),
  server(
    '4.3',
    'a block that cannot be decoded on a stream that is refused',
    [held(1), lastHeaders(1, [0x80])],
    { connection: ['COMPRESSION_ERROR', 'STREAM_CLOSED'] },
  ),
  server(
    '4.3',
    'a block that is cut in the middle of a field',
    [lastHeaders(1, getBlock().subarray(0, -1))],
    breaks('COMPRESSION_ERROR'),
  ),
  server(
    '4.3',
    'a block in pieces of one octet',
    [
      headers(1, '', END_STREAM),
      ...[...getBlock().subarray(0, 30)].map((octet) => continuation(1, [octet], 0)),
      continuation(1, getBlock().subarray(30)),
    ],
    OK,
  ),
  server('4.3', 'PRIORITY within a block', [openBlock(1), priority(1, 0)], {
    connection: ['PROTOCOL_ERROR'],
  }),
  server('4.3', 'HEADERS of another stream within a block', [openBlock(1), get(3)], {
    connection: ['PROTOCOL_ERROR'],
  }),
  server('4.3', 'HEADERS of the same stream within a block', [openBlock(1), get(1)], {
    connection: ['PROTOCOL_ERROR'],
  }),
  server('4.3', 'DATA within a block', [openBlock(1), data(1, 'x')], breaks('PROTOCOL_ERROR')),
  server('4.3', 'PING within a block', [openBlock(1), ping('12345678')], breaks('PROTOCOL_ERROR')),
  server('4.3', 'SETTINGS within a block', [openBlock(1), settings()], breaks('PROTOCOL_ERROR')),
  server('4.3', 'WINDOW_UPDATE within a block', [openBlock(1), windowUpdate(0, 1)], {
    connection: ['PROTOCOL_ERROR'],
  }),
  server('4.3', 'RST_STREAM within a block', [openBlock(1), reset(1, 'CANCEL')], {
    connection: ['PROTOCOL_ERROR'],
  }),
  server(
    '4.3',
    'the table goes on from the block of a refused request',
    [
      lastHeaders(1, Buffer.concat([getBlock(['X', 'y']), literal('x-kept', 'v', INCREMENTAL)])),
      lastHeaders(3, Buffer.concat([getBlock(), indexed(62)])),
    ],
    { accepted: [200], of: 3 },
    { forwarded: { 'x-kept': 'v' } },
  ),
];

const idle: readonly Http2Case[] = [
  server('5.1', 'DATA on an idle stream', [data(1, 'x')], breaks('PROTOCOL_ERROR')),
  server('5.1', 'RST_STREAM on an idle stream', [reset(1, 'CANCEL')], breaks('PROTOCOL_ERROR')),
  server('5.1', 'WINDOW_UPDATE on an idle stream', [windowUpdate(1, 9)], breaks('PROTOCOL_ERROR')),
  server('5.1', 'CONTINUATION on an idle stream', [continuation(1, '')], breaks('PROTOCOL_ERROR')),
  server('5.1', 'PRIORITY on an idle stream', [priority(9, 0), get(1)], OK),
  server('5.1', 'DATA on an idle even stream', [data(2, 'x')], breaks('PROTOCOL_ERROR')),
  server('5.1', 'RST_STREAM on an idle even stream', [reset(2, 0)], breaks('PROTOCOL_ERROR')),
  server('5.1', 'WINDOW_UPDATE on an idle even stream', [windowUpdate(2, 1)], {
    connection: ['PROTOCOL_ERROR'],
  }),
];

const halfClosed: readonly Http2Case[] = [
  server('5.1', 'DATA on a half-closed stream', [held(1), data(1, 'x')], fails('STREAM_CLOSED')),
  server('5.1', 'empty DATA on a half-closed stream', [held(1), data(1)], fails('STREAM_CLOSED')),
  server('5.1', 'HEADERS on a half-closed stream', [held(1), get(1)], fails('STREAM_CLOSED')),
  server(
    '5.1',
    'trailers on a half-closed stream',
    [held(1), lastHeaders(1, block(['x', 'y']))],
    fails('STREAM_CLOSED'),
  ),
  server('5.1', 'CONTINUATION on a half-closed stream', [held(1), continuation(1, '')], {
    connection: ['PROTOCOL_ERROR', 'STREAM_CLOSED'],
  }),
  server('5.1', 'WINDOW_UPDATE on a half-closed stream', [held(1), windowUpdate(1, 9)], IGNORED),
  server('5.1', 'PRIORITY on a half-closed stream', [held(1), priority(1, 0)], IGNORED),
  server('5.1', 'RST_STREAM on a half-closed stream', [held(1), reset(1, 'CANCEL')], IGNORED),
  server(
    '5.1',
    'DATA behind the last DATA',
    [open(1), data(1, 'x', END_STREAM), data(1, 'y')],
    fails('STREAM_CLOSED'),
  ),
  server(
    '5.1',
    'DATA behind trailers',
    [open(1), lastHeaders(1, block(['x', 'y'])), data(1, 'y')],
    fails('STREAM_CLOSED'),
  ),
];

const closed: readonly Http2Case[] = [
  server('5.1', 'DATA behind a whole exchange', [...done(1), data(1, 'x')], fails('STREAM_CLOSED')),
  server('5.1', 'HEADERS behind a whole exchange', [...done(1), get(1)], {
    connection: ['STREAM_CLOSED', 'PROTOCOL_ERROR'],
  }),
  server('5.1', 'CONTINUATION behind a whole exchange', [...done(1), continuation(1, '')], {
    connection: ['PROTOCOL_ERROR', 'STREAM_CLOSED'],
  }),
  server('5.1', 'WINDOW_UPDATE behind a whole exchange', [...done(1), windowUpdate(1, 9)], IGNORED),
  server('5.1', 'RST_STREAM behind a whole exchange', [...done(1), reset(1, 0)], IGNORED),
  server('5.1', 'PRIORITY behind a whole exchange', [...done(1), priority(1, 0)], IGNORED),
  server(
    '5.1',
    'DATA behind a reset',
    [open(1), reset(1, 'CANCEL'), data(1, 'x')],
    fails('STREAM_CLOSED'),
  ),
  server(
    '5.1',
    'HEADERS behind a reset',
    [open(1), reset(1, 'CANCEL'), lastHeaders(1, getBlock())],
    fails('STREAM_CLOSED', 'PROTOCOL_ERROR'),
  ),
  server('5.1', 'CONTINUATION behind a reset', [open(1), reset(1, 0), continuation(1, '')], {
    connection: ['PROTOCOL_ERROR', 'STREAM_CLOSED'],
  }),
  server('5.1', 'PRIORITY behind a reset', [open(1), reset(1, 0), priority(1, 0)], IGNORED),
  server('5.1', 'WINDOW_UPDATE behind a reset', [open(1), reset(1, 0), windowUpdate(1, 1)], {
    ignored: true,
    ...fails('STREAM_CLOSED'),
  }),
  server('5.1', 'two resets', [open(1), reset(1, 'CANCEL'), reset(1, 'CANCEL')], {
    ignored: true,
    ...fails('STREAM_CLOSED'),
  }),
];

const identifiers: readonly Http2Case[] = [
  server('5.1.1', 'a request on an even stream', [get(2)], breaks('PROTOCOL_ERROR')),
  server('5.1.1', 'a request on a lower stream', [held(5), get(3)], breaks('PROTOCOL_ERROR')),
  server('5.1.1', 'a stream used twice', [...done(3), get(3)], {
    connection: ['PROTOCOL_ERROR', 'STREAM_CLOSED'],
  }),
  server('5.1.1', 'DATA on a stream that was skipped', [held(5), data(3, 'x')], {
    connection: ['PROTOCOL_ERROR', 'STREAM_CLOSED'],
  }),
  server('5.1.1', 'streams that are not the next ones', [get(7)], { accepted: [200], of: 7 }),
  server('5.1.1', 'streams out of turn', [get(3), get(99)], { accepted: [200], of: 99 }),
];

const concurrency: readonly Http2Case[] = [
  server(
    '5.1.2',
    'one stream more than announced',
    Array.from({ length: 9 }, (_, i) => held(2 * i + 1)),
    { ...fails('REFUSED_STREAM', 'PROTOCOL_ERROR'), of: 17 },
    { servesOn: false },
  ),
  server(
    '5.1.2',
    'as many streams as announced, again and again',
    [
      ...Array.from({ length: 8 }, (_, i) => held(2 * i + 1)),
      ...Array.from({ length: 8 }, (_, i) => reset(2 * i + 1, 'CANCEL')),
      ...Array.from({ length: 7 }, (_, i) => held(2 * i + 17)),
      get(33),
    ],
    { accepted: [200], of: 33 },
  ),
];

const prioritised = END_HEADERS | END_STREAM | PRIORITY;
const priorities: readonly Http2Case[] = [
  server(
    '5.3',
    'HEADERS with priority',
    [headers(1, Buffer.concat([priorityOctets(RESERVED), getBlock()]), prioritised)],
    OK,
  ),
  server(
    '5.3',
    'HEADERS that depend on a stream that does not exist',
    [headers(1, Buffer.concat([priorityOctets(77, 255), getBlock()]), prioritised)],
    OK,
  ),
  server(
    'RFC 7540 5.3.1',
    'HEADERS that depend on themselves',
    [headers(1, Buffer.concat([priorityOctets(1), getBlock()]), prioritised)],
    fails('PROTOCOL_ERROR'),
  ),
  server(
    'RFC 7540 5.3.1',
    'PRIORITY that depends on itself',
    [held(1), priority(1, 1)],
    fails('PROTOCOL_ERROR'),
  ),
  server('5.3', 'a priority field', [lastHeaders(1, getBlock(['priority', 'u=1, i']))], OK, {
    forwarded: { priority: 'u=1, i' },
  }),
];

const errors: readonly Http2Case[] = [
  server(
    '5.4.2',
    'DATA behind the reset of a malformed request',
    [headers(1, postBlock(['X', 'y'])), data(1, 'x'), data(1, 'y', END_STREAM)],
    MALFORMED,
  ),
  server(
    '5.4.2',
    'trailers behind the reset of a malformed request',
    [headers(1, postBlock(['X', 'y'])), lastHeaders(1, block(['x', 'y']))],
    MALFORMED,
  ),
  server(
    '5.4.2',
    'a reset behind the reset of a malformed request',
    [headers(1, postBlock(['X', 'y'])), reset(1, 'CANCEL'), windowUpdate(1, 5)],
    MALFORMED,
  ),
  server('5.5', 'an unknown frame within a block', [openBlock(1), frameBytes(77, 0, 1, 'x')], {
    connection: ['PROTOCOL_ERROR'],
  }),
  server('5.5', 'an unknown setting', [settings([0xff, 1], [0, 2 ** 32 - 1]), get(1)], OK),
  server(
    '5.5',
    'an unknown frame between HEADERS and DATA',
    [open(1), frameBytes(77, 0xff, 1, 'x'), data(1, 'x', END_STREAM)],
    OK,
  ),
  server('7', 'a reset with an unknown code', [held(1), reset(1, 0xff)], IGNORED),
  server(
    '7',
    'the other streams when one is reset',
    [open(1), get(3), reset(1, 'INTERNAL_ERROR')],
    {
      accepted: [200],
      of: 3,
    },
  ),
  server('5.4.2', 'the other streams when one is malformed', [get(1), lastHeaders(3, '')], {
    ...resets('PROTOCOL_ERROR'),
    of: 3,
  }),
];

export const SERVER_CONNECTION: readonly Http2Case[] = [
  ...preface,
  ...frameFormat,
  ...frameSize,
  ...fieldBlocks,
  ...idle,
  ...halfClosed,
  ...closed,
  ...identifiers,
  ...concurrency,
  ...priorities,
  ...errors,
];
