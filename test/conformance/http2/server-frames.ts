/** The sidecar as a server: what frames may be (RFC 9113 section 6), and floods (section 10.5). */
import {
  ACK,
  block,
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  frameBytes,
  getBlock,
  headers,
  lastHeaders,
  padded,
  PADDED,
  ping,
  postBlock,
  PRIORITY,
  priority,
  priorityOctets,
  requestBlock,
  reset,
  SETTING,
  settings,
  settingsAck,
  windowUpdate,
  words,
} from '../../support/http2-wire.ts';
import { breaks, fails, IGNORED, OK, server, type Expected, type Http2Case } from './case.ts';

const WINDOW_MAX = 2 ** 31 - 1;
const WINDOW = 65_535;
const SIZE: Expected = breaks('FRAME_SIZE_ERROR');
const PROTOCOL: Expected = breaks('PROTOCOL_ERROR');
const CALM: Expected = breaks('ENHANCE_YOUR_CALM');
const get = (stream: number): Buffer => lastHeaders(stream, getBlock());
const open = (stream: number): Buffer => headers(stream, postBlock());
const held = (stream: number): Buffer => lastHeaders(stream, requestBlock('GET', '/hold'));
/** HEADERS that do not end the block. */
const begun = (stream = 1): Buffer => headers(stream, getBlock(), END_STREAM);
const many = (count: number, frame: (i: number) => Buffer): Buffer[] =>
  Array.from({ length: count }, (_, i) => frame(i));

const dataFrames: readonly Http2Case[] = [
  server('6.1', 'DATA on stream 0', [data(0, 'x')], PROTOCOL),
  server('6.1', 'empty DATA on stream 0', [data(0)], PROTOCOL),
  server('6.1', 'padded DATA', [open(1), data(1, padded('abc', 200), PADDED | END_STREAM)], OK),
  server('6.1', 'DATA padded with nothing', [open(1), data(1, padded('abc', 0), 9)], OK),
  server('6.1', 'DATA of padding only', [open(1), data(1, padded('', 255), 9)], OK),
  server('6.1', 'padding as long as the payload', [open(1), data(1, '\x04abc', PADDED)], PROTOCOL),
  server('6.1', 'padding longer than the payload', [open(1), data(1, '\xffabc', 8)], PROTOCOL),
  server('6.1', 'padding of an empty payload', [open(1), data(1, '\x01', PADDED)], PROTOCOL),
  server(
    '6.1',
    'padded DATA without a pad length',
    [open(1), data(1, '', PADDED)],
    fails('FRAME_SIZE_ERROR', 'PROTOCOL_ERROR'),
  ),
  server('6.1', 'empty DATA that ends the stream', [open(1), data(1, '', END_STREAM)], OK),
];

const headersFrames: readonly Http2Case[] = [
  server('6.2', 'HEADERS on stream 0', [get(0)], PROTOCOL),
  server('6.2', 'padded HEADERS', [headers(1, padded(getBlock(), 255), 0xd)], OK),
  server(
    '6.2',
    'padded HEADERS with priority',
    [
      headers(
        1,
        padded(Buffer.concat([priorityOctets(0), getBlock()]), 7),
        END_HEADERS | END_STREAM | PADDED | PRIORITY,
      ),
    ],
    OK,
  ),
  server('6.2', 'padding as long as the payload', [headers(1, '\x04abc', 0xd)], PROTOCOL),
  server('6.2', 'padding longer than the payload', [headers(1, '\xffabc', 0xd)], PROTOCOL),
  server('6.2', 'padding over the priority', [headers(1, '\x01\0\0\0\0\0', 0x2d)], PROTOCOL),
  server('6.2', 'padded HEADERS without a pad length', [headers(1, '', 0xd)], {
    connection: ['FRAME_SIZE_ERROR', 'PROTOCOL_ERROR'],
  }),
  server('6.2', 'HEADERS shorter than their priority', [headers(1, '\0\0\0\0', 0x25)], {
    connection: ['FRAME_SIZE_ERROR', 'PROTOCOL_ERROR'],
  }),
];

