import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ChunkedDecoder } from './chunked.ts';

const EXTENSION_BYTES_MAX = 40;

interface Decoded {
  readonly body: string;
  readonly outcome: 'done' | 'invalid' | 'more';
  /** Bytes accepted, data included: where the trailers, or the fault, begin. */
  readonly consumed: number;
}

/** Decodes `text` in pieces that end at each of `stops`. */
function decode(text: string, stops: Iterable<number>): Decoded {
  const bytes = Buffer.from(text, 'latin1');
  const decoder = new ChunkedDecoder(EXTENSION_BYTES_MAX);
  decoder.start();
  let body = '';
  let at = 0;
  for (const stop of stops) {
    while (at < stop) {
      at = decoder.framing(bytes, at, stop);
      if (decoder.invalid) return { body, outcome: 'invalid', consumed: at };
      if (decoder.done) return { body, outcome: 'done', consumed: at };
      const size = Math.min(stop - at, decoder.remaining);
      if (at === stop) break;
      body += bytes.toString('latin1', at, at + size);
      decoder.took(size);
      at += size;
    }
  }
  return { body, outcome: 'more', consumed: at };
}

const everyStop = (length: number): number[] => Array.from({ length }, (_, i) => i + 1);

/** However the input is cut, the outcome is the same. */
function decodeEveryWay(text: string): Decoded {
  const whole = decode(text, [text.length]);
  assert.deepEqual(decode(text, everyStop(text.length)), whole, 'byte by byte');
  for (const cut of everyStop(text.length)) {
    assert.deepEqual(decode(text, [cut, text.length]), whole, `cut at ${cut}`);
  }
  return whole;
}

const VALID: readonly (readonly [text: string, body: string])[] = [
  ['0\r\n', ''],
  ['000\r\n', ''],
  ['5\r\nhello\r\n0\r\n', 'hello'],
  ['a\r\n0123456789\r\n1\r\nx\r\n0\r\n', '0123456789x'],
  ['A\r\n0123456789\r\n0\r\n', '0123456789'],
  ['0000000000001\r\nx\r\n0\r\n', 'x'],
  ['2\r\n\r\n\r\n0\r\n', '\r\n'],
  ['5;a\r\nhello\r\n0;b=c\r\n', 'hello'],
  ['5;a=b;c="d e\\"\\\\;\\x";f\r\nhello\r\n0\r\n', 'hello'],
  ['5 ;a\r\nhello\r\n0\t ;b\r\n', 'hello'],
  ['5; a = b ; c\r\nhello\r\n0\r\n', 'hello'],
  ['5;a=""\r\nhello\r\n0\r\n', 'hello'],
];

for (const [text, body] of VALID) {
  test(`ChunkedDecoder reads ${JSON.stringify(text)}`, () => {
    const decoded = decodeEveryWay(`${text}A: trailer`);
    assert.deepEqual(decoded, { body, outcome: 'done', consumed: text.length });
  });
}

/** Input, and where its fault is. */
const INVALID: readonly (readonly [text: string, fault: number])[] = [
  ['\r\n', 0],
  ['\n', 0],
  ['g\r\n', 0],
  [' 5\r\n', 0],
  ['-1\r\n', 0],
  ['+1\r\n', 0],
  [';a\r\n', 0],
  ['0x5\r\n', 1],
  ['5\nhello', 1],
  ['5\r\rhello', 2],
  ['5\rhello', 2],
  ['5g\r\n', 1],
  ['00000000000001\r\nx', 13],
  ['fffffffffffffff\r\n', 13],
  ['1\r\nxy', 4],
  ['1\r\nx\n', 4],
  ['1\r\nx\r\r', 5],
  ['1\r\nx\r\n\r\n', 6],
  ['5 \r\nhello', 2],
  ['5 x\r\n', 2],
  ['5;\r\n', 2],
  ['5;;a\r\n', 2],
  ['5;a\nb\r\n', 3],
  ['5;a=\r\n', 4],
  ['5;a="b\r\n', 6],
  ['5;a="b\n"\r\n', 6],
  ['5;a="\\\n"\r\n', 6],
  ['5;a="b"c\r\n', 7],
  ['5;a b\r\n', 4],
  ['5;a=b c\r\n', 6],
  ['5;a\x00\r\n', 3],
  ['5;(\r\n', 2],
];

