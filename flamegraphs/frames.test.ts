import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { frameKey, frameLabel, frameOf, movedKey } from './frames.ts';

const ROOT = path.resolve(import.meta.dirname, '..');
const here = (file: string): string => pathToFileURL(path.join(ROOT, file)).href;

const files: readonly (readonly [url: string, file: string])[] = [
  [here('proxy/session/http1-server.ts'), 'proxy/session/http1-server.ts'],
  [here('base/launch.mjs'), 'base/launch.mjs'],
  [`${here('proxy/worker.ts')}?run=2`, 'proxy/worker.ts'],
  ['file:///home/somebody/mesh/proxy/codec/hpack.ts', 'proxy/codec/hpack.ts'],
  ['/srv/culvert/node_modules/piscina/dist/worker.js', 'node_modules/piscina/dist/worker.js'],
  ['file:///x/node_modules/a/node_modules/b/c.js', 'node_modules/b/c.js'],
  ['file:///home/somebody/app/server.js', 'server.js'],
  ['node:internal/stream_base_commons', 'node:internal/stream_base_commons'],
  ['evalmachine.<anonymous>', 'evalmachine.<anonymous>'],
  ['', ''],
];

for (const [url, file] of files) {
  test(`frameOf places ${url.replace(ROOT, '')} at "${file}"`, () => {
    const frame = frameOf({ functionName: 'f', url, lineNumber: 41 });
    assert.equal(frame.file, file);
    assert.equal(frame.line, 42);
  });
}

test('frameOf names what has no name, and gives what has no line none', () => {
  const frame = frameOf({ functionName: '', url: '', lineNumber: -1 });
  assert.deepEqual([frame.name, frame.line], ['(anonymous)', 0]);
});

test('frameKey tells lines apart, movedKey does not', () => {
  const [one, other] = [1, 2].map((lineNumber) =>
    frameOf({ functionName: 'f', url: 'node:net', lineNumber }),
  );
  assert.notEqual(frameKey(one!), frameKey(other!));
  assert.equal(movedKey(one!), movedKey(other!));
});

test('frameLabel says function, file and line', () => {
  const frame = { functionName: 'write', url: 'node:net', lineNumber: 9 };
  assert.equal(frameLabel(frameOf(frame)), 'write node:net:10');
  assert.equal(frameLabel(frameOf({ ...frame, lineNumber: -1 })), 'write node:net');
  assert.equal(frameLabel(frameOf({ ...frame, url: '' })), 'write');
});
