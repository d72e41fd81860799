import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { GrpcCallBench, HEAD, lastBlock, messageData } from '../../../test/support/grpc-memory.ts';
import { data, headers } from '../../../test/support/http2-wire.ts';
import { limits } from '../../limits.ts';

const FRAME_HEADER = 9;

const text = fc.oneof(
  fc.string({ maxLength: 10 }).filter((one) => one !== '!'),
  fc.integer({ min: 0, max: 200_000 }).map((length) => 'x'.repeat(length)),
);

const latin1 = (one: string): string => Buffer.from(one, 'latin1').toString('latin1');

test('GrpcCall takes and sends the same messages however frames and reads are cut', async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 16_384 }), { minLength: 1, maxLength: 8 });
  const reads = fc.array(fc.integer({ min: 1, max: limits.readBytes }), { minLength: 1 });
  const texts = fc.array(text, { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(texts, texts, sizes, reads, async (down, up, frames, cuts) => {
      let read = 0;
      const readBytes = (): number => cuts[read++ % cuts.length] ?? 1;
      const bench = await GrpcCallBench.start({ readBytes });
      for (const one of up) bench.write(latin1(one));
      const sent = Buffer.concat(up.map((one) => messageData(latin1(one)).subarray(FRAME_HEADER)));
      const stream = bench.peer.stream(1);
      bench.peer.send(headers(1, HEAD));
      const bytes = Buffer.concat(
        down.map((one) => messageData(latin1(one)).subarray(FRAME_HEADER)),
      );
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const allowed = Math.min(stream.credit, bench.peer.credit);
        assert.ok(allowed > 0, 'credit comes back');
        const size = Math.min(frames[i % frames.length] ?? 1, allowed, bytes.length - at);
        bench.peer.send(data(1, bytes.subarray(at, at + size)));
        at += size;
      }
      bench.peer.send(lastBlock(['grpc-status', '0']));
      assert.deepEqual(bench.messages, down.map(latin1));
      assert.equal(bench.events.at(-1), 'ended OK');
      const body = Buffer.concat(stream.body);
      assert.ok(body.equals(sent.subarray(0, body.length)));
      // The server gave no window but the first.
      assert.equal(body.length, Math.min(sent.length, 65_535));
      bench.finish();
    }),
    { numRuns: 60 },
  );
});
