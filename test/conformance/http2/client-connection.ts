/** The sidecar as a client: starting, framing, streams, frames (RFC 9113 sections 3 to 6). */
import {
  ACK,
  block,
  continuation,
  data,
  END_HEADERS,
  END_STREAM,
  frameBytes,
  headers,
  INCREMENTAL,
  indexed,
  lastHeaders,
  literal,
  padded,
  PADDED,
  ping,
  PRIORITY,
  priority,
  priorityOctets,
  requestBlock,
  reset,
  SETTING,
  settings,
  settingsAck,
  statusBlock,
  windowUpdate,
  words,
} from '../../support/http2-wire.ts';
import {
  breaks,
  client,
  fails,
  IGNORED,
  OK,
  resets,
  type Expected,
  type Http2Case,
  type Step,
} from './case.ts';

const RESERVED = 0x8000_0000;
const FRAME_BYTES = 16_384;
const WINDOW = 65_535;
const WINDOW_MAX = 2 ** 31 - 1;
const PROTOCOL: Expected = breaks('PROTOCOL_ERROR');
const SIZE: Expected = breaks('FRAME_SIZE_ERROR');
const CALM: Expected = breaks('ENHANCE_YOUR_CALM');
/** The head of an answer, whose body goes on. */
const HEAD = headers(1, statusBlock(200));
const ANSWER = Buffer.concat([HEAD, data(1, 'ok', END_STREAM)]);
const BEGUN = headers(1, statusBlock(200), END_STREAM);
const many = (count: number, frame: (i: number) => Buffer): Buffer[] =>
  Array.from({ length: count }, (_, i) => frame(i));
/** A case before which no SETTINGS are sent, and so no request has come. */
const unsettled = (name: string, steps: readonly Step[], expected: Expected): Http2Case =>
  client('3.4', name, steps, expected, { greets: false });
/** A case in which the body of the request goes on. */
const posting = (
  section: string,
  name: string,
  steps: readonly Step[],
  expected: Expected,
): Http2Case => client(section, name, steps, expected, { request: 'POST' });

