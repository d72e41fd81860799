import assert from 'node:assert/strict';
import { test } from 'node:test';
import { frameBytes } from '../../../test/support/http2-wire.ts';
import { RecordedFrames } from '../../../test/support/recorded-frames.ts';
import { limits } from '../../limits.ts';
import {
  FLAG_ACK,
  FLAG_END_HEADERS,
  FLAG_END_STREAM,
  FLAG_PADDED,
  FLAG_PRIORITY,
  FRAME_BYTES_DEFAULT,
  FRAME_CONTINUATION,
  FRAME_DATA,
  FRAME_GOAWAY,
  FRAME_HEADERS,
  FRAME_PING,
  FRAME_PRIORITY,
  FRAME_PUSH_PROMISE,
  FRAME_RST_STREAM,
  FRAME_SETTINGS,
  FRAME_WINDOW_UPDATE,
} from './frame.ts';

const SETTINGS = frameBytes(FRAME_SETTINGS, 0, 0);
const RESERVED = 0x8000_0000;
const ENDS = FLAG_END_HEADERS | FLAG_END_STREAM;

/** Lines that the reader gives for `bytes` in pieces that end at `stops`. */
function recorded(bytes: Buffer, stops: Iterable<number>): RecordedFrames {
  const frames = new RecordedFrames();
  let from = 0;
  for (const stop of [...stops, bytes.length]) {
    // A buffer of its own, which is overwritten afterwards: nothing may be kept of it.
    const lent = Buffer.concat([Buffer.from('!!'), bytes.subarray(from, stop), Buffer.from('!!')]);
    frames.reader.read(lent, 2, lent.length - 2);
    lent.fill('?');
    from = stop;
  }
  return frames;
}

const everyStop = (length: number): number[] => Array.from({ length }, (_, i) => i + 1);
/** Longer inputs are cut where headers and payloads begin and end, near enough. */
const CUT_BYTES_MAX = 600;

/** Lines behind the first SETTINGS; the same however the frames are cut. */
function linesOf(...frames: readonly Buffer[]): string[] {
  const bytes = Buffer.concat([SETTINGS, ...frames]);
  const { lines } = recorded(bytes, []);
  assert.deepEqual(recorded(bytes, everyStop(bytes.length)).lines, lines, 'byte by byte');
  const stops = everyStop(bytes.length);
  const cuts = bytes.length <= CUT_BYTES_MAX ? stops : stops.slice(0, CUT_BYTES_MAX);
  for (const cut of cuts) assert.deepEqual(recorded(bytes, [cut]).lines, lines, `cut at ${cut}`);
  return lines.slice(1);
}

const octets = (...words: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, i) => bytes.writeUInt32BE(word, i * 4));
  return bytes;
};
const long = (length: number): string => 'x'.repeat(length);

