import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { STAGES, stageOf } from './stages.ts';

const places: readonly (readonly [name: string, file: string, stage: string])[] = [
  ['(idle)', '', 'idle'],
  ['(program)', '', 'kernel'],
  ['(root)', '', 'other'],
  ['(garbage collector)', '', 'gc'],
  ['writev', '', 'native'],
  ['toString', '', 'native'],
  ['emit', 'node:events', 'node'],
  ['post', 'node:inspector', 'idle'],
  ['f', 'node_modules/piscina/dist/index.js', 'library'],
  ['f', 'proxy/codec/http2/frames.ts', 'codec'],
  ['f', 'proxy/session/http1-server.ts', 'session'],
  ['f', 'proxy/stack.ts', 'base'],
  ['f', 'base/timer-wheel.ts', 'base'],
  ['f', 'api/histogram.ts', 'observe'],
  ['f', 'proxy/admin/routes.ts', 'control'],
  ['f', 'server.js', 'other'],
  ['(idle)', 'proxy/codec/idle.ts', 'codec'],
];

for (const [name, file, stage] of places) {
  test(`stageOf puts ${name} of "${file}" under ${stage}`, () => {
    assert.equal(stageOf(name, file), stage);
  });
}

test('stageOf has a place for every folder of the proxy', () => {
  const proxy = path.resolve(import.meta.dirname, '../proxy');
  const folders = readdirSync(proxy, { withFileTypes: true }).filter((it) => it.isDirectory());
  assert.ok(folders.length > 10);
  for (const { name } of folders)
    assert.notEqual(stageOf('f', `proxy/${name}/a.ts`), 'other', name);
});

test('STAGES have names and colours of their own', () => {
  for (const field of ['name', 'colour'] as const) {
    assert.equal(new Set(STAGES.map((stage) => stage[field])).size, STAGES.length);
  }
});
