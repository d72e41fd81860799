import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carriedBetween, parseSidecar } from './sidecar.ts';

const page = (allocated: number, pause: number, lag: number): string => `# HELP x y.
# TYPE nodejs_heap_allocated_bytes_total counter
nodejs_heap_allocated_bytes_total{thread="0"} ${allocated}
nodejs_heap_allocated_bytes_total{thread="1"} ${allocated * 2}
nodejs_heap_allocated_bytes_total{thread="main"} 7e6
nodejs_gc_duration_seconds_sum{thread="0",kind="minor"} ${pause}
nodejs_gc_duration_seconds_sum{kind="major",thread="0"} ${pause}
nodejs_gc_duration_seconds_count{thread="0",kind="minor"} 3
nodejs_gc_duration_seconds_max{thread="0",kind="minor"} ${lag / 1_000}
nodejs_gc_duration_seconds_max{thread="0",kind="major"} 0.001
nodejs_gc_duration_seconds_bucket{thread="0",kind="major",le="+Inf"} 3
nodejs_gc_duration_seconds_max{thread="1",kind="minor"} 0
nodejs_gc_duration_seconds_sum{thread="1",kind="minor"} 0
nodejs_gc_duration_seconds_count{thread="1",kind="minor"} 0
proxy_event_loop_lag_max_ms{thread="0"} ${lag}
proxy_event_loop_lag_max_ms{thread="1"} 1
request_total{direction="inbound"} 5
process_resident_memory_bytes 1
`;

test('parseSidecar sums kinds and knows threads', () => {
  const reading = parseSidecar(page(1_000, 0.25, 4));
  assert.deepEqual(reading.get('0'), {
    allocatedBytes: 1_000,
    gcPauses: 3,
    gcPauseMs: 500,
    gcPauseMsMax: 4,
    loopLagMsMax: 4,
  });
  assert.equal(reading.get('main')?.allocatedBytes, 7e6);
  assert.deepEqual([...reading.keys()], ['0', '1', 'main']);
});

test('carriedBetween counts data threads of all sidecars, and not main', () => {
  const before = [parseSidecar(page(1_000, 0.25, 4)), parseSidecar(page(0, 0, 0))];
  const after = [parseSidecar(page(3_000, 0.5, 9)), parseSidecar(page(10, 0, 2))];
  assert.deepEqual(carriedBetween(before, after), {
    allocatedBytes: 3 * 2_000 + 3 * 10,
    gcPauses: 0,
    gcPauseMs: 500,
    gcPauseMsMax: 9,
    loopLagMsMax: 9,
  });
});

test('carriedBetween says NaN for what a sidecar does not count', () => {
  const reading = [parseSidecar('proxy_event_loop_lag_max_ms{thread="0"} 2\n')];
  const { allocatedBytes, loopLagMsMax } = carriedBetween(reading, reading);
  assert.ok(Number.isNaN(allocatedBytes));
  assert.equal(loopLagMsMax, 2);
});