const priorityFrames: readonly Http2Case[] = [
  server('6.3', 'PRIORITY on stream 0', [priority(0, 1)], PROTOCOL),
  server(
    '6.3',
    'PRIORITY of 4 octets',
    [held(1), frameBytes('PRIORITY', 0, 1, '\0\0\0\0')],
    fails('FRAME_SIZE_ERROR'),
  ),
  server(
    '6.3',
    'PRIORITY of 6 octets',
    [held(1), frameBytes('PRIORITY', 0, 1, '\0\0\0\0\0\0')],
    fails('FRAME_SIZE_ERROR'),
  ),
  server('6.3', 'empty PRIORITY on an idle stream', [frameBytes('PRIORITY', 0, 9)], {
    ...fails('FRAME_SIZE_ERROR'),
    of: 9,
  }),
  server(
    '6.3',
    'PRIORITY of every kind',
    many(20, (i) => priority(i + 1, 100 + i)),
    IGNORED,
  ),
];

const resetFrames: readonly Http2Case[] = [
  server('6.4', 'RST_STREAM on stream 0', [reset(0, 'CANCEL')], PROTOCOL),
  server(
    '6.4',
    'RST_STREAM of 3 octets',
    [held(1), frameBytes('RST_STREAM', 0, 1, '\0\0\0')],
    SIZE,
  ),
  server('6.4', 'RST_STREAM of 5 octets', [held(1), frameBytes(3, 0, 1, '\0\0\0\0\0')], SIZE),
  server('6.4', 'empty RST_STREAM', [held(1), frameBytes('RST_STREAM', 0, 1)], SIZE),
  server('6.4', 'RST_STREAM in the middle of a request', [open(1), reset(1, 'CANCEL')], IGNORED),
];

const settingsFrames: readonly Http2Case[] = [
  server('6.5', 'an acknowledgement with a payload', [frameBytes(4, ACK, 0, '\0\0\0\0\0\0')], SIZE),
  server('6.5', 'SETTINGS on a stream', [frameBytes('SETTINGS', 0, 1)], PROTOCOL),
  server('6.5', 'an acknowledgement on a stream', [frameBytes('SETTINGS', ACK, 1)], PROTOCOL),
  server('6.5', 'SETTINGS of 5 octets', [frameBytes('SETTINGS', 0, 0, '\0\x01\0\0\0')], SIZE),
  server('6.5', 'SETTINGS of 7 octets', [frameBytes(4, 0, 0, '\0\x01\0\0\0\0\0')], SIZE),
  server('6.5', 'an acknowledgement too many', [settingsAck(), settingsAck()], {
    ignored: true,
    ...PROTOCOL,
  }),
  server('6.5.2', 'ENABLE_PUSH of 0', [settings([SETTING.ENABLE_PUSH, 0]), get(1)], OK),
  server('6.5.2', 'ENABLE_PUSH of 1', [settings([SETTING.ENABLE_PUSH, 1]), get(1)], OK),
  server('6.5.2', 'ENABLE_PUSH of 2', [settings([SETTING.ENABLE_PUSH, 2])], PROTOCOL),
  server('6.5.2', 'ENABLE_PUSH of 2^32-1', [settings([2, 2 ** 32 - 1])], PROTOCOL),
  server('6.5.2', 'INITIAL_WINDOW_SIZE of 2^31-1', [settings([4, WINDOW_MAX]), get(1)], OK),
  server(
    '6.5.2',
    'INITIAL_WINDOW_SIZE of 2^31',
    [settings([SETTING.INITIAL_WINDOW_SIZE, 2 ** 31])],
    breaks('FLOW_CONTROL_ERROR'),
  ),
  server(
    '6.5.2',
    'INITIAL_WINDOW_SIZE of 2^32-1',
    [settings([SETTING.INITIAL_WINDOW_SIZE, 2 ** 32 - 1])],
    breaks('FLOW_CONTROL_ERROR'),
  ),
  server('6.5.2', 'MAX_FRAME_SIZE of 2^14', [settings([5, 16_384]), get(1)], OK),
  server('6.5.2', 'MAX_FRAME_SIZE of 2^24-1', [settings([5, 2 ** 24 - 1]), get(1)], OK),
  server('6.5.2', 'MAX_FRAME_SIZE of 2^14-1', [settings([5, 16_383])], PROTOCOL),
  server('6.5.2', 'MAX_FRAME_SIZE of 0', [settings([SETTING.MAX_FRAME_SIZE, 0])], PROTOCOL),
  server('6.5.2', 'MAX_FRAME_SIZE of 2^24', [settings([5, 2 ** 24])], PROTOCOL),
  server('6.5.2', 'MAX_CONCURRENT_STREAMS of 0', [settings([3, 0]), get(1)], OK),
  server('6.5.2', 'MAX_HEADER_LIST_SIZE of 0', [settings([6, 0]), get(1)], {
    accepted: [200],
    ...fails('ENHANCE_YOUR_CALM', 'INTERNAL_ERROR', 'CANCEL'),
  }),
  server('6.5.2', 'HEADER_TABLE_SIZE of 0', [settings([1, 0]), get(1)], OK),
  server('6.5.2', 'HEADER_TABLE_SIZE of 2^32-1', [settings([1, 2 ** 32 - 1]), get(1)], OK),
  server('6.5.2', 'a wrong value behind right ones', [settings([1, 1], [3, 1], [5, 1])], PROTOCOL),
  server('6.5.3', 'a setting twice in a frame', [settings([4, 1], [4, 70_000]), get(1)], OK),
];