/** What is read, and the lines it gives. */
const ACCEPTED: readonly (readonly [what: string, frames: readonly Buffer[], lines: string[]])[] = [
  ['DATA', [frameBytes(FRAME_DATA, 0, 1, 'hello')], ['data 1 "hello" flow 5']],
  ['last DATA', [frameBytes(FRAME_DATA, FLAG_END_STREAM, 3, 'a')], ['data 3 "a" flow 1 end']],
  ['empty DATA', [frameBytes(FRAME_DATA, FLAG_END_STREAM, 1)], ['data 1 "" flow 0 end']],
  [
    'DATA with the reserved bit and unknown flags',
    [frameBytes(FRAME_DATA, 0xf6, RESERVED + 1, 'a')],
    ['data 1 "a" flow 1'],
  ],
  [
    'padded DATA',
    [frameBytes(FRAME_DATA, FLAG_PADDED | FLAG_END_STREAM, 1, '\x03abc\0\0\0')],
    ['data 1 "abc" flow 7 end'],
  ],
  [
    'DATA padded with nothing',
    [frameBytes(FRAME_DATA, FLAG_PADDED, 1, '\0abc')],
    ['data 1 "abc" flow 4'],
  ],
  [
    'DATA that is all padding',
    [frameBytes(FRAME_DATA, FLAG_PADDED, 1, '\x02\0\0'), frameBytes(FRAME_DATA, 8, 1, '\0')],
    ['data 1 "" flow 3', 'data 1 "" flow 1'],
  ],
  [
    'DATA of the largest size',
    [frameBytes(FRAME_DATA, 0, 1, long(FRAME_BYTES_DEFAULT))],
    [`data 1 "${long(FRAME_BYTES_DEFAULT)}" flow ${FRAME_BYTES_DEFAULT}`],
  ],
  ['HEADERS', [frameBytes(FRAME_HEADERS, ENDS, 1, 'block')], ['headers 1 "block" end']],
  ['empty HEADERS', [frameBytes(FRAME_HEADERS, FLAG_END_HEADERS, 1)], ['headers 1 ""']],
  [
    'padded HEADERS',
    [frameBytes(FRAME_HEADERS, FLAG_END_HEADERS | FLAG_PADDED, 1, '\x02block\0\0')],
    ['headers 1 "block"'],
  ],
  [
    'HEADERS with priority',
    [frameBytes(FRAME_HEADERS, FLAG_END_HEADERS | FLAG_PRIORITY, 1, '\x80\0\0\x03\x0fblock')],
    ['headers 1 "block"'],
  ],
  [
    'HEADERS with priority and padding, and no block',
    [frameBytes(FRAME_HEADERS, ENDS | FLAG_PRIORITY | FLAG_PADDED, 1, '\x01\0\0\0\x03\x0f\0')],
    ['headers 1 "" end'],
  ],
  [
    'HEADERS and CONTINUATION',
    [
      frameBytes(FRAME_HEADERS, FLAG_END_STREAM | FLAG_PADDED, 5, '\x01ab\0'),
      frameBytes(FRAME_CONTINUATION, 0, 5, 'cd'),
      frameBytes(FRAME_CONTINUATION, FLAG_END_STREAM, RESERVED + 5),
      frameBytes(FRAME_CONTINUATION, FLAG_END_HEADERS, 5, 'ef'),
    ],
    ['headers 5 "abcdef" end'],
  ],
  [
    'two blocks, one of them ended by an empty CONTINUATION',
    [
      frameBytes(FRAME_HEADERS, 0, 1, 'ab'),
      frameBytes(FRAME_CONTINUATION, FLAG_END_HEADERS, 1),
      frameBytes(FRAME_HEADERS, 0, 3),
      frameBytes(FRAME_CONTINUATION, FLAG_END_HEADERS, 3, 'cd'),
    ],
    ['headers 1 "ab"', 'headers 3 "cd"'],
  ],
  [
    'as many empty CONTINUATION frames as each block may have',
    Array.from({ length: 2 }, (_, i) => [
      frameBytes(FRAME_HEADERS, 0, 2 * i + 1, 'a'),
      frameBytes(FRAME_CONTINUATION, 0, 2 * i + 1),
      frameBytes(FRAME_CONTINUATION, 0, 2 * i + 1),
      frameBytes(FRAME_CONTINUATION, FLAG_END_HEADERS, 2 * i + 1),
    ]).flat(),
    ['headers 1 "a"', 'headers 3 "a"'],
  ],
  [
    'as many CONTINUATION frames as each block may have',
    Array.from({ length: 2 }, (_, i) => [
      frameBytes(FRAME_HEADERS, 0, 2 * i + 1),
      ...Array.from({ length: 31 }, () => frameBytes(FRAME_CONTINUATION, 0, 2 * i + 1, 'b')),
      frameBytes(FRAME_CONTINUATION, FLAG_END_HEADERS, 2 * i + 1, 'c'),
    ]).flat(),
    [`headers 1 "${'b'.repeat(31)}c"`, `headers 3 "${'b'.repeat(31)}c"`],
  ],
  [
    'HEADERS without priority whose block begins with their stream',
    [frameBytes(FRAME_HEADERS, ENDS, 0x41, '\0\0\0Abc')],
    ['headers 65 "\\u0000\\u0000\\u0000Abc" end'],
  ],
  ['PRIORITY', [frameBytes(FRAME_PRIORITY, 0, 7, '\x80\0\0\x05\0')], ['priority 7']],
  [
    'RST_STREAM, also of an unknown code',
    [
      frameBytes(FRAME_RST_STREAM, 0xff, 1, octets(8)),
      frameBytes(FRAME_RST_STREAM, 0, 3, octets(0xffff_fffe)),
    ],
    ['reset 1 CANCEL', 'reset 3 error code 0xfffffffe'],
  ],
  [
    'SETTINGS and their acknowledgement',
    [
      frameBytes(FRAME_SETTINGS, 0, RESERVED, '\0\x04\0\0\0\x05\0\x03\0\0\0\x01'),
      frameBytes(FRAME_SETTINGS, FLAG_ACK, 0),
    ],
    ['settings 000400000005000300000001', 'settings ack'],
  ],
  [
    'PING and its acknowledgement',
    [frameBytes(FRAME_PING, 0, 0, '12345678'), frameBytes(FRAME_PING, FLAG_ACK, 0, 'abcdefgh')],
    ['ping 12345678', 'ping ack abcdefgh'],
  ],
  [
    'GOAWAY without and with debug text',
    [
      frameBytes(FRAME_GOAWAY, 0, 0, octets(RESERVED + 7, 0)),
      frameBytes(FRAME_GOAWAY, 0, 0, Buffer.concat([octets(0, 11), Buffer.from('bye\n\xff')])),
    ],
    ['goaway 7 NO_ERROR ""', 'goaway 0 ENHANCE_YOUR_CALM "bye???"'],
  ],
  [
    'GOAWAY with a long debug text',
    [frameBytes(FRAME_GOAWAY, 0, 0, `${long(8)}${'y'.repeat(1000)}`)],
    [`goaway 2021161080 error code 0x78787878 "${'y'.repeat(256)}"`],
  ],
  [
    'WINDOW_UPDATE',
    [
      frameBytes(FRAME_WINDOW_UPDATE, 0, 0, octets(0x7fff_ffff)),
      frameBytes(FRAME_WINDOW_UPDATE, 0, 3, octets(RESERVED + 1)),
    ],
    ['window 0 2147483647', 'window 3 1'],
  ],
  [
    'frames of unknown types',
    [
      frameBytes(0xa, 0xff, 0, 'ignored'),
      frameBytes(0xff, 0xff, 0x7fff_ffff, 'ignored'),
      frameBytes(0x10, 0, 1),
      frameBytes(FRAME_PING, 0, 0, '12345678'),
    ],
    ['ping 12345678'],
  ],
];

