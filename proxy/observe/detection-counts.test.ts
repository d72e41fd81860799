import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DETECTION_COUNTS, DetectionCounter, sumDetections } from './detection-counts.ts';

const served = (): boolean => true;
const refused = (): boolean => false;

const newCounts = (): Float64Array => new Float64Array(DETECTION_COUNTS);

test('DetectionCounter counts by side and port, and threads are added up', () => {
  const threads = [newCounts(), newCounts()];
  new DetectionCounter(threads[0]!, 'inbound', 80, served).add('http1', 50, false);
  new DetectionCounter(threads[0]!, 'outbound', 80, served).add('tcp', 30_000, false);
  new DetectionCounter(threads[1]!, 'inbound', 80, served).add('tcp', 1_200_000, true);
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
  new DetectionCounter(counts, 'inbound', 80, served).add('http1', 1, false);
  new DetectionCounter(counts, 'inbound', 80, served).add('http2', 1, false);
  assert.deepEqual(
    sumDetections([counts]).map(({ results }) => results),
    [[1, 1, 0, 0]],
  );
});

test('DetectionCounter counts further ports of a side together', () => {
  const counts = newCounts();
  for (let port = 1; port <= 100; port++) {
    new DetectionCounter(counts, 'inbound', port, served).add('http1', 1, false);
  }
  new DetectionCounter(counts, 'outbound', 80, served).add('tcp', 1, false);
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
  new DetectionCounter(counts, 'inbound', 0, served).add('none', 1, false);
  for (let port = 1; port <= 62; port++) {
    new DetectionCounter(counts, 'inbound', port, served).add('http1', 1, false);
  }
  const sums = sumDetections([counts]);
  assert.deepEqual([sums.length, sums.at(-2)?.port, sums.at(-1)?.results], [63, 62, [0, 0, 0, 1]]);
});

test('DetectionCounter of a port that is served gets the row of one at which nobody was reached', () => {
  const counts = newCounts();
  const web = new DetectionCounter(counts, 'inbound', 80, served);
  web.add('http1', 1, false);
  const closed = new DetectionCounter(counts, 'inbound', 1_000, refused);
  closed.add('tcp', 2_000, true);
  for (let port = 1_001; port <= 1_200; port++) {
    new DetectionCounter(counts, 'inbound', port, refused).add('http1', 1_000, false);
  }
  const late = new DetectionCounter(counts, 'outbound', 80, served);
  late.add('tcp', 1, false);
  for (const counter of [web, late]) counter.add('http2', 1, false);
  const sums = sumDetections([counts]);
  const of = (direction: string, port: number): (typeof sums)[number] | undefined =>
    sums.find((one) => one.direction === direction && one.port === port);
  assert.deepEqual(of('inbound', 80)?.results, [1, 1, 0, 0]);
  assert.deepEqual(of('outbound', 80)?.results, [0, 1, 1, 0]);
  assert.equal(of('inbound', 1_000), undefined);
  const other = of('inbound', 0);
  assert.deepEqual([other?.results[2], other?.timeouts], [1, 1], 'nothing is lost');
  const all = sums.reduce((sum, { results }) => sum + results.reduce((a, b) => a + b), 0);
  assert.equal(all, 205);
  closed.add('http1', 1, false);
  closed.add('http1', 1, false);
  assert.deepEqual(
    sumDetections([counts]).find(({ port }) => port === 1_000)?.results,
    [2, 0, 0, 0],
    'it has a row again, and no count of another port',
  );
});

test('DetectionCounter keeps the row of a port that was reached, once a detection came after that', () => {
  const counts = newCounts();
  let reached = false;
  const counter = new DetectionCounter(counts, 'inbound', 80, () => reached);
  counter.add('http1', 1, false);
  reached = true;
  counter.add('none', 1, false);
  counter.add('http1', 1, false);
  reached = false;
  for (let port = 1_000; port < 1_100; port++) {
    new DetectionCounter(counts, 'inbound', port, refused).add('http1', 1, false);
  }
  assert.deepEqual(sumDetections([counts])[0]?.results, [2, 0, 0, 1]);
});
