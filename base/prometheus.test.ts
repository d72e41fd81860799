import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MetricsPage } from './prometheus.ts';

test('MetricsPage writes a family once, whatever the order of its samples', () => {
  const page = new MetricsPage();
  page.add('request_total', 'counter', 'Requests.', { direction: 'inbound' }, 3);
  page.add('open', 'gauge', 'Open now.', {}, 1.5);
  page.add('request_total', 'counter', 'Requests.', { direction: 'outbound', tls: 'true' }, 4);
  assert.equal(
    page.toString(),
    [
      '# HELP request_total Requests.',
      '# TYPE request_total counter',
      'request_total{direction="inbound"} 3',
      'request_total{direction="outbound",tls="true"} 4',
      '# HELP open Open now.',
      '# TYPE open gauge',
      'open 1.5',
      '',
    ].join('\n'),
  );
});

test('MetricsPage escapes label values and help', () => {
  const page = new MetricsPage();
  page.add('x', 'gauge', 'A\\B\nC "as is"', { route: 'a"b\\c\nd' }, 0);
  assert.equal(
    page.toString(),
    '# HELP x A\\\\B\\nC "as is"\n# TYPE x gauge\nx{route="a\\"b\\\\c\\nd"} 0\n',
  );
});

test('MetricsPage writes a histogram as cumulative buckets that end with +Inf', () => {
  const page = new MetricsPage();
  page.addHistogram('response_latency_ms', 'Latency.', { tls: 'no' }, [1, 2.5], [2, 3], 4, 17.25);
  assert.deepEqual(page.toString().split('\n').slice(2), [
    'response_latency_ms_bucket{tls="no",le="1"} 2',
    'response_latency_ms_bucket{tls="no",le="2.5"} 3',
    'response_latency_ms_bucket{tls="no",le="+Inf"} 4',
    'response_latency_ms_sum{tls="no"} 17.25',
    'response_latency_ms_count{tls="no"} 4',
    '',
  ]);
});

test('MetricsPage spells infinities and NaN as Prometheus does', () => {
  const page = new MetricsPage();
  for (const value of [Infinity, -Infinity, Number.NaN]) page.add('x', 'gauge', 'X.', {}, value);
  assert.deepEqual(page.toString().split('\n').slice(2), ['x +Inf', 'x -Inf', 'x NaN', '']);
});

test('an empty MetricsPage is empty text', () => {
  assert.equal(new MetricsPage().toString(), '');
});
