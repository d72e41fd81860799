import assert from 'node:assert/strict';
import { test } from 'node:test';
import vm from 'node:vm';
import { recordingOf, sketchOf } from '../../test/support/recordings.ts';
import { diff } from '../diff.ts';
import { parseRecording } from '../read/parse.ts';
import { libraryScript } from './library.ts';
import { renderPage } from './page.ts';

const SKETCH = ['(root)', 0, ['a', 40, ['</script><script>alert(1)', 30]], ['(idle)', 5]] as const;
const recording = recordingOf(SKETCH, { title: 'a "title" & <more>' });
const page = renderPage(recording, 0);

test('renderPage carries its recording, whatever functions are called', () => {
  const again = parseRecording(page, 'unused');
  assert.equal(again.title, recording.title);
  assert.deepEqual(sketchOf(again.threads[0]!.root), sketchOf(recording.threads[0]!.root));
  assert.equal(page.includes('<script>alert'), false);
});

test('renderPage leaves out of the graph what is too small, and of no table', () => {
  const small = recordingOf(['(root)', 0, ['a', 990], ['tiny', 10]]);
  const page = renderPage(small, 0.05);
  const [thread] = parseRecording(page, 'unused').threads;
  assert.deepEqual(sketchOf(thread!.root), [
    '(root)',
    0,
    ['(smaller ones: session)', 10],
    ['a', 990],
  ]);
  assert.match(page, /tiny proxy\/session\/tiny\.ts:7<\/td><td>1\.00<\/td>/);
});

test('renderPage loads nothing', () => {
  const outside = page.replaceAll(/<script[\s\S]*?<\/script>/g, '');
  assert.doesNotMatch(outside, /\b(?:src|href)=|@import|url\(/);
  assert.doesNotMatch(page, /<script[^>]+src=/);
});

test('renderPage has the numbers without JavaScript', () => {
  assert.match(page, /<td><i[^>]*><\/i>session<\/td><td>7\.00<\/td><td>100\.0 %<\/td>/);
  assert.match(page, /a proxy\/session\/a\.ts:7/);
  assert.match(page, /<title>a &quot;title&quot; &amp; &lt;more&gt;<\/title>/);
});

test('renderPage says before and now of a comparison', () => {
  const compared = renderPage(diff(recording, recordingOf(SKETCH, { requests: 20 })), 0);
  assert.match(compared, /<td>7\.00<\/td><td>3\.50<\/td><td class="less">-3\.50<\/td>/);
});

test('libraryScript defines what the page draws with', () => {
  const style = { textContent: '' };
  const document = { createElement: () => style, head: { appendChild: () => undefined } };
  const global: Record<string, unknown> = { document };
  vm.runInNewContext(libraryScript(), global);
  const { d3, flamegraph } = global as {
    readonly d3: Readonly<Record<string, unknown>>;
    readonly flamegraph: { readonly default: () => Readonly<Record<string, unknown>> };
  };
  assert.equal(typeof d3['select'], 'function');
  const chart = flamegraph.default();
  for (const method of ['width', 'inverted', 'search', 'setColorMapper', 'resetZoom']) {
    assert.equal(typeof chart[method], 'function', method);
  }
});
