import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frameBytes } from '../../../test/support/http2-wire.ts';
import { RecordedFrames } from '../../../test/support/recorded-frames.ts';
import { CANCEL, ENHANCE_YOUR_CALM } from './error-code.ts';
import {
  closeHeaders,
  headersBytes,
  writeFrameHeader,
  writeGoaway,
  writePing,
  writePingAck,
  writeReset,
  writeSettings,
  writeSettingsAck,
  writeWindowUpdate,
} from './frame-writer.ts';
import { FRAME_HEADER_BYTES } from './frame.ts';

const AT = 3;

/** What `write` put behind AT; it stays within. */
function written(write: (out: Buffer) => number): string {
  const out = Buffer.alloc(1_000, '?');
  const end = write(out);
  assert.equal(out.toString('latin1', 0, AT), '???');
  assert.equal(out[end], '?'.charCodeAt(0));
  return out.toString('hex', AT, end);
}

/** Frames, octet by octet. */
const FRAMES: readonly (readonly [what: string, write: (out: Buffer) => number, hex: string])[] = [
  [
    'a frame header',
    (out) => writeFrameHeader(out, AT, 0x123456, 0xab, 0xcd, 5),
    '123456abcd00000005',
  ],
  [
    'the largest frame header',
    (out) => writeFrameHeader(out, AT, 0xffffff, 0xff, 0xff, 0x7fff_ffff),
    'ffffffffff7fffffff',
  ],
  [
    'SETTINGS',
    (out) =>
      writeSettings(out, AT, [
        [4, 0xffff_ffff],
        [0x102, 3],
      ]),
    '00000c0400000000000004ffffffff010200000003',
  ],
  ['empty SETTINGS', (out) => writeSettings(out, AT, []), '000000040000000000'],
  ['an acknowledgement of SETTINGS', (out) => writeSettingsAck(out, AT), '000000040100000000'],
  [
    'PING',
    (out) => writePing(out, AT, Buffer.from('!12345678!'), 1),
    '0000080600000000003132333435363738',
  ],
  [
    'an answer to PING',
    (out) => writePingAck(out, AT, Buffer.from('!12345678!'), 1),
    '0000080601000000003132333435363738',
  ],
  [
    'GOAWAY',
    (out) => writeGoaway(out, AT, 0x7fff_ffff, ENHANCE_YOUR_CALM),
    '0000080700000000007fffffff0000000b',
  ],
  [
    'GOAWAY with a reason',
    (out) => writeGoaway(out, AT, 0, 0xffff_ffff, 'why'),
    '00000b07000000000000000000ffffffff776879',
  ],
  ['RST_STREAM', (out) => writeReset(out, AT, 5, CANCEL), '00000403000000000500000008'],
  [
    'WINDOW_UPDATE',
    (out) => writeWindowUpdate(out, AT, 0, 0x7fff_ffff),
    '0000040800000000007fffffff',
  ],
];

for (const [what, write, hex] of FRAMES) {
  test(`the frame writer writes ${what}`, () => assert.equal(written(write), hex));
}

test('the frame writer says how much room frames take', () => {
  const out = Buffer.alloc(1_000);
  assert.equal(writeReset(out, 0, 1, 0), 13);
  assert.equal(writeWindowUpdate(out, 0, 1, 1), 13);
  assert.equal(writePing(out, 0, out, 0), 17);
  assert.equal(writeGoaway(out, 0, 1, 0, 'x'.repeat(999)), 273);
});

/** Frames of a block as closeHeaders makes them, after what is before them in the buffer. */
function closed(block: Uint8Array, endStream: boolean, frameBytesMax: number): Buffer {
  const size = headersBytes(block.length, frameBytesMax);
  const out = Buffer.alloc(AT + size + 1, '?');
  out.set(block, AT + FRAME_HEADER_BYTES);
  assert.equal(closeHeaders(out, AT, block.length, 7, endStream, frameBytesMax), AT + size);
  assert.equal(out.toString('latin1', 0, AT), '???');
  assert.equal(out.at(-1), block.length < size ? '?'.charCodeAt(0) : 0);
  return out.subarray(AT, AT + size);
}

test('closeHeaders frames a short block as HEADERS', () => {
  for (const [endStream, flags] of [
    [false, 4],
    [true, 5],
  ] as const) {
    assert.deepEqual(closed(Buffer.from('block'), endStream, 5), frameBytes(1, flags, 7, 'block'));
    assert.deepEqual(closed(Buffer.alloc(0), endStream, 5), frameBytes(1, flags, 7));
  }
});

test('closeHeaders splits a long block into HEADERS and CONTINUATION', () => {
  const frames = [
    frameBytes(1, 1, 7, 'abcd'),
    frameBytes(9, 0, 7, 'efgh'),
    frameBytes(9, 4, 7, 'ij'),
  ];
  assert.deepEqual(closed(Buffer.from('abcdefghij'), true, 4), Buffer.concat(frames));
  const two = [frameBytes(1, 0, 7, 'abcde'), frameBytes(9, 4, 7, 'fghij')];
  assert.deepEqual(closed(Buffer.from('abcdefghij'), false, 5), Buffer.concat(two));
});

test('a block that closeHeaders framed is read as it was', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 10, max: 100 }),
      fc.boolean(),
      (block, frameBytesMax, endStream) => {
        const frames = new RecordedFrames();
        const bytes = Buffer.concat([frameBytes(4, 0, 0), closed(block, endStream, frameBytesMax)]);
        frames.reader.read(bytes, 0, bytes.length);
        const text = JSON.stringify(Buffer.from(block).toString('latin1'));
        assert.deepEqual(frames.lines, [
          'settings ',
          `headers 7 ${text}${endStream ? ' end' : ''}`,
        ]);
      },
    ),
  );
});

test('what the frame writer writes, FrameReader reads', () => {
  const out = Buffer.alloc(1_000);
  let end = writeSettings(out, 0, [[1, 2]]);
  end = writeSettingsAck(out, end);
  end = writePing(out, end, Buffer.from('12345678'), 0);
  end = writePingAck(out, end, Buffer.from('abcdefgh'), 0);
  end = writeWindowUpdate(out, end, 3, 0x7fff_ffff);
  end = writeReset(out, end, 3, CANCEL);
  end = writeFrameHeader(out, end, 2, 0, 1, 5);
  end += out.write('ab', end);
  end = writeGoaway(out, end, 5, 0, 'bye');
  const frames = new RecordedFrames();
  frames.reader.read(out, 0, end);
  assert.deepEqual(frames.lines, [
    'settings 000100000002',
    'settings ack',
    'ping 12345678',
    'ping ack abcdefgh',
    'window 3 2147483647',
    'reset 3 CANCEL',
    'data 5 "ab" flow 2 end',
    'goaway 5 NO_ERROR "bye"',
  ]);
});
