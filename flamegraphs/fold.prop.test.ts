import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { arbitraryRecording, recordingOf } from '../test/support/recordings.ts';
import { totalOf } from './call-tree.ts';
import { diff } from './diff.ts';
import { fold } from './fold.ts';

test('fold writes every weight once', () => {
  fc.assert(
    fc.property(arbitraryRecording, (recording) => {
      const lines = fold(recording).split('\n').slice(0, -1);
      const stacks = lines.map((line) => line.slice(0, line.lastIndexOf(' ')));
      assert.equal(new Set(stacks).size, stacks.length);
      const sum = lines.reduce((all, line) => all + Number(/ (\d+)$/.exec(line)?.[1]), 0);
      assert.equal(
        sum,
        recording.threads.reduce((all, { root }) => all + totalOf(root), 0),
      );
    }),
  );
});

test('fold writes a stack from the thread to the function', () => {
  const text = fold(recordingOf(['(root)', 0, ['a', 0, ['x;y', 12]], ['(idle)', 3]]));
  assert.equal(
    text,
    'data thread 0;a proxy/session/a.ts:7;x,y proxy/session/x,y.ts:7 12\ndata thread 0;(idle) 3\n',
  );
});

test('fold writes both weights of a comparison', () => {
  const a = recordingOf(['(root)', 0, ['a', 100]]);
  const b = recordingOf(['(root)', 0, ['a', 250]]);
  assert.equal(fold(diff(a, b)), 'data thread 0;a proxy/session/a.ts:7 10 25\n');
});
