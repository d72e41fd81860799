import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BenchRun } from '../model.ts';
import { renderHtml } from './html.ts';
import { PAGE_SCRIPT } from './page/script.ts';
import { sampleRun } from './sample-run.ts';
import { renderTables } from './table.ts';

const run = sampleRun();
const history = [1, 2, 3].map((day) => sampleRun({ seed: day + 1, daysAfter: -day }));
const command = 'npm run bench -- --seed 1';
const page = renderHtml(run, { command, history });
const partOf = (html: string, id: string): string =>
  html.split('<section ').find((part) => part.startsWith(`id="${id}"`)) ?? '';
const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length;

test('the page asks for nothing outside itself', () => {
  assert.doesNotMatch(page, /\b(?:src|href)="(?!#)/);
  assert.doesNotMatch(page, /url\(|@import|https?:|fetch\(|import\(/);
});

test('every element of the page is closed in order', () => {
  const open: string[] = [];
  const markup = page.replace(/<script>[^]*?<\/script>/, '').replace(/<style>[^]*?<\/style>/, '');
  for (const [, close, name = ''] of markup.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*>/gi)) {
    if (name === 'meta') continue;
    if (close === '/') assert.equal(open.pop(), name);
    else open.push(name);
  }
  assert.deepEqual(open, []);
  assert.doesNotMatch(markup, /NaN|undefined|Infinity/);
});

test('the page has every section that the run has something for', () => {
  for (const id of ['verdicts', 'latency', 'cpu', 'memory', 'history', 'tables', 'conditions']) {
    assert.notEqual(partOf(page, id), '', id);
    assert.ok(page.includes(`href="#${id}"`), id);
  }
  const bare: BenchRun = {
    ...run,
    figures: [],
    comparisons: [],
    curves: [],
    memory: [],
    tallies: [],
    verdicts: [],
  };
  const rest = renderHtml(bare, { command });
  assert.deepEqual(
    [...rest.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id),
    ['conditions'],
  );
});

test('latency has a plot a paced phase, a line an arm, and tips with all arms', () => {
  const latency = partOf(page, 'latency');
  assert.equal(count(latency, /<figure>/g), 4);
  assert.equal(count(latency, /<path d="M[^"]+L[^"]+" class="line">/g), 4 * 4);
  assert.match(latency, /p99\.9\ndirect: \d+ us\nculvert: [\d.]+ [um]s\nhaproxy: /);
});

test('a line ends where too few requests lie beyond', () => {
  const few = run.curves.map((one) => ({ ...one, counts: { indexDelta: [60], count: [2_000] } }));
  const latency = partOf(renderHtml({ ...run, curves: few }, { command }), 'latency');
  assert.match(latency, />p99</);
  assert.doesNotMatch(latency, /p99\.9/);
});

test('CPU has a row an arm and phase with its interval', () => {
  const cpu = partOf(page, 'cpu');
  assert.equal(count(cpu, /<figure>/g), 2);
  assert.equal(count(cpu, /class="stem"/g), 2 * 3 * 3);
  assert.match(cpu, /culvert, saturation: 20\.\d \d\d\.\d-\d\d\.\d us a request, 12 blocks/);
});

test('the page has companions for which a terminal has no room', () => {
  const place = { scenario: 'http1-keepalive', phase: 'saturation', arm: 'culvert' };
  const lag = { ...place, name: 'loopLagMsMax', value: 3, low: 3, high: 3, blocks: [3] };
  const more = { ...run, figures: [...run.figures, lag] };
  assert.match(partOf(renderHtml(more, { command }), 'tables'), />lag ms</);
  assert.doesNotMatch(renderTables(more), /lag ms/);
});

test('history is drawn oldest first, the run last and once', () => {
  const drawn = partOf(renderHtml(run, { command, history: [...history, run] }), 'history');
  const [first = ''] = drawn.split('</figure>');
  const days = [...first.matchAll(/2026-\d\d-\d\d/g)].map(([day]) => day);
  assert.deepEqual(days, ['2026-01-02', '2026-01-03', '2026-01-04', '2026-01-05']);
  assert.equal(partOf(renderHtml(run, { command }), 'history'), '');
});

test('texts of a run are escaped', () => {
  const odd = { ...run, notes: ['a < b & "c"'], verdicts: [{ ...run.verdicts[0]!, what: '<b>' }] };
  const html = renderHtml(odd, { command: 'a && b' });
  assert.ok(html.includes('a &lt; b &amp; &quot;c&quot;') && html.includes('a &amp;&amp; b'));
  assert.ok(!html.includes('<b>'));
});

test('the conditions and the command stand on the page', () => {
  const conditions = partOf(page, 'conditions');
  for (const text of [command, 'haproxy', '2.6.12', 'Sample CPU', 'core 0', 'Left out: envoy']) {
    assert.ok(conditions.includes(text), text);
  }
});

test('the script of the page is JavaScript', () => {
  assert.doesNotMatch(PAGE_SCRIPT, /<\/script/);
  assert.ok(page.includes(PAGE_SCRIPT));
});