for (const [what, frames, lines] of ACCEPTED) {
  test(`FrameReader reads ${what}`, () => {
    const after = frameBytes(FRAME_PING, 0, 0, 'theother');
    assert.deepEqual(linesOf(...frames, after), [...lines, 'ping theother']);
  });
}

/** What is wrong with one stream: the next frame is read. */
const STREAM_FAULTS: readonly (readonly [what: string, frame: Buffer, lines: string[]])[] = [
  [
    'a WINDOW_UPDATE of 0 on a stream',
    frameBytes(FRAME_WINDOW_UPDATE, 0, 1, octets(RESERVED)),
    ['stream 1 fault PROTOCOL_ERROR'],
  ],
  [
    'a short PRIORITY',
    frameBytes(FRAME_PRIORITY, 0, 3, '1234'),
    ['stream 3 fault FRAME_SIZE_ERROR'],
  ],
  [
    'a long PRIORITY',
    frameBytes(FRAME_PRIORITY, 0, 3, '123456'),
    ['stream 3 fault FRAME_SIZE_ERROR'],
  ],
  ['an empty PRIORITY', frameBytes(FRAME_PRIORITY, 0, 3), ['stream 3 fault FRAME_SIZE_ERROR']],
  [
    'a PRIORITY that depends on itself',
    frameBytes(FRAME_PRIORITY, 0, 3, '\x80\0\0\x03\0'),
    ['stream 3 fault PROTOCOL_ERROR'],
  ],
  [
    'HEADERS that depend on themselves',
    frameBytes(FRAME_HEADERS, ENDS | FLAG_PRIORITY, 3, '\0\0\0\x03\0block'),
    ['stream 3 fault PROTOCOL_ERROR', 'headers 3 "block" end'],
  ],
];

