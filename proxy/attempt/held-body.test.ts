import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHead, requestHead } from '../../test/support/heads.ts';
import { HeardRequest, HeardResponse } from '../../test/support/sinks.ts';
import { limits } from '../limits.ts';
import { HeldBody } from './held-body.ts';

const newSink = (): HeardRequest =>
  new HeardRequest(new HeardResponse(), requestHead('PUT / HTTP/1.0\r\n\r\n'), 0);

function replayed(held: HeldBody): string[] {
  const sink = newSink();
  held.replayTo(sink);
  return sink.calls.slice(1);
}

test('HeldBody gives back what it was given, as often as it is asked', () => {
  const held = new HeldBody();
  const bytes = Buffer.from('..abcdef..');
  held.add(bytes, 2, 5);
  held.add(bytes, 5, 8);
  held.addTrailers(parseHead('trailers', 'T: 1\r\n\r\n'));
  bytes.fill(0);
  assert.equal(held.length, 6);
  for (const _ of [1, 2]) assert.deepEqual(replayed(held), ['data abcdef', 'trailers T=1']);
  held.clear();
  assert.equal(held.length, 0);
  assert.deepEqual(replayed(held), []);
});

test('HeldBody keeps a replay, a window and the read behind it, and no more', () => {
  const held = new HeldBody();
  const piece = Buffer.alloc(limits.readBytes, 'x');
  held.add(piece, 0, limits.replayBytesMax);
  held.add(piece, 0, limits.streamWindowBytes);
  held.add(piece, 0, limits.readBytes);
  assert.throws(() => held.add(piece, 0, 1), /without credit/);
});
