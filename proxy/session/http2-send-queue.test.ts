import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SendQueue } from './http2-send-queue.ts';
import { Http2Stream, type StreamEvents } from './http2-stream.ts';

const NOBODY: StreamEvents = {
  streamData() {},
  streamTrailers() {},
  streamEnd() {},
  streamReset() {},
  streamFault() {},
  streamLost() {},
  streamSent() {},
  streamStalled() {},
  streamForgotten() {},
};
const IDS = [1, 3, 5, 7, 9] as const;

function begun(id: number): Http2Stream {
  const stream = new Http2Stream(NOBODY);
  stream.begin(id, 0, 0);
  return stream;
}

test('SendQueue gives streams in turn, each once, and lets go of those that leave', () => {
  const act = fc.record({
    what: fc.constantFrom('push', 'shift', 'remove'),
    which: fc.nat(IDS.length - 1),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const queue = new SendQueue();
      const streams = IDS.map((id) => begun(id));
      let model: number[] = [];
      for (const { what, which } of acts) {
        const stream = streams[which];
        assert(stream !== undefined);
        if (what === 'push') {
          queue.push(stream);
          if (!model.includes(stream.id)) model.push(stream.id);
        } else if (what === 'shift') assert.equal(queue.shift()?.id, model.shift());
        else {
          queue.remove(stream);
          model = model.filter((id) => id !== stream.id);
        }
        assert.equal(queue.empty, model.length === 0);
        for (const { id, next, previous, queued } of streams) {
          assert.equal(queued, model.includes(id));
          if (!queued) assert.deepEqual([next, previous], [undefined, undefined]);
        }
      }
    }),
  );
});