for (const [what, frame, lines] of STREAM_FAULTS) {
  test(`FrameReader tells of ${what} and reads on`, () => {
    const after = frameBytes(FRAME_PING, 0, 0, 'theother');
    assert.deepEqual(linesOf(frame, after), [...lines, 'ping theother']);
  });
}

const open = (payload = 'ab'): Buffer => frameBytes(FRAME_HEADERS, 0, 1, payload);
const on =
  (stream: number) =>
  (type: number, payload = '', flags = 0): Buffer =>
    frameBytes(type, flags, stream, payload);

/** What is wrong with the connection, and its code. */
const FAULTS: readonly (readonly [what: string, frames: readonly Buffer[], code: string])[] = [
  ['DATA on stream 0', [on(0)(FRAME_DATA, 'a')], 'PROTOCOL_ERROR'],
  ['DATA on stream 0 by the reserved bit', [on(RESERVED)(FRAME_DATA, 'a')], 'PROTOCOL_ERROR'],
  ['HEADERS on stream 0', [on(0)(FRAME_HEADERS, 'a', ENDS)], 'PROTOCOL_ERROR'],
  ['PRIORITY on stream 0', [on(0)(FRAME_PRIORITY, '12345')], 'PROTOCOL_ERROR'],
  ['RST_STREAM on stream 0', [on(0)(FRAME_RST_STREAM, '1234')], 'PROTOCOL_ERROR'],
  ['PUSH_PROMISE on stream 0', [on(0)(FRAME_PUSH_PROMISE, '1234', 4)], 'PROTOCOL_ERROR'],
  ['CONTINUATION on stream 0', [open(), on(0)(FRAME_CONTINUATION, 'a', 4)], 'PROTOCOL_ERROR'],
  ['SETTINGS on a stream', [on(1)(FRAME_SETTINGS)], 'PROTOCOL_ERROR'],
  ['PING on a stream', [on(1)(FRAME_PING, '12345678')], 'PROTOCOL_ERROR'],
  ['GOAWAY on a stream', [on(1)(FRAME_GOAWAY, '12345678')], 'PROTOCOL_ERROR'],
  [
    'a WINDOW_UPDATE of 0 on the connection',
    [on(0)(FRAME_WINDOW_UPDATE, '\0\0\0\0')],
    'PROTOCOL_ERROR',
  ],
  ['a short WINDOW_UPDATE', [on(1)(FRAME_WINDOW_UPDATE, '123')], 'FRAME_SIZE_ERROR'],
  ['a long WINDOW_UPDATE', [on(1)(FRAME_WINDOW_UPDATE, '12345')], 'FRAME_SIZE_ERROR'],
  ['a short RST_STREAM', [on(1)(FRAME_RST_STREAM, '123')], 'FRAME_SIZE_ERROR'],
  ['a long RST_STREAM', [on(1)(FRAME_RST_STREAM, '12345')], 'FRAME_SIZE_ERROR'],
  ['a short PING', [on(0)(FRAME_PING, '1234567')], 'FRAME_SIZE_ERROR'],
  ['a long PING', [on(0)(FRAME_PING, '123456789', FLAG_ACK)], 'FRAME_SIZE_ERROR'],
  ['a short GOAWAY', [on(0)(FRAME_GOAWAY, '1234567')], 'FRAME_SIZE_ERROR'],
  ['SETTINGS of 5 octets', [on(0)(FRAME_SETTINGS, '12345')], 'FRAME_SIZE_ERROR'],
  ['SETTINGS of 7 octets', [on(0)(FRAME_SETTINGS, '1234567')], 'FRAME_SIZE_ERROR'],
  [
    'an acknowledgement of SETTINGS with some',
    [on(0)(FRAME_SETTINGS, '123456', FLAG_ACK)],
    'FRAME_SIZE_ERROR',
  ],
  ['padded DATA without octets', [on(1)(FRAME_DATA, '', FLAG_PADDED)], 'FRAME_SIZE_ERROR'],
  ['padded HEADERS without octets', [on(1)(FRAME_HEADERS, '', 0xc)], 'FRAME_SIZE_ERROR'],
  ['HEADERS without their priority', [on(1)(FRAME_HEADERS, '1234', 0x24)], 'FRAME_SIZE_ERROR'],
  [
    'padded HEADERS without their priority',
    [on(1)(FRAME_HEADERS, '\x0012345'.slice(0, 5), 0x2c)],
    'FRAME_SIZE_ERROR',
  ],
  ['DATA padded by its length', [on(1)(FRAME_DATA, '\x04abc', 8)], 'PROTOCOL_ERROR'],
  ['DATA padded by more', [on(1)(FRAME_DATA, '\xffabc', 8)], 'PROTOCOL_ERROR'],
  ['HEADERS padded by their length', [on(1)(FRAME_HEADERS, '\x04abc', 0xc)], 'PROTOCOL_ERROR'],
  [
    'HEADERS padded into their priority',
    [on(1)(FRAME_HEADERS, '\x01\0\0\0\x03\0', 0x2c)],
    'PROTOCOL_ERROR',
  ],
  ['CONTINUATION first', [on(1)(FRAME_CONTINUATION, 'a', 4)], 'PROTOCOL_ERROR'],
  [
    'CONTINUATION behind a whole block',
    [on(1)(FRAME_HEADERS, 'a', ENDS), on(1)(FRAME_CONTINUATION, 'a', 4)],
    'PROTOCOL_ERROR',
  ],
  ['CONTINUATION of another stream', [open(), on(3)(FRAME_CONTINUATION, 'a', 4)], 'PROTOCOL_ERROR'],
  ['DATA within a block', [open(), on(1)(FRAME_DATA, 'a')], 'PROTOCOL_ERROR'],
  ['HEADERS within a block', [open(), on(1)(FRAME_HEADERS, 'a', ENDS)], 'PROTOCOL_ERROR'],
  ['PRIORITY within a block', [open(), on(1)(FRAME_PRIORITY, '12345')], 'PROTOCOL_ERROR'],
  ['RST_STREAM within a block', [open(), on(1)(FRAME_RST_STREAM, '1234')], 'PROTOCOL_ERROR'],
  ['SETTINGS within a block', [open(), on(0)(FRAME_SETTINGS)], 'PROTOCOL_ERROR'],
  ['PUSH_PROMISE within a block', [open(), on(1)(FRAME_PUSH_PROMISE, 'abcd', 4)], 'PROTOCOL_ERROR'],
  ['PING within a block', [open(), on(0)(FRAME_PING, '12345678')], 'PROTOCOL_ERROR'],
  ['GOAWAY within a block', [open(), on(0)(FRAME_GOAWAY, '12345678')], 'PROTOCOL_ERROR'],
  [
    'WINDOW_UPDATE within a block',
    [open(), on(1)(FRAME_WINDOW_UPDATE, '\0\0\0\x01')],
    'PROTOCOL_ERROR',
  ],
  ['an unknown frame within a block', [open(), on(1)(0xbb, 'a')], 'PROTOCOL_ERROR'],
  [
    'empty CONTINUATION frames that end nothing',
    [open(), on(1)(FRAME_CONTINUATION), on(1)(FRAME_CONTINUATION), on(1)(FRAME_CONTINUATION)],
    'ENHANCE_YOUR_CALM continuation',
  ],
  [
    'a flood of small CONTINUATION frames',
    [open(), ...Array.from({ length: 33 }, () => on(1)(FRAME_CONTINUATION, 'a'))],
    'ENHANCE_YOUR_CALM continuation',
  ],
];