const pushFrames: readonly Http2Case[] = [
  server(
    '6.6',
    'PUSH_PROMISE of a client',
    [open(1), frameBytes('PUSH_PROMISE', END_HEADERS, 1, Buffer.concat([words(2), getBlock()]))],
    PROTOCOL,
  ),
  server('6.6', 'PUSH_PROMISE on stream 0', [frameBytes(5, END_HEADERS, 0, words(2))], PROTOCOL),
];

const pingFrames: readonly Http2Case[] = [
  server('6.7', 'PING on a stream', [frameBytes('PING', 0, 1, '12345678')], PROTOCOL),
  server('6.7', 'PING of 7 octets', [frameBytes('PING', 0, 0, '1234567')], SIZE),
  server('6.7', 'PING of 9 octets', [frameBytes('PING', 0, 0, '123456789')], SIZE),
  server('6.7', 'empty PING', [frameBytes('PING', 0, 0)], SIZE),
  server('6.7', 'an answer to no PING', [ping('12345678', ACK)], IGNORED),
  server('6.7', 'an answer of 6 octets', [frameBytes('PING', ACK, 0, '123456')], SIZE),
];

const goawayFrames: readonly Http2Case[] = [
  server('6.8', 'GOAWAY on a stream', [frameBytes('GOAWAY', 0, 1, words(0, 0))], PROTOCOL),
  server('6.8', 'GOAWAY of 7 octets', [frameBytes('GOAWAY', 0, 0, '\0\0\0\0\0\0\0')], SIZE),
];

const windowFrames: readonly Http2Case[] = [
  server('6.9', 'an increment of 0 on the connection', [windowUpdate(0, 0)], PROTOCOL),
  server(
    '6.9',
    'an increment of 0 on a stream',
    [held(1), windowUpdate(1, 0)],
    fails('PROTOCOL_ERROR'),
  ),
  server('6.9', 'an increment of 0 by the reserved bit', [windowUpdate(0, 2 ** 31)], PROTOCOL),
  server('6.9', 'an increment with the reserved bit', [windowUpdate(0, 2 ** 31 + 1)], IGNORED),
  server('6.9', 'WINDOW_UPDATE of 3 octets', [frameBytes(8, 0, 0, '\0\0\x01')], SIZE),
  server('6.9', 'WINDOW_UPDATE of 5 octets', [frameBytes(8, 0, 0, '\0\0\0\x01\0')], SIZE),
  server(
    '6.9',
    'WINDOW_UPDATE of 3 octets on a stream',
    [held(1), frameBytes('WINDOW_UPDATE', 0, 1, '\0\0\x01')],
    SIZE,
  ),
  server('6.9.1', 'the largest connection window', [windowUpdate(0, WINDOW_MAX - WINDOW)], IGNORED),
  server(
    '6.9.1',
    'a connection window of 2^31',
    [windowUpdate(0, WINDOW_MAX - WINDOW), windowUpdate(0, 1)],
    breaks('FLOW_CONTROL_ERROR'),
  ),
  server(
    '6.9.1',
    'two increments of 2^31-1 on the connection',
    [windowUpdate(0, WINDOW_MAX), windowUpdate(0, WINDOW_MAX)],
    breaks('FLOW_CONTROL_ERROR'),
  ),
  server(
    '6.9.1',
    'the largest stream window',
    [held(1), windowUpdate(1, WINDOW_MAX - WINDOW)],
    IGNORED,
  ),
  server(
    '6.9.1',
    'a stream window of 2^31',
    [held(1), windowUpdate(1, WINDOW_MAX - WINDOW), windowUpdate(1, 1)],
    fails('FLOW_CONTROL_ERROR'),
  ),
  server(
    '6.9.1',
    'a stream window of 2^31 while it is being asked on',
    [open(1), windowUpdate(1, WINDOW_MAX), windowUpdate(1, WINDOW_MAX)],
    fails('FLOW_CONTROL_ERROR'),
  ),
  server(
    '6.9.2',
    'SETTINGS that overflow the window of a stream',
    [held(1), windowUpdate(1, 1), settings([SETTING.INITIAL_WINDOW_SIZE, WINDOW_MAX])],
    breaks('FLOW_CONTROL_ERROR'),
  ),
  server(
    '6.9.2',
    'SETTINGS that fill the window of a stream',
    [held(1), settings([SETTING.INITIAL_WINDOW_SIZE, WINDOW_MAX])],
    IGNORED,
  ),
];

