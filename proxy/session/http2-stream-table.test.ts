import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StreamTable } from './http2-stream-table.ts';
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

function begun(id: number): Http2Stream {
  const stream = new Http2Stream(NOBODY);
  stream.begin(id, 0, 0);
  return stream;
}

test('Http2Stream that was used begins as a new one does', () => {
  const used = begun(1);
  Object.assign(used, {
    owed: 1,
    headSeen: true,
    remoteEnded: true,
    localEnded: true,
    over: true,
    remaining: 3,
    ending: true,
    resetBehindEnd: 8,
    carriesHttp1: true,
    bodyFollows: true,
    tunnels: true,
    moved: false,
  });
  assert.equal(used.endedInOrder, true);
  used.begin(3, 0, 0);
  assert.deepEqual(used, begun(3));
});

/** Close together, and far apart: all of one chain. */
const id = fc.oneof(
  fc.nat(40).map((n) => 2 * n + 1),
  fc.nat(6).map((n) => 2 ** 20 * n + 1),
);

test('StreamTable has what a Map of the same streams has', () => {
  const act = fc.tuple(fc.constantFrom('add', 'add', 'delete', 'clear'), id);
  fc.assert(
    fc.property(fc.array(act, { maxLength: 120 }), (acts) => {
      const table = new StreamTable();
      const model = new Map<number, Http2Stream>();
      for (const [what, which] of acts) {
        const known = model.get(which);
        if (what === 'add' && known === undefined) {
          const stream = begun(which);
          table.add(stream);
          model.set(which, stream);
        } else if (what === 'delete') {
          table.delete(known ?? begun(which));
          model.delete(which);
          if (known !== undefined) assert.equal(known.chained, undefined);
        } else if (what === 'clear' && which < 8) {
          table.clear();
          for (const stream of model.values()) assert.equal(stream.chained, undefined);
          model.clear();
        }
        assert.equal(table.size, model.size);
        for (const each of [which, which + 2, 1]) {
          assert.equal(table.get(each), model.get(each));
          assert.equal(table.has(each), model.has(each));
        }
      }
      const oldestFirst = [...model.values()].toSorted((a, b) => a.id - b.id);
      assert.deepEqual([...table.values()], oldestFirst);
    }),
  );
});

test('a walk over a StreamTable passes over what has left, and what came meanwhile', () => {
  const table = new StreamTable();
  const streams = [1, 3, 5, 7].map(begun);
  for (const stream of streams) table.add(stream);
  const seen: number[] = [];
  for (const stream of table.values()) {
    seen.push(stream.id);
    const other = streams[2];
    if (stream.id !== 1 || other === undefined) continue;
    // The same object, as another stream.
    table.delete(other);
    other.begin(9, 0, 0);
    table.add(other);
  }
  assert.deepEqual(seen, [1, 3, 7]);
});
