import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Verdict } from '../model.ts';
import { Ledger } from '../run/ledger.ts';
import { SCENARIOS } from '../scenarios/all-scenarios.ts';
import { type Budget, judge, outcomeOf, readBudgets } from './budgets.ts';

const FILE = new URL('../budgets.json', import.meta.url);
const BUDGET: Budget = {
  scenario: 's',
  phase: 'p',
  figure: 'cpu',
  arm: 'culvert',
  against: 'haproxy',
  kind: 'ratio',
  max: 1.5,
  slack: 0.1,
  reason: 'why',
};

/** A ledger in which Culvert costs `ratio` times HAProxy, nearly the same each round. */
function measured(ratio: number): Ledger {
  const ledger = new Ledger(1);
  const theirs = Array.from({ length: 12 }, (_, i) => 10 + (i % 3));
  const at = { scenario: 's', phase: 'p' };
  ledger.add({ ...at, arm: 'haproxy' }, 'cpu', theirs);
  const mine = theirs.map((value, i) => value * ratio * (1 + ((i % 5) - 2) / 1_000));
  ledger.add({ ...at, arm: 'culvert' }, 'cpu', mine);
  return ledger;
}

const outcome = (ratio: number, budget = BUDGET): string | undefined =>
  judge([budget], measured(ratio), ['s'])[0]?.outcome;

test('judge fails what lies above a budget with its slack, and passes what lies below', () => {
  assert.equal(outcome(1.6), 'pass');
  assert.equal(outcome(1.7), 'fail');
  assert.equal(outcome(1.6, { ...BUDGET, slack: 0 }), 'fail');
});

test('judge says undecided where the interval holds the limit', () => {
  assert.equal(outcome(1.65), 'undecided');
  assert.equal(outcomeOf({ low: 1, high: 3 }, 2), 'undecided');
});

test('judge fails what was not measured, unless its peer is not installed', () => {
  assert.equal(outcome(1, { ...BUDGET, arm: 'other' }), 'fail');
  const ledger = new Ledger(1);
  ledger.skip('haproxy in s', 'is not installed');
  assert.equal(judge([BUDGET], ledger, ['s'])[0]?.outcome, 'undecided');
});

/** Of a figure that was not measured, as blocks of `arm` were void. */
function ofVoid(arm: string, voided: Record<string, number>): Verdict | undefined {
  const ledger = new Ledger(1);
  const tally = { scenario: 's', phase: 'p', valid: 1, requests: 9, errors: 0 };
  ledger.tallies.push({ ...tally, arm, voided });
  return judge([BUDGET], ledger, ['s'])[0];
}

test('judge leaves undecided what the host took the machine from, and says so', () => {
  assert.equal(ofVoid('culvert', { steal: 20, 'late generator': 19 })?.outcome, 'undecided');
  assert.match(
    ofVoid('haproxy', { steal: 4 })?.measured ?? '',
    /took .* from 4 of 5 blocks of haproxy/,
  );
  assert.equal(ofVoid('culvert', { steal: 20, 'late generator': 20 })?.outcome, 'fail');
  assert.equal(ofVoid('culvert', { 'other programs': 40 })?.outcome, 'fail');
  assert.equal(ofVoid('culvert', {})?.outcome, 'fail');
  assert.equal(ofVoid('nginx', { steal: 4 })?.outcome, 'fail');
});

test('judge does not fail what belongs to a scenario that was left out', () => {
  const ledger = new Ledger(1);
  ledger.skip('s', 'its backend is not installed');
  const own: Budget = {
    scenario: 's',
    phase: 'p',
    figure: 'f',
    arm: 'culvert',
    max: 1,
    slack: 0,
    reason: 'why',
  };
  assert.equal(judge([own], ledger, ['s'])[0]?.outcome, 'undecided');
  assert.equal(judge([{ ...own, scenario: 't' }], ledger, ['t'])[0]?.outcome, 'fail');
});

test('judge fails a scenario whose requests of ours went without answers', () => {
  const ledger = new Ledger(1);
  const tally = { scenario: 's', phase: 'p', arm: 'culvert', valid: 1, voided: {} };
  ledger.tallies.push({ ...tally, requests: 100_000, errors: 10 });
  assert.equal(judge([], ledger, ['s'])[0]?.outcome, 'pass');
  ledger.tallies.push({ ...tally, requests: 1, errors: 1 });
  assert.equal(judge([], ledger, ['s'])[0]?.outcome, 'fail');
});

test('judge leaves budgets of scenarios alone that were not run', () => {
  const [only, ...rest] = judge([BUDGET], measured(9), ['another']);
  assert.match(only?.what ?? '', /another: requests without/);
  assert.deepEqual(rest, []);
});

test('readBudgets reads the file, whose budgets bound scenarios that exist', () => {
  const { budgets, regression } = readBudgets(FILE);
  const names = new Set(SCENARIOS.map(({ name }) => name));
  assert.deepEqual(
    budgets.filter(({ scenario }) => !names.has(scenario)),
    [],
  );
  assert.ok(budgets.length > 0 && regression.pairs >= 10);
});

test('readBudgets refuses a budget without a reason, and shows it', (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'culvert-budgets-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'budgets.json');
  writeFileSync(file, JSON.stringify({ budgets: [{ ...BUDGET, reason: '' }] }));
  assert.throws(() => readBudgets(pathToFileURL(file)), /budgets\.json: incomplete budget .*"cpu"/);
});