for (const [text, fault] of INVALID) {
  test(`ChunkedDecoder stops at the fault in ${JSON.stringify(text)}`, () => {
    const decoded = decodeEveryWay(text);
    assert.deepEqual([decoded.outcome, decoded.consumed], ['invalid', fault]);
  });
}

test('ChunkedDecoder bounds the extensions of all chunks together', () => {
  const extension = `;${'a'.repeat(EXTENSION_BYTES_MAX / 2 - 2)}`;
  const chunk = `1${extension}\r\nx\r\n`;
  assert.equal(decodeEveryWay(`${chunk}${chunk}0\r\n`).outcome, 'done');
  assert.equal(decodeEveryWay(`${chunk}${chunk}0;a\r\n`).outcome, 'done');
  assert.equal(decodeEveryWay(`${chunk}${chunk}0;abcd\r\n`).outcome, 'invalid');
});

test('ChunkedDecoder starts anew after a body and after a fault', () => {
  const decoder = new ChunkedDecoder(EXTENSION_BYTES_MAX);
  for (const text of ['1;a\r\n', '7', '0\r\n', 'bad', '1\r']) {
    decoder.start();
    assert.deepEqual([decoder.done, decoder.invalid, decoder.remaining], [false, false, 0]);
    decoder.framing(Buffer.from(text, 'latin1'), 0, text.length);
  }
});

test('ChunkedDecoder counts sizes to 2^52 exactly', () => {
  const decoder = new ChunkedDecoder(EXTENSION_BYTES_MAX);
  decoder.start();
  decoder.framing(Buffer.from('fffffffffffff\r\n', 'latin1'), 0, 15);
  assert.equal(decoder.remaining, 2 ** 52 - 1);
});

const token = fc.string({
  unit: fc.constantFrom('a', 'B', '1', '-', '!', '~'),
  minLength: 1,
  maxLength: 4,
});
const quoted = fc
  .array(fc.constantFrom('a', ' ', ';', '=', '\\"', '\\\\', '\t', '\xff'), { maxLength: 4 })
  .map((parts) => `"${parts.join('')}"`);
const extension = fc
  .tuple(
    token,
    fc.oneof(
      fc.constant(''),
      token.map((v) => `=${v}`),
      quoted.map((v) => `=${v}`),
    ),
  )
  .map(([name, value]) => `;${name}${value}`);
const chunk = fc.record({
  body: fc.string({
    unit: fc.constantFrom('x', '\r', '\n', '0', ';'),
    minLength: 1,
    maxLength: 40,
  }),
  extension: fc.oneof(fc.constant(''), extension),
  zeros: fc.nat(2),
  upper: fc.boolean(),
});

test('ChunkedDecoder gives back random chunks with extensions, at random cuts', () => {
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 4 }), fc.array(fc.nat(200)), (chunks, cuts) => {
      const extensions = chunks.map((each) => each.extension).join('');
      fc.pre(extensions.length <= EXTENSION_BYTES_MAX - chunks.length);
      const text = chunks
        .map(({ body, extension, zeros, upper }) => {
          const size = '0'.repeat(zeros) + body.length.toString(16);
          return `${upper ? size.toUpperCase() : size}${extension}\r\n${body}\r\n`;
        })
        .join('');
      const wire = `${text}0\r\n`;
      const stops = cuts.filter((cut) => cut < wire.length).toSorted((a, b) => a - b);
      assert.deepEqual(decode(wire, [...stops, wire.length]), {
        body: chunks.map(({ body }) => body).join(''),
        outcome: 'done',
        consumed: wire.length,
      });
    }),
  );
});

test('ChunkedDecoder hands on nothing at or after a fault, whatever the bytes', () => {
  const bytes = fc.string({
    unit: fc.constantFrom('1', '2', 'a', '\r', '\n', ';', '"', '0', ' '),
    maxLength: 30,
  });
  fc.assert(
    fc.property(bytes, (text) => {
      const { outcome, consumed } = decodeEveryWay(text);
      if (outcome !== 'invalid') return;
      // What was accepted is the beginning of something valid: more could still come.
      assert.equal(decode(text.slice(0, consumed), [consumed]).outcome, 'more');
    }),
    { numRuns: 500 },
  );
});
