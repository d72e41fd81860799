import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitraryRecording, recordingOf, sketchOf } from '../../test/support/recordings.ts';
import { diff } from '../diff.ts';
import { isPacked, pack, unpack } from './packed.ts';

test('unpack gives back what pack was given, through JSON', () => {
  fc.assert(
    fc.property(arbitraryRecording, (recording) => {
      const json: unknown = JSON.parse(JSON.stringify(pack(recording)));
      assert.ok(typeof json === 'object' && json !== null && isPacked(json));
      const again = unpack(json);
      assert.deepEqual(
        again.threads.map(({ root }) => sketchOf(root)),
        recording.threads.map(({ root }) => sketchOf(root)),
      );
      const { threads: _, ...rest } = again;
      const { threads: __, ...expected } = recording;
      assert.deepEqual(rest, expected);
    }),
  );
});

test('unpack gives back both weights of a comparison, to thousandths', () => {
  const a = recordingOf(['(root)', 0, ['a', 10], ['b', 1]]);
  const b = recordingOf(['(root)', 0, ['a', 31]], { requests: 30 });
  const again = unpack(pack(diff(a, b)));
  const weights = again.threads[0]?.root.children.map(({ before, frame, self }) => [
    frame.name,
    before,
    self,
  ]);
  assert.deepEqual(weights, [
    ['a', 1, 1.033],
    ['b', 0.1, 0],
  ]);
});

test('unpack keeps a time that is not known, and refuses a frame that is not there', () => {
  const packed = pack(recordingOf(['(root)', 1], { seconds: Number.NaN, requests: undefined }));
  assert.equal(packed.seconds, null);
  assert.ok(Number.isNaN(unpack(packed).seconds));
  const bad = { ...packed, threads: [{ name: 'x', root: [7] as const }] };
  assert.throws(() => unpack(bad), /no frame 7/);
});
