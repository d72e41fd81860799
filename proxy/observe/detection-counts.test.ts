import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DETECTION_COUNTS, DetectionCounter, sumDetections } from './detection-counts.ts';

const newCounts = (): Float64Array => new Float64Array(DETECTION_COUNTS);

test('DetectionCounter counts by side and port, and threads are added up', () => {
  const threads = [newCounts(), newCounts()];
  new DetectionCounter(threads[0]!, 'inbound', 80).add('http1', 50, false);
  new DetectionCounter(threads[0]!, 'outbound', 80).add('tcp', 30_000, false);
  new DetectionCounter(threads[1]!, 'inbound', 80).add('tcp', 1_200_000, true);
  const [first, second, ...more] = sumDetections(threads);
  assert.deepEqual(first, {
    direction: 'inbound',
    port: 80,
    results: [1, 0, 1, 0],
    timeouts: 1,
    sumMs: 1_200.05,
    buckets: [1, 0, 0, 0, 0, 0, 0, 1, 0],
  });
  assert.deepEqual([second?.direction, second?.results], ['outbound', [0, 0, 1, 0]]);
  assert.deepEqual(more, []);
});

test('DetectionCounter of a thread that starts again goes on where it was', () => {
  const counts = newCounts();
  new DetectionCounter(counts, 'inbound', 80).add('http1', 1, false);
  new DetectionCounter(counts, 'inbound', 80).add('http2', 1, false);
  assert.deepEqual(
    sumDetections([counts]).map(({ results }) => results),
    [[1, 1, 0, 0]],
  );
});

test('DetectionCounter counts further ports of a side together', () => {
  const counts = newCounts();
  for (let port = 1; port <= 100; port++) {
    new DetectionCounter(counts, 'inbound', port).add('http1', 1, false);
  }
  new DetectionCounter(counts, 'outbound', 80).add('tcp', 1, false);
  const sums = sumDetections([counts]);
  assert.equal(sums.length, 64);
  assert.deepEqual(
    sums.slice(-2).map(({ direction, port, results }) => [direction, port, results]),
    [
      ['inbound', 0, [38, 0, 0, 0]],
      ['outbound', 0, [0, 0, 1, 0]],
    ],
  );
});

test('DetectionCounter counts what leads nowhere with the further ports', () => {
  const counts = newCounts();
  new DetectionCounter(counts, 'inbound', 0).add('none', 1, false);
  for (let port = 1; port <= 62; port++) {
    new DetectionCounter(counts, 'inbound', port).add('http1', 1, false);
  }
  const sums = sumDetections([counts]);
  assert.deepEqual([sums.length, sums.at(-2)?.port, sums.at(-1)?.results], [63, 62, [0, 0, 0, 1]]);
});