for (const [what, frames, code] of FAULTS) {
  test(`FrameReader stops at ${what}`, () => {
    const after = frameBytes(FRAME_PING, 0, 0, 'theother');
    const lines = linesOf(...frames, after);
    assert.equal(lines.at(-1), `fault ${code}`);
    assert(lines.length <= 2, lines.join('\n'));
  });
}

for (const type of [...Array.from({ length: 10 }, (_, i) => i), 0xee]) {
  test(`FrameReader stops at a frame of type ${type} above the size, before its payload`, () => {
    const frames = new RecordedFrames();
    const header = Buffer.alloc(9);
    header.writeUIntBE(FRAME_BYTES_DEFAULT + 1, 0, 3);
    header[3] = type;
    header[8] = [4, 6, 7].includes(type) ? 0 : 1;
    frames.reader.read(Buffer.concat([SETTINGS, header]), 0, SETTINGS.length + header.length);
    assert.deepEqual(frames.lines, ['settings ', 'fault FRAME_SIZE_ERROR']);
    assert(frames.reader.stopped);
  });
}

test('FrameReader refuses a first frame that is not SETTINGS', () => {
  const http1 = Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n');
  const others = [
    frameBytes(FRAME_PING, 0, 0, '12345678'),
    frameBytes(FRAME_SETTINGS, FLAG_ACK, 0),
    frameBytes(FRAME_GOAWAY, 0, 0, '12345678'),
    frameBytes(0x20, 0, 0, 'unknown'),
    http1,
  ];
  for (const bytes of others) {
    const frames = recorded(bytes, everyStop(bytes.length));
    assert.deepEqual(frames.lines, ['fault PROTOCOL_ERROR']);
    assert.deepEqual(frames.sentences, ['The first frame was not SETTINGS.']);
  }
});

