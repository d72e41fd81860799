import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placedSource } from './placed-source.ts';

const NAMES = { 'proxy/worker.ts': 'proxy-worker.mjs' };
const placed = (text: string, file = 'proxy/control/a.ts'): string =>
  placedSource(text, file, NAMES);

test('placedSource lets import.meta.url be that of the source', () => {
  assert.equal(
    placed(`read(new URL('b.sh', import.meta.url));`),
    `read(new URL('b.sh', new URL("../../proxy/control/a.ts", import.meta.url).href));`,
  );
});

test('placedSource points at what was bundled of the first file of a thread', () => {
  assert.equal(
    placed(`start(new URL('../worker.ts', import.meta.url));`),
    `start(new URL("./proxy-worker.mjs", import.meta.url));`,
  );
});

test('placedSource leaves a file that is no entry where it is', () => {
  assert.equal(
    placed(`start(new URL('./other.ts', import.meta.url));`),
    `start(new URL('./other.ts', new URL("../../proxy/control/a.ts", import.meta.url).href));`,
  );
});

test('placedSource keeps lines, and text without import.meta as it is', () => {
  const text = `a;\nb(import.meta.url);\nc;\n`;
  assert.equal(placed(text).split('\n').length, text.split('\n').length);
  assert.equal(placed('a;\nimport b from "c";'), 'a;\nimport b from "c";');
});

test('placedSource refuses other ways to ask for the place, and says where', () => {
  assert.throws(
    () => placed(`a;\nb(import.meta.dirname);`),
    /^Error: proxy\/control\/a\.ts:2: .*import\.meta\.url only, not by import\.meta\.dirname$/,
  );
});