const continuationFrames: readonly Http2Case[] = [
  server(
    '6.10',
    'two CONTINUATION frames',
    [
      headers(1, getBlock().subarray(0, 5), END_STREAM),
      continuation(1, getBlock().subarray(5, 9), 0),
      continuation(1, getBlock().subarray(9)),
    ],
    OK,
  ),
  server('6.10', 'an empty CONTINUATION that ends the block', [begun(), continuation(1, '')], OK),
  server(
    '6.10',
    'unknown flags of CONTINUATION',
    [headers(1, '', END_STREAM), continuation(1, getBlock(), 0xff)],
    OK,
  ),
  server(
    '6.10',
    'trailers in CONTINUATION',
    [open(1), headers(1, '', END_STREAM), continuation(1, block(['x', 'y']))],
    OK,
  ),
  server('6.10', 'CONTINUATION on stream 0', [begun(), continuation(0, '')], PROTOCOL),
  server('6.10', 'CONTINUATION of another stream', [begun(), continuation(3, '')], PROTOCOL),
  server('6.10', 'CONTINUATION behind a whole block', [open(1), continuation(1, '')], PROTOCOL),
  server(
    '6.10',
    'CONTINUATION behind the last CONTINUATION',
    [begun(), continuation(1, ''), continuation(1, '')],
    { connection: ['PROTOCOL_ERROR', 'STREAM_CLOSED'] },
  ),
  server(
    '6.10',
    'CONTINUATION behind DATA',
    [open(1), data(1, 'x'), continuation(1, '')],
    PROTOCOL,
  ),
  server('6.10', 'DATA in place of CONTINUATION', [begun(), data(1, 'x')], PROTOCOL),
];

const floods: readonly Http2Case[] = [
  server(
    '10.5',
    'a flood of CONTINUATION',
    [begun(), ...many(999, () => continuation(1, 'x', 0))],
    {
      connection: ['ENHANCE_YOUR_CALM', 'COMPRESSION_ERROR'],
    },
  ),
  server(
    '10.5',
    'a flood of empty CONTINUATION',
    [begun(), ...many(999, () => continuation(1, '', 0))],
    CALM,
  ),
  server(
    '10.5.1',
    'a block of 1 MiB',
    [begun(), ...many(64, () => continuation(1, Buffer.alloc(16_384), 0))],
    { connection: ['ENHANCE_YOUR_CALM', 'COMPRESSION_ERROR'] },
  ),
  server(
    '10.5',
    'a flood of SETTINGS',
    many(60_000, () => settings()),
    CALM,
  ),
  server(
    '10.5',
    'a flood of PRIORITY',
    many(60_000, () => priority(1, 0)),
    CALM,
  ),
  server('10.5', 'a flood of empty DATA', [open(1), ...many(60_000, () => data(1))], CALM),
  server(
    '10.5',
    'a flood of requests that are reset at once',
    many(60_000, (i) => Buffer.concat([open(2 * i + 1), reset(2 * i + 1, 'CANCEL')])),
    CALM,
  ),
  server(
    '10.5',
    'a flood of malformed requests',
    many(60_000, (i) => lastHeaders(2 * i + 1, '')),
    CALM,
  ),
];

export const SERVER_FRAMES: readonly Http2Case[] = [
  ...dataFrames,
  ...headersFrames,
  ...priorityFrames,
  ...resetFrames,
  ...settingsFrames,
  ...pushFrames,
  ...pingFrames,
  ...goawayFrames,
  ...windowFrames,
  ...continuationFrames,
  ...floods,
];