test('FrameReader stops at PUSH_PROMISE', () => {
  const after = frameBytes(FRAME_PING, 0, 0, 'theother');
  assert.deepEqual(linesOf(on(3)(FRAME_PUSH_PROMISE, '\0\0\0\x02abc', 4), after), ['push 3']);
});

test('FrameReader refuses a field block of more octets than are worth decoding', () => {
  const part = frameBytes(FRAME_CONTINUATION, 0, 1, long(FRAME_BYTES_DEFAULT));
  const parts = Math.ceil((4 * limits.headBytesMax) / FRAME_BYTES_DEFAULT);
  const fitting = [open(''), ...Array.from({ length: parts }, () => part)];
  const last = frameBytes(FRAME_CONTINUATION, FLAG_END_HEADERS, 1);
  const whole = recorded(Buffer.concat([SETTINGS, ...fitting, last]), []);
  assert.equal(whole.lines[1], `headers 1 "${long(parts * FRAME_BYTES_DEFAULT)}"`);
  const more = frameBytes(FRAME_CONTINUATION, FLAG_END_HEADERS, 1, 'x');
  const above = recorded(Buffer.concat([SETTINGS, ...fitting, more]), []);
  assert.deepEqual(above.lines.slice(1), ['fault ENHANCE_YOUR_CALM head-size']);
});

