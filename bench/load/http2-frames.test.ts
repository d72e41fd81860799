import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Http2Frames, type Http2FrameEvents } from './http2-frames.ts';

const frame = (type: number, flags: number, stream: number, payload = ''): string => {
  const length = payload.replaceAll(' ', '').length / 2;
  return [
    length.toString(16).padStart(6, '0'),
    type.toString(16).padStart(2, '0'),
    flags.toString(16).padStart(2, '0'),
    stream.toString(16).padStart(8, '0'),
    payload.replaceAll(' ', ''),
  ].join('');
};

/** Notes what it is told; DATA of one stream that follows itself is one. */
class Notes implements Http2FrameEvents {
  readonly lines: string[] = [];
  #data: { stream: number; length: number; flow: number; end: boolean } | undefined;

  #note(line: string): true {
    this.#flush();
    this.lines.push(line);
    return true;
  }
  #flush(): void {
    if (this.#data === undefined) return;
    const { end, flow, length, stream } = this.#data;
    this.lines.push(`data ${stream} ${length} ${flow} ${end}`);
    this.#data = undefined;
  }
  onHead(stream: number, block: Buffer, start: number, end: number, ends: boolean): boolean {
    return this.#note(`head ${stream} ${block.toString('hex', start, end)} ${ends}`);
  }
  onData(stream: number, length: number, flow: number, end: boolean): boolean {
    if (this.#data?.stream !== stream || this.#data.end) this.#flush();
    const { length: lengthBefore = 0, flow: flowBefore = 0 } = this.#data ?? {};
    this.#data = { stream, length: lengthBefore + length, flow: flowBefore + flow, end };
    return true;
  }
  onReset(stream: number, code: number): boolean {
    return this.#note(`reset ${stream} ${code}`);
  }
  onSettings(payload: Buffer, start: number, end: number): void {
    this.#note(`settings ${payload.toString('hex', start, end)}`);
  }
  onPing(payload: Buffer, start: number): void {
    this.#note(`ping ${payload.toString('hex', start, start + 8)}`);
  }
  onGoaway(last: number, code: number): void {
    this.#note(`goaway ${last} ${code}`);
  }
  onWindow(stream: number, increment: number): void {
    this.#note(`window ${stream} ${increment}`);
  }
  all(): readonly string[] {
    this.#flush();
    return this.lines;
  }
}

/** What a reader says of `hex` given in pieces that end at `cuts`; undefined when it refuses. */
function notesOf(hex: string, cuts: readonly number[] = []): readonly string[] | undefined {
  const bytes = Buffer.from(hex, 'hex');
  const notes = new Notes();
  const frames = new Http2Frames(notes);
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    // In a buffer that is used again, as the loop's is.
    const piece = Buffer.concat([bytes.subarray(from, cut), Buffer.alloc(9, 0xee)]);
    if (!frames.read(piece, cut - from)) return undefined;
    piece.fill(0xdd);
    from = cut;
  }
  return notes.all();
}

const SETTINGS = frame(4, 0, 0);
const GOOD: readonly (readonly [string, string, readonly string[]])[] = [
  ['settings', frame(4, 0, 0, '0003 00000064'), ['settings 000300000064']],
  ['an acknowledgement', SETTINGS + frame(4, 1, 0), ['settings ']],
  [
    'an answer',
    SETTINGS + frame(1, 4, 1, '88') + frame(0, 0, 1, '616263') + frame(0, 1, 1, '64'),
    ['settings ', 'head 1 88 false', 'data 1 4 4 true'],
  ],
  ['an answer without body', SETTINGS + frame(1, 5, 3, '88be'), ['settings ', 'head 3 88be true']],
  ['an empty DATA', SETTINGS + frame(0, 1, 5), ['settings ', 'data 5 0 0 true']],
  [
    'padding',
    SETTINGS + frame(1, 0xc, 1, '02 88 0000') + frame(0, 9, 1, '03 61 000000'),
    ['settings ', 'head 1 88 false', 'data 1 1 5 true'],
  ],
  [
    'priority',
    SETTINGS + frame(1, 0x2d, 1, '01 80000003 10 88 00') + frame(2, 0, 1, '0000000010'),
    ['settings ', 'head 1 88 true'],
  ],
  [
    'continuations',
    SETTINGS + frame(1, 1, 1, '88') + frame(9, 0, 1, '') + frame(9, 4, 1, 'be'),
    ['settings ', 'head 1 88be true'],
  ],
  [
    'all else',
    SETTINGS +
      frame(3, 0, 1, '00000008') +
      frame(6, 0, 0, '0102030405060708') +
      frame(6, 1, 0, '0102030405060708') +
      frame(7, 0, 0, '7fffffff 00000001 6162') +
      frame(8, 0, 0, '80000001') +
      frame(0x42, 0xff, 7, '00'),
    ['settings ', 'reset 1 8', 'ping 0102030405060708', 'goaway 2147483647 1', 'window 0 1'],
  ],
];

for (const [name, hex, lines] of GOOD) {
  test(`a frame reader reads ${name}, cut anywhere`, () => {
    assert.deepEqual(notesOf(hex), lines);
    const length = hex.length / 2;
    const each = Array.from({ length: length - 1 }, (_, i) => i + 1);
    for (const cut of each) assert.deepEqual(notesOf(hex, [cut]), lines, `cut at ${cut}`);
    assert.deepEqual(notesOf(hex, each), lines);
  });
}

const BAD: readonly (readonly [string, string])[] = [
  ['a first frame that is no SETTINGS', frame(6, 0, 0, '0102030405060708')],
  ['DATA first', frame(0, 0, 1, '00')],
  ['HTTP/1.1', Buffer.from('HTTP/1.1 400 Bad Request\r\n').toString('hex')],
  ['a frame that is too long', `${SETTINGS}004001010000000001`],
  ['more padding than payload', SETTINGS + frame(0, 8, 1, '02 61')],
  ['padding without its length', SETTINGS + frame(0, 8, 1, '')],
  ['a head padded beyond its end', SETTINGS + frame(1, 0xc, 1, '05 88')],
  ['a head on no stream', SETTINGS + frame(1, 4, 0, '88')],
  ['something amid a block', SETTINGS + frame(1, 0, 1, '88') + frame(0, 0, 1, '00')],
  ['another stream amid a block', SETTINGS + frame(1, 0, 1, '88') + frame(9, 4, 3, 'be')],
  ['CONTINUATION of nothing', SETTINGS + frame(9, 4, 1, '88')],
  ['a push', SETTINGS + frame(5, 4, 1, '00000002 82')],
  ['a cut reset', SETTINGS + frame(3, 0, 1, '000008')],
  ['a cut setting', frame(4, 0, 0, '0003')],
  ['an acknowledgement with settings', SETTINGS + frame(4, 1, 0, '000300000064')],
  ['a cut ping', SETTINGS + frame(6, 0, 0, '01')],
  ['a cut goaway', SETTINGS + frame(7, 0, 0, '00')],
  ['a cut window', SETTINGS + frame(8, 0, 0, '00')],
];

for (const [name, hex] of BAD) {
  test(`a frame reader refuses ${name}, cut anywhere`, () => {
    assert.equal(notesOf(hex), undefined);
    for (let cut = 1; cut < hex.length / 2; cut++) assert.equal(notesOf(hex, [cut]), undefined);
  });
}
