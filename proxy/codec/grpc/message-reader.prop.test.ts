import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MessageReader, frameMessage } from './message-reader.ts';

const BYTES_MAX = 70_000;

const message = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc
    .tuple(fc.integer({ min: 0, max: BYTES_MAX }), fc.integer({ min: 0, max: 255 }))
    .map(([length, value]) => new Uint8Array(length).fill(value)),
);

const hex = (messages: readonly Uint8Array[]): string[] =>
  messages.map((one) => Buffer.from(one).toString('hex'));

test('MessageReader tells the same messages wherever the bytes are cut', () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 6 }), cuts, (messages, sizes) => {
      const bytes = Buffer.concat(messages.map(frameMessage));
      const told: Buffer[] = [];
      const reader = new MessageReader(BYTES_MAX, (from, start, end) =>
        told.push(Buffer.from(from.subarray(start, end))),
      );
      let at = 0;
      for (let i = 0; at < bytes.length; i++) {
        const end = Math.min(bytes.length, at + (sizes[i % sizes.length] ?? 1));
        // What was lent is not there any more after the call.
        const lent = Buffer.from(bytes.subarray(at, end));
        assert.equal(reader.read(lent, 0, lent.length), undefined);
        lent.fill(0xee);
        at = end;
      }
      assert.deepEqual(hex(told), hex(messages));
      assert.equal(reader.inMessage, false);
    }),
  );
});

test('MessageReader tells the same messages cut at each byte', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (messages) => {
      const bytes = Buffer.concat(messages.map(frameMessage));
      for (let cut = 0; cut <= bytes.length; cut++) {
        const told: Buffer[] = [];
        const reader = new MessageReader(BYTES_MAX, (from, start, end) =>
          told.push(Buffer.from(from.subarray(start, end))),
        );
        reader.read(bytes, 0, cut);
        reader.read(bytes, cut, bytes.length);
        assert.deepEqual(hex(told), hex(messages));
      }
    }),
  );
});
