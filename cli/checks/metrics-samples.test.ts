import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsPage } from '../../base/prometheus.ts';
import { leastOf, sumOf } from './metrics-samples.ts';

test('sumOf adds the samples of a metric that have the labels, whatever others they have', () => {
  const page = new MetricsPage();
  const add = (direction: string, error: string, count: number): void =>
    page.add('errors_total', 'counter', 'Failures.', { direction, error }, count);
  add('inbound', 'proxy-loop', 1);
  add('outbound', 'proxy-loop', 2);
  add('outbound', 'a "quoted" \\ one', 4);
  page.add('errors', 'gauge', 'Another.', {}, 8);
  page.add('rate', 'gauge', 'In another form.', {}, 1e-7);
  const text = page.toString();
  assert.equal(sumOf(text, 'errors_total'), 7);
  assert.equal(sumOf(text, 'errors_total', { error: 'proxy-loop' }), 3);
  assert.equal(sumOf(text, 'errors_total', { error: 'proxy-loop', direction: 'outbound' }), 2);
  assert.equal(sumOf(text, 'errors_total', { error: 'other' }), 0);
  assert.equal(sumOf(text, 'errors'), 8);
  assert.equal(sumOf(text, 'rate'), 1e-7);
  assert.equal(sumOf(text, 'absent'), 0);
});

test('leastOf finds the least sample of a metric, if there is one', () => {
  const page = new MetricsPage();
  const add = (direction: string, seconds: number): void =>
    page.add('age_seconds', 'gauge', 'Since the last.', { direction }, seconds);
  add('inbound', 7);
  add('outbound', 0);
  const text = page.toString();
  assert.equal(leastOf(text, 'age_seconds'), 0);
  assert.equal(leastOf(text, 'age_seconds', { direction: 'inbound' }), 7);
  assert.equal(leastOf(text, 'age_seconds', { direction: 'sideways' }), undefined);
});
