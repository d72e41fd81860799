import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { MetricsPage } from '../../base/prometheus.ts';
import { readMetricsPage } from '../../test/support/metrics-page.ts';
import { GcCounts, shareGcCounts } from '../observe/gc-counts.ts';
import { addRuntime, heapOf } from './runtime-metrics.ts';

const pageOf = (...threads: Parameters<typeof addRuntime>[1]): Map<string, number> => {
  const page = new MetricsPage();
  addRuntime(page, threads);
  return new Map(readMetricsPage(page.toString()).flatMap(({ samples }) => [...samples]));
};

test('heapOf tells what a worker has allocated since it was asked last', async () => {
  const worker = new Worker('require("worker_threads").parentPort.on("message", () => {})', {
    eval: true,
  });
  await once(worker, 'online');
  const before = await heapOf(worker);
  const after = await heapOf(worker);
  assert.ok(before !== undefined && after !== undefined && before.total_allocated_bytes > 0);
  assert.ok(after.total_allocated_bytes >= before.total_allocated_bytes);
  await worker.terminate();
  assert.equal(await heapOf(worker), undefined, 'of a worker that has ended');
});

test('heapOf does not wait for a worker that does not answer', async () => {
  assert.equal(await heapOf({ getHeapStatistics: () => new Promise(() => undefined) }), undefined);
  assert.equal(await heapOf(undefined), undefined);
});

test('addRuntime leaves out the heap of a thread that does not tell, not its collections', () => {
  const gc = new GcCounts(shareGcCounts());
  gc.add('major', 0.25);
  const samples = pageOf({ thread: '0', heap: undefined, gc });
  assert.equal(samples.get('nodejs_gc_duration_seconds_sum{thread="0",kind="major"}'), 0.25);
  assert.equal(samples.get('nodejs_gc_duration_seconds_max{thread="0",kind="major"}'), 0.25);
  assert.equal(samples.get('nodejs_gc_duration_seconds_count{thread="0",kind="minor"}'), 0);
  assert.ok(![...samples.keys()].some((name) => name.startsWith('nodejs_heap')));
});
