import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frameBytes } from '../../../test/support/http2-wire.ts';
import { RecordedFrames } from '../../../test/support/recorded-frames.ts';

const SETTINGS = frameBytes(4, 0, 0);

/** Any frame, most of them nearly right. */
const anyFrame = fc
  .record({
    type: fc.integer({ min: 0, max: 11 }),
    flags: fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 0x20, 0x2c), fc.nat(255)),
    stream: fc.oneof(fc.constantFrom(0, 1, 3), fc.nat(0xffff_ffff)),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.uint8Array({ minLength: 4, maxLength: 8 }),
      fc.uint8Array({ maxLength: 300 }),
    ),
  })
  .map(({ type, flags, stream, payload }) => frameBytes(type, flags, stream, payload));

function linesOf(bytes: Buffer, sizes: readonly number[]): string[] {
  const frames = new RecordedFrames(true);
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const end = Math.min(bytes.length, at + (sizes[i % Math.max(1, sizes.length)] ?? bytes.length));
    const lent = Buffer.from(bytes.subarray(at, end));
    frames.reader.read(lent, 0, lent.length);
    lent.fill(0xff);
    at = end;
  }
  return frames.lines;
}

const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 });

test('FrameReader tells the same however frames are cut', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 20 }), cuts, (frames, sizes) => {
      const bytes = Buffer.concat([SETTINGS, ...frames]);
      assert.deepEqual(linesOf(bytes, sizes), linesOf(bytes, []));
    }),
    { numRuns: 500 },
  );
});

test('FrameReader takes garbage without throwing, and tells the same of it however it is cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), cuts, (garbage, sizes) => {
      const bytes = Buffer.concat([SETTINGS, garbage]);
      assert.deepEqual(linesOf(bytes, sizes), linesOf(bytes, []));
    }),
    { numRuns: 500 },
  );
});
