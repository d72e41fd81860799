import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { CASES } from './cases.ts';

const root = path.join(import.meta.dirname, '../..');

for (const { name, setup } of CASES) {
  test(`micro-benchmark: ${name} does what it measures, every time`, () => {
    const { run, expected } = setup();
    for (let i = 0; i < 3; i++) assert.equal(run(), expected);
  });
}

test('micro-benchmarks have names that tell them apart', () => {
  const names = CASES.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)]);
});

/** Files that say they are hot. */
function hotFiles(): string[] {
  const files = globSync(['api/*.ts', 'base/*.ts', 'proxy/**/*.ts'], { cwd: root });
  return files.filter(
    (file) =>
      !file.endsWith('.test.ts') &&
      /^[\s/*]*HOT:/m.test(readFileSync(path.join(root, file), 'utf8')),
  );
}

/** What `file` imports of this repository. */
const importsOf = (file: string): readonly string[] =>
  [...readFileSync(path.join(root, file), 'utf8').matchAll(/ from '(\.[^']+)'/g)].map((match) =>
    path.join(path.dirname(file), match[1] ?? ''),
  );

/** Files that a case imports itself, and those of the same folder that these are made of. */
function importedByCases(): Set<string> {
  const imported = new Set(globSync('bench/micro/cases/*.ts', { cwd: root }).flatMap(importsOf));
  for (const file of imported) {
    if (!file.startsWith('proxy/session/')) continue;
    for (const part of importsOf(file)) {
      if (path.dirname(part) === path.dirname(file)) imported.add(part);
    }
  }
  return imported;
}

test('every hot file has a micro-benchmark', () => {
  const hot = hotFiles();
  assert.ok(hot.length > 20, `${hot.length} hot files`);
  const imported = importedByCases();
  assert.deepEqual(
    hot.filter((file) => !imported.has(file)),
    [],
  );
});
