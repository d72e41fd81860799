import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger, type Place } from './ledger.ts';

const SEED = 1;
const place = (arm: string): Place => ({ scenario: 's', phase: 'p', arm });
const ratio = (arm: string, against: string) =>
  ({ scenario: 's', phase: 'p', name: 'cpu', arm, against, kind: 'ratio' }) as const;

test('Ledger tells the median of the rounds that were not lost, with its blocks', () => {
  const ledger = new Ledger(SEED);
  ledger.add(place('a'), 'cpu', [10, Number.NaN, 30, 20]);
  const figure = ledger.figure(place('a'), 'cpu');
  assert.equal(figure?.value, 20);
  assert.deepEqual(figure?.blocks, [10, 30, 20]);
});

test('Ledger pairs by round, so that a lost block takes its pair along', () => {
  const ledger = new Ledger(SEED);
  ledger.add(place('a'), 'cpu', [10, 20, Number.NaN, 40, 50]);
  ledger.add(place('b'), 'cpu', [20, Number.NaN, 7, 80, 100]);
  const found = ledger.comparison(ratio('b', 'a'));
  assert.equal(found?.pairs, 3);
  assert.ok(Math.abs((found?.value ?? 0) - 2) < 1e-9);
});

test('Ledger compares nothing with fewer than three pairs', () => {
  const ledger = new Ledger(SEED);
  ledger.add(place('a'), 'cpu', [10, 20, Number.NaN]);
  ledger.add(place('b'), 'cpu', [20, 40, 60]);
  assert.equal(ledger.comparison(ratio('b', 'a')), undefined);
});

test('Ledger leaves a figure out that no round has', () => {
  const ledger = new Ledger(SEED);
  ledger.add(place('a'), 'p99Us', [Number.NaN, Number.NaN]);
  assert.equal(ledger.figure(place('a'), 'p99Us'), undefined);
  assert.deepEqual(ledger.content().figures, []);
});

test('Ledger says once what was left out', () => {
  const ledger = new Ledger(SEED);
  ledger.skip('envoy', 'is missing');
  ledger.skip('envoy', 'is missing');
  assert.equal(ledger.content().skipped.length, 1);
});
