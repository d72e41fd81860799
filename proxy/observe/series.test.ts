import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordLatency } from '../../api/histogram.ts';
import { type Outcome, Series } from './series.ts';

const NONE = -1;

const total = (counts: Uint32Array): number => counts.reduce((sum, count) => sum + count, 0);

/** Outcomes as "status/grpc success x count", sorted. */
const said = (outcomes: readonly Outcome[]): string[] =>
  outcomes
    .map(
      ({ status, grpcStatus, success, count }) =>
        `${status}/${grpcStatus ?? '-'} ${success ? 'success' : 'failure'} x ${count}`,
    )
    .toSorted((a, b) => a.localeCompare(b));

test('Series tells the same to every view of its memory', () => {
  const writer = new Series();
  const reader = new Series(writer.shared);
  writer.addRequest();
  writer.addRequest();
  writer.addCancelled();
  writer.addOutcome(200, NONE, true);
  writer.addLatency(recordLatency(writer.latencyCounts, 1_500));
  writer.addFirstByte(recordLatency(writer.firstByteCounts, 700));
  assert.deepEqual(
    [reader.requests, reader.cancelled, reader.latencySumUs, reader.firstByteSumUs],
    [2, 1, 1_500, 700],
  );
  assert.deepEqual(said(reader.outcomes()), ['200/- success x 1']);
  assert.deepEqual([total(reader.latencyCounts), total(reader.firstByteCounts)], [1, 1]);
});

test('Series keeps outcomes apart by status, gRPC status and classification', () => {
  const series = new Series();
  for (const [status, grpc, success] of [
    [200, NONE, true],
    [200, 0, true],
    [200, 13, false],
    [200, 200, false],
    [200, NONE, false],
    [999, NONE, false],
    [200, 0, true],
  ] as const) {
    series.addOutcome(status, grpc, success);
  }
  assert.deepEqual(said(series.outcomes()), [
    '200/- failure x 1',
    '200/- success x 1',
    '200/0 success x 2',
    '200/13 failure x 1',
    '200/98 failure x 1',
    '999/- failure x 1',
  ]);
});

test('Series with more kinds of outcomes than room still keeps failures from successes', () => {
  const series = new Series();
  for (let status = 200; status < 300; status++) series.addOutcome(status, NONE, true);
  series.addOutcome(200, NONE, true);
  series.addOutcome(500, NONE, false);
  series.addOutcome(501, NONE, false);
  const outcomes = series.outcomes();
  const totalOf = (success: boolean): number =>
    outcomes
      .filter((outcome) => outcome.success === success)
      .reduce((sum, { count }) => sum + count, 0);
  assert.deepEqual([totalOf(true), totalOf(false)], [101, 2]);
  assert.equal(
    outcomes.find(({ status }) => status === 200)?.count,
    2,
    'what had a place keeps it',
  );
  assert.deepEqual(
    outcomes.filter(({ status }) => status === 0).map(({ success }) => success),
    [false, true],
  );
});

test('Series adds up all that others have counted, past its room too', () => {
  const sum = new Series();
  for (const first of [200, 220]) {
    const part = new Series();
    for (let status = first; status < first + 20; status++) {
      part.addRequest();
      part.addOutcome(status, NONE, status % 2 === 0);
      part.addLatency(recordLatency(part.latencyCounts, 1_000));
      part.addFirstByte(recordLatency(part.firstByteCounts, 500));
    }
    part.addCancelled();
    sum.addAll(part);
  }
  assert.deepEqual(
    [sum.requests, sum.cancelled, sum.latencySumUs, sum.firstByteSumUs],
    [40, 2, 40_000, 20_000],
  );
  const counts = new Map<boolean, number>();
  for (const { success, count } of sum.outcomes()) {
    counts.set(success, (counts.get(success) ?? 0) + count);
  }
  assert.deepEqual([counts.get(true), counts.get(false)], [20, 20]);
  assert.equal(Math.max(...sum.latencyCounts), 40);
  assert.equal(Math.max(...sum.firstByteCounts), 40);
});
