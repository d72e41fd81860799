import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LATENESS_P99_MAX_US, Tally } from './tally.ts';

const OPEN = { kind: 'fixed', perSecond: 1_000 } as const;

test('a run that sent all in time is not late', () => {
  const tally = new Tally();
  for (let i = 0; i < 1_000; i++) tally.recordLateness(i < 991 ? 20 : 10_000);
  assert.equal(tally.summarize(OPEN).late, undefined);
});

test('a run with more than one request in a hundred sent late is late', () => {
  const tally = new Tally();
  for (let i = 0; i < 1_000; i++) {
    tally.recordLateness(i < 985 ? 20 : LATENESS_P99_MAX_US + 100);
  }
  assert.match(tally.summarize(OPEN).late ?? '', /p99 of lateness/);
});

test('a closed loop cannot be late', () => {
  const tally = new Tally();
  assert.equal(tally.summarize({ kind: 'closed' }).late, undefined);
});

test('errors are counted by their reasons', () => {
  const tally = new Tally();
  tally.count('reset');
  tally.count('status 503', 2);
  tally.count('reset');
  tally.count('idle closed', 0);
  assert.deepEqual(tally.summarize(OPEN).errors, { reset: 2, 'status 503': 2 });
});