const preface: readonly Http2Case[] = [
  unsettled('PING as the first frame', [ping('12345678'), ANSWER], PROTOCOL),
  unsettled('an answer as the first frame', [ANSWER], PROTOCOL),
  unsettled('an acknowledgement as the first frame', [settingsAck(), ANSWER], PROTOCOL),
  unsettled('an answer of HTTP/1', [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')], PROTOCOL),
];

const frameFormat: readonly Http2Case[] = [
  client('4.1', 'unknown type on the connection', [frameBytes(0x16, 0, 0, 'x')], IGNORED),
  client(
    '4.1',
    'unknown type on the stream',
    [HEAD, frameBytes(77, 0xff, 1, 'x'), data(1, 'ok', 1)],
    OK,
  ),
  client('4.1', 'unknown type on an idle stream', [frameBytes(77, 0xff, 2, 'x')], IGNORED),
  client('4.1', 'unknown flags of PING', [frameBytes('PING', 0xfe, 0, '12345678')], IGNORED),
  client('4.1', 'unknown flags of HEADERS', [headers(1, statusBlock(200), 0xd5)], OK),
  client('4.1', 'unknown flags of DATA', [HEAD, data(1, 'ok', 0xf7)], OK),
  client('4.1', 'unknown flags of SETTINGS', [frameBytes('SETTINGS', 0xfe, 0)], IGNORED),
  client('4.1', 'the reserved bit on HEADERS', [lastHeaders(RESERVED + 1, statusBlock(200))], OK),
  client('4.2', 'DATA of 2^14 octets', [HEAD, data(1, Buffer.alloc(FRAME_BYTES), 1)], OK),
  client('4.2', 'DATA of 2^14+1 octets', [HEAD, data(1, Buffer.alloc(FRAME_BYTES + 1))], {
    ...fails('FRAME_SIZE_ERROR'),
  }),
  client('4.2', 'HEADERS of 2^14+1 octets', [headers(1, Buffer.alloc(FRAME_BYTES + 1))], SIZE),
  client(
    '4.2',
    'SETTINGS of more than 2^14 octets',
    [frameBytes(4, 0, 0, Buffer.alloc(16_386))],
    SIZE,
  ),
];

const fieldBlocks: readonly Http2Case[] = [
  client('4.3', 'a block that cannot be decoded', [lastHeaders(1, [0xff, 0xff])], {
    connection: ['COMPRESSION_ERROR'],
  }),
  client('4.3', 'trailers that cannot be decoded', [HEAD, lastHeaders(1, [0x80])], {
    connection: ['COMPRESSION_ERROR'],
  }),
  client('4.3', 'PRIORITY within a block', [BEGUN, priority(1, 0)], PROTOCOL),
  client('4.3', 'DATA within a block', [BEGUN, data(1, 'x')], PROTOCOL),
  client('4.3', 'PING within a block', [BEGUN, ping('12345678')], PROTOCOL),
  client('4.3', 'SETTINGS within a block', [BEGUN, settings()], PROTOCOL),
  client('4.3', 'HEADERS within a block', [BEGUN, lastHeaders(1, '')], PROTOCOL),
  client('5.5', 'an unknown frame within a block', [BEGUN, frameBytes(77, 0, 1)], PROTOCOL),
];

const streams: readonly Http2Case[] = [
  client('5.1', 'DATA on an idle stream', [data(3, 'x')], PROTOCOL),
  client('5.1', 'HEADERS on an idle stream', [headers(3, statusBlock(200))], PROTOCOL),
  client('5.1', 'RST_STREAM on an idle stream', [reset(3, 'CANCEL')], PROTOCOL),
  client('5.1', 'WINDOW_UPDATE on an idle stream', [windowUpdate(3, 1)], PROTOCOL),
  client('5.1', 'PRIORITY on an idle stream', [priority(3, 0)], IGNORED),
  client('5.1.1', 'HEADERS on a stream of its own', [headers(2, statusBlock(200))], PROTOCOL),
  client('5.1.1', 'a request of a server', [lastHeaders(2, requestBlock('GET', '/'))], PROTOCOL),
  client('5.1.1', 'DATA on a stream of its own', [data(2, 'x')], PROTOCOL),
  client('5.1.1', 'RST_STREAM on a stream of its own', [reset(2, 'CANCEL')], PROTOCOL),
  posting('5.1', 'DATA behind the end of an answer', [ANSWER, data(1, 'x')], {
    accepted: [200],
    ...fails('STREAM_CLOSED', 'NO_ERROR', 'CANCEL'),
  }),
  client('5.1', 'WINDOW_UPDATE behind an exchange', [ANSWER, windowUpdate(1, 9)], OK),
  client('5.1', 'RST_STREAM behind an exchange', [ANSWER, reset(1, 'NO_ERROR')], OK),
  client('5.1', 'PRIORITY behind an exchange', [ANSWER, priority(1, 0)], OK),
  client('5.1', 'DATA behind a reset', [HEAD, reset(1, 'CANCEL'), data(1, 'x')], {
    connection: ['STREAM_CLOSED'],
    stream: ['STREAM_CLOSED'],
    ignored: true,
  }),
  client('5.4.2', 'an answer behind the reset of a malformed one', [lastHeaders(1, ''), ANSWER], {
    ...resets('PROTOCOL_ERROR'),
  }),
  client('5.4.2', 'DATA behind the reset of a malformed head', [headers(1, ''), data(1, 'x', 1)], {
    ...resets('PROTOCOL_ERROR'),
  }),
];

const dataFrames: readonly Http2Case[] = [
  client('6.1', 'DATA on stream 0', [data(0, 'x')], PROTOCOL),
  client('6.1', 'padded DATA', [HEAD, data(1, padded('ok', 99), PADDED | END_STREAM)], OK),
  client('6.1', 'DATA of padding only', [HEAD, data(1, padded('', 255), 9)], OK),
  client('6.1', 'padding as long as the payload', [HEAD, data(1, '\x04abc', PADDED)], PROTOCOL),
  client('6.1', 'padded DATA without a pad length', [HEAD, data(1, '', PADDED)], {
    ...fails('FRAME_SIZE_ERROR', 'PROTOCOL_ERROR'),
  }),
  client('6.1', 'empty DATA that ends the stream', [HEAD, data(1, '', END_STREAM)], OK),
];

const headersFrames: readonly Http2Case[] = [
  client('6.2', 'HEADERS on stream 0', [lastHeaders(0, statusBlock(200))], PROTOCOL),
  client('6.2', 'padded HEADERS', [headers(1, padded(statusBlock(200), 255), 0xd)], OK),
  client(
    '6.2',
    'HEADERS with priority',
    [
      headers(
        1,
        Buffer.concat([priorityOctets(0), statusBlock(200)]),
        END_HEADERS | END_STREAM | PRIORITY,
      ),
    ],
    OK,
  ),
  client('6.2', 'padding longer than the payload', [headers(1, '\xffabc', 0xd)], PROTOCOL),
  client('6.3', 'PRIORITY on stream 0', [priority(0, 1)], PROTOCOL),
  client('6.3', 'PRIORITY of 4 octets', [frameBytes('PRIORITY', 0, 1, '1234')], {
    ...fails('FRAME_SIZE_ERROR'),
  }),
  client('6.4', 'RST_STREAM on stream 0', [reset(0, 'CANCEL')], PROTOCOL),
  client('6.4', 'RST_STREAM of 3 octets', [frameBytes('RST_STREAM', 0, 1, '123')], SIZE),
  client('6.4', 'RST_STREAM of 5 octets', [frameBytes('RST_STREAM', 0, 1, '12345')], SIZE),
];

const settingsFrames: readonly Http2Case[] = [
  client('6.5', 'an acknowledgement with a payload', [frameBytes(4, ACK, 0, '123456')], SIZE),
  client('6.5', 'SETTINGS on a stream', [frameBytes('SETTINGS', 0, 1)], PROTOCOL),
  client('6.5', 'SETTINGS of 5 octets', [frameBytes('SETTINGS', 0, 0, '12345')], SIZE),
  client('6.5.2', 'ENABLE_PUSH of 0', [settings([SETTING.ENABLE_PUSH, 0])], IGNORED),
  client('6.5.2', 'ENABLE_PUSH of 1', [settings([SETTING.ENABLE_PUSH, 1])], PROTOCOL),
  client('6.5.2', 'ENABLE_PUSH of 2', [settings([SETTING.ENABLE_PUSH, 2])], PROTOCOL),
  client('6.5.2', 'INITIAL_WINDOW_SIZE of 2^31', [settings([4, 2 ** 31])], {
    connection: ['FLOW_CONTROL_ERROR'],
  }),
  client('6.5.2', 'MAX_FRAME_SIZE of 2^14-1', [settings([5, 16_383])], PROTOCOL),
  client('6.5.2', 'MAX_FRAME_SIZE of 2^24', [settings([5, 2 ** 24])], PROTOCOL),
  client('6.5.2', 'an unknown setting', [settings([0xff, 1])], IGNORED),
  client('6.5.2', 'MAX_CONCURRENT_STREAMS of 0', [settings([3, 0])], IGNORED),
  client('6.5.2', 'HEADER_TABLE_SIZE of 0', [settings([1, 0])], IGNORED),
];

const pushFrames: readonly Http2Case[] = [
  client(
    '6.6',
    'PUSH_PROMISE',
    [frameBytes('PUSH_PROMISE', 4, 1, Buffer.concat([words(2), requestBlock('GET', '/')]))],
    PROTOCOL,
  ),
  client('6.6', 'PUSH_PROMISE on stream 0', [frameBytes(5, END_HEADERS, 0, words(2))], PROTOCOL),
  client('8.4', 'PUSH_PROMISE behind an answer', [ANSWER, frameBytes(5, 4, 1, words(2))], {
    ...PROTOCOL,
    downstream: [200],
  }),
];

const connectionFrames: readonly Http2Case[] = [
  client('6.7', 'PING on a stream', [frameBytes('PING', 0, 1, '12345678')], PROTOCOL),
  client('6.7', 'PING of 7 octets', [frameBytes('PING', 0, 0, '1234567')], SIZE),
  client('6.7', 'an answer to no PING', [ping('12345678', ACK)], IGNORED),
  client('6.8', 'GOAWAY on a stream', [frameBytes('GOAWAY', 0, 1, words(1, 0))], PROTOCOL),
  client('6.8', 'GOAWAY of 7 octets', [frameBytes('GOAWAY', 0, 0, '1234567')], SIZE),
  client('6.9', 'an increment of 0 on the connection', [windowUpdate(0, 0)], PROTOCOL),
  posting('6.9', 'an increment of 0 on the stream', [windowUpdate(1, 0)], fails('PROTOCOL_ERROR')),
  client('6.9', 'WINDOW_UPDATE of 3 octets', [frameBytes(8, 0, 0, '123')], SIZE),
  client('6.9.1', 'a connection window of 2^31', [windowUpdate(0, WINDOW_MAX)], {
    connection: ['FLOW_CONTROL_ERROR'],
  }),
  posting('6.9.1', 'a stream window of 2^31', [windowUpdate(1, WINDOW_MAX)], {
    ...fails('FLOW_CONTROL_ERROR'),
  }),
  posting(
    '6.9.2',
    'SETTINGS that overflow the window of the stream',
    [windowUpdate(1, 100), settings([SETTING.INITIAL_WINDOW_SIZE, WINDOW_MAX])],
    breaks('FLOW_CONTROL_ERROR'),
  ),
  client('6.9.1', 'the largest connection window', [windowUpdate(0, WINDOW_MAX - WINDOW)], IGNORED),
  client('6.10', 'an answer in CONTINUATION', [BEGUN, continuation(1, '')], OK),
  client('6.10', 'CONTINUATION on stream 0', [BEGUN, continuation(0, '')], PROTOCOL),
  client('6.10', 'CONTINUATION of another stream', [BEGUN, continuation(3, '')], PROTOCOL),
  client('6.10', 'CONTINUATION behind a whole block', [HEAD, continuation(1, '')], PROTOCOL),
  client('6.10', 'CONTINUATION at first', [continuation(1, '')], PROTOCOL),
];

const floods: readonly Http2Case[] = [
  client('10.5', 'a flood of CONTINUATION', [BEGUN, ...many(999, () => continuation(1, 'x', 0))], {
    connection: ['ENHANCE_YOUR_CALM', 'COMPRESSION_ERROR'],
  }),
  client(
    '10.5',
    'a flood of empty CONTINUATION',
    [BEGUN, ...many(99, () => continuation(1, '', 0))],
    {
      ...CALM,
    },
  ),
  client(
    '10.5',
    'a flood of SETTINGS',
    many(60_000, () => settings()),
    CALM,
  ),
  client('10.5', 'a flood of empty DATA', [HEAD, ...many(60_000, () => data(1))], CALM),
  client(
    '10.5',
    'a flood of PRIORITY',
    many(60_000, () => priority(1, 0)),
    CALM,
  ),
  client(
    '10.5',
    'a flood of interim heads',
    many(60_000, () => headers(1, statusBlock(103))),
    {
      ...fails('ENHANCE_YOUR_CALM', 'PROTOCOL_ERROR', 'CANCEL'),
    },
  ),
];

const HPACK_BROKEN = breaks('COMPRESSION_ERROR');
/** Field blocks of answers (RFC 7541). */
const hpack: readonly Http2Case[] = [
  client('RFC 7541 6.1', 'an answer by index', [lastHeaders(1, indexed(8))], OK),
  client('RFC 7541 6.1', 'index 0', [lastHeaders(1, indexed(0))], HPACK_BROKEN),
  client(
    'RFC 7541 2.3.3',
    'an index beyond the tables',
    [lastHeaders(1, indexed(62))],
    HPACK_BROKEN,
  ),
  client(
    'RFC 7541 2.3.2',
    'an entry of the head in the trailers',
    [
      headers(1, Buffer.concat([indexed(8), literal('x-a', 'b', INCREMENTAL)])),
      lastHeaders(1, indexed(62)),
    ],
    OK,
    { forwarded: { 'x-a': 'b' } },
  ),
  client(
    'RFC 7541 4.2',
    'a table size behind a field',
    [lastHeaders(1, [0x88, 0x20])],
    HPACK_BROKEN,
  ),
  client(
    'RFC 7541 6.3',
    'a table size above the setting',
    [lastHeaders(1, [0x3f, 0xe2, 0x1f, 0x88])],
    {
      ...HPACK_BROKEN,
    },
  ),
  client('RFC 7541 5.2', 'padding of zeros', [lastHeaders(1, [0x08, 0x81, 0x00])], HPACK_BROKEN),
  client(
    'RFC 7541 5.2',
    'a string longer than its block',
    [lastHeaders(1, Buffer.concat([block([':status', '200']), Buffer.from([0, 0x7e, 0x78])]))],
    HPACK_BROKEN,
  ),
];

export const CLIENT_CONNECTION: readonly Http2Case[] = [
  ...preface,
  ...frameFormat,
  ...fieldBlocks,
  ...streams,
  ...dataFrames,
  ...headersFrames,
  ...settingsFrames,
  ...pushFrames,
  ...connectionFrames,
  ...floods,
  ...hpack,
];
