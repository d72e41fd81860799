import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordingOf, sketchOf } from '../../test/support/recordings.ts';
import { embedJson } from '../page/embedded.ts';
import { pack } from './packed.ts';
import { parseProfile, parseRecording } from './parse.ts';

const CPU = {
  nodes: [{ id: 1, callFrame: { functionName: '(root)', url: '', lineNumber: -1 }, hitCount: 1 }],
  startTime: 0,
  endTime: 5_000_000,
};
const HEAP = {
  head: { callFrame: { functionName: '(root)', url: '', lineNumber: -1 }, selfSize: 3 },
};

test('parseRecording reads a CPU profile, whoever took it', () => {
  const { kind, seconds, threads, title } = parseRecording(JSON.stringify(CPU), 'x.cpuprofile');
  assert.deepEqual([kind, seconds, title], ['cpu', 5, 'x.cpuprofile']);
  assert.deepEqual(
    threads.map(({ name }) => name),
    ['thread'],
  );
});

test('parseRecording names the thread as the sidecar did', () => {
  for (const [thread, name] of [
    ['main', 'main thread'],
    ['2', 'data thread 2'],
  ] as const) {
    const text = JSON.stringify({ ...HEAP, culvert: { thread, cpuUs: 1 } });
    const recording = parseRecording(text, 'x');
    assert.equal(recording.kind, 'allocations');
    assert.equal(recording.threads[0]?.name, name);
  }
});

test('parseRecording reads a page and its JSON alike', () => {
  const recording = recordingOf(['(root)', 0, ['</script><b>', 4]]);
  const page = `<!doctype html>\n<p>x</p>${embedJson('recording', pack(recording))}<script>1</script>`;
  for (const text of [page, JSON.stringify(pack(recording))]) {
    const again = parseRecording(text, 'unused');
    assert.equal(again.title, recording.title);
    assert.deepEqual(sketchOf(again.threads[0]!.root), sketchOf(recording.threads[0]!.root));
  }
});

for (const [what, text] of [
  ['a page without a recording', '<!doctype html><p>nothing</p>'],
  ['other JSON', '{"a":1}'],
  ['a list', '[]'],
  ['null', 'null'],
  ['no JSON', 'nodes'],
  ['nothing', ''],
] as const) {
  test(`parseRecording says what is wrong with ${what}`, () => {
    assert.throws(() => parseRecording(text, 'the.file'), /^Error: the\.file /);
  });
}

test('parseProfile takes profiles only', () => {
  assert.equal(parseProfile(JSON.stringify(CPU)).kind, 'cpu');
  assert.throws(() => parseProfile(JSON.stringify(pack(recordingOf(['(root)', 1])))), /neither/);
});