test('FrameReader tells of every frame before it tells what is in it', () => {
  const frames = new RecordedFrames(true);
  const bytes = Buffer.concat([
    SETTINGS,
    frameBytes(0xab, 7, 9, 'four'),
    open('ab'),
    frameBytes(FRAME_CONTINUATION, FLAG_END_HEADERS, 1, 'c'),
    frameBytes(FRAME_DATA, FLAG_PADDED, 1, '\x01ab\0'),
    frameBytes(FRAME_PING, 0, 7, '12345678'),
  ]);
  frames.reader.read(bytes, 0, bytes.length);
  assert.deepEqual(frames.lines, [
    'frame 4 0 0',
    'settings ',
    'frame 171 4 7',
    'frame 1 2 0',
    'frame 9 1 4',
    'headers 1 "abc"',
    'frame 0 4 8',
    'data 1 "ab" flow 4',
    'frame 6 8 0',
    'fault PROTOCOL_ERROR',
  ]);
});

test('FrameReader reads nothing after an event that stopped it', () => {
  const bytes = Buffer.concat([
    SETTINGS,
    frameBytes(FRAME_DATA, FLAG_PADDED, 1, '\x01ab\0'),
    frameBytes(FRAME_HEADERS, ENDS | FLAG_PRIORITY, 3, '\0\0\0\x03\0block'),
    frameBytes(FRAME_PRIORITY, 0, 3, '1'),
    open('ab'),
    frameBytes(FRAME_CONTINUATION, FLAG_END_HEADERS, 1, 'c'),
    frameBytes(FRAME_GOAWAY, 0, 0, '12345678'),
  ]);
  for (const withFrames of [false, true]) {
    const all = new RecordedFrames(withFrames);
    all.reader.read(bytes, 0, bytes.length);
    assert(all.lines.length > 6);
    for (let count = 1; count <= all.lines.length; count++) {
      const stopped = new RecordedFrames(withFrames);
      stopped.stopAfter = count;
      for (let at = 0; at < bytes.length; at++) stopped.reader.read(bytes, at, at + 1);
      assert.deepEqual(stopped.lines, all.lines.slice(0, count));
      const whole = new RecordedFrames(withFrames);
      whole.stopAfter = count;
      whole.reader.read(bytes, 0, bytes.length);
      assert.deepEqual(whole.lines, all.lines.slice(0, count));
    }
  }
});

test('FrameReader hands DATA on as it comes, and its padding with what follows', () => {
  const frames = new RecordedFrames();
  const seen: string[] = [];
  frames.onData = (_stream, bytes, start, end, flowBytes, endStream) =>
    void seen.push(`${bytes.toString('latin1', start, end)} ${flowBytes} ${endStream}`);
  const flags = FLAG_PADDED | FLAG_END_STREAM;
  const bytes = Buffer.concat([SETTINGS, frameBytes(FRAME_DATA, flags, 1, '\x03abcd\0\0\0')]);
  const stops = [19, 21, 24, 25, 26];
  stops.reduce((from, stop) => {
    frames.reader.read(bytes, from, stop);
    return stop;
  }, 0);
  assert.deepEqual(seen, ['ab 3 false', 'cd 3 false', ' 2 true'].slice(0, seen.length));
  assert.equal(seen.length, 3);
});

test('FrameReader says whether it stands within a frame or a block', () => {
  const frames = new RecordedFrames();
  const bytes = Buffer.concat([
    SETTINGS,
    frameBytes(FRAME_DATA, FLAG_PADDED, 1, '\x01ab\0'),
    frameBytes(0xee, 0, 1, 'skip'),
    open('ab'),
    frameBytes(FRAME_CONTINUATION, FLAG_END_HEADERS, 1, 'c'),
  ]);
  const outside: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    if (!frames.reader.inFrame) outside.push(at);
    frames.reader.read(bytes, at, at + 1);
  }
  assert.equal(frames.reader.inFrame, false);
  assert.deepEqual(outside, [0, 9, 22, 35]);
});
