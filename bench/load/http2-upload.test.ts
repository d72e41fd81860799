import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NativeBytes } from './libc.ts';
import { Http2Output } from './http2-output.ts';
import { Http2Upload, type UploadingStream } from './http2-upload.ts';

const skip = process.platform === 'linux' ? false : 'bytes of the generator need Linux';

/** An upload whose frames are taken off the wire, in hex: stream, flags, payload. */
function upload() {
  const written: Buffer[] = [];
  const wire = {
    write: ({ bytes }: NativeBytes, length: number): boolean => {
      written.push(Buffer.from(bytes.subarray(0, length)));
      return true;
    },
  };
  const output = new Http2Output(wire);
  const sent: number[] = [];
  const one = new Http2Upload<UploadingStream>(output, ({ id }) => sent.push(id));
  const frames = (): string[] => {
    one.pump();
    output.flush();
    const found: string[] = [];
    for (let bytes = Buffer.concat(written.splice(0)); bytes.length > 0;) {
      const end = 9 + bytes.readUIntBE(0, 3);
      assert.equal(bytes[3], 0);
      found.push(`${bytes.readUInt32BE(5)} ${bytes[4]} ${bytes.toString('hex', 9, end)}`);
      bytes = bytes.subarray(end);
    }
    return found;
  };
  return { one, frames, sent };
}

const message = (changes: Partial<UploadingStream> = {}): UploadingStream => ({
  id: 1,
  unsentBytes: 8,
  windowBytes: 100,
  messageBytes: 8,
  ends: false,
  ...changes,
});

test('an upload sends each message in a frame, with its length before it', { skip }, () => {
  const { frames, one, sent } = upload();
  one.add(message({ unsentBytes: 16, ends: true }));
  assert.deepEqual(frames(), ['1 0 0000000003787878', '1 1 0000000003787878']);
  assert.deepEqual(sent, [1]);
  one.add(message({ messageBytes: 5 + 300, unsentBytes: 5 + 300, windowBytes: 6 }));
  assert.deepEqual(frames(), ['1 0 000000012c78']);
});

test('an upload goes on amid a message, and its prefix, when windows open', { skip }, () => {
  const { frames, one, sent } = upload();
  const stream = message({ windowBytes: 2 });
  one.add(stream);
  assert.deepEqual(frames(), ['1 0 0000']);
  assert.deepEqual(frames(), []);
  stream.windowBytes = 4;
  assert.deepEqual(frames(), ['1 0 00000378']);
  assert.deepEqual(sent, []);
  stream.windowBytes = 100;
  one.windowBytes = 1;
  assert.deepEqual(frames(), ['1 0 78']);
  one.windowBytes = 100;
  assert.deepEqual(frames(), ['1 0 78']);
  assert.deepEqual(sent, [1]);
  assert.equal(one.underWay, false);
});

test('uploads take turns, frame by frame', { skip }, () => {
  const { frames, one, sent } = upload();
  one.add(message({ unsentBytes: 16 }));
  one.add(message({ id: 3, messageBytes: 0, unsentBytes: 4, ends: true }));
  assert.deepEqual(frames(), ['1 0 0000000003787878', '3 1 78787878', '1 0 0000000003787878']);
  assert.deepEqual(sent, [3, 1]);
});
