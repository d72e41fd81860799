/** Style as a test: every rule holds for this repository, and every rule can fail. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { documentRules } from './tidy/documents.ts';
import { languageRules } from './tidy/language.ts';
import { scan } from './tidy/scan.ts';
import { structureRules } from './tidy/structure.ts';
import { readTree, treeOf } from './tidy/tree.ts';

const rules = [...structureRules, ...languageRules, ...documentRules];
const tree = readTree(path.dirname(import.meta.dirname));

for (const rule of rules) {
  test(`tidy: ${rule.name}`, () => {
    const problems = rule.check(tree);
    const lines = problems.map(({ path, line, message }) => `${path}:${line} ${message}`);
    assert.equal(lines.length, 0, `${rule.name}, because ${rule.reason}:\n${lines.join('\n')}`);
  });

  test(`tidy: "${rule.name}" fails where it should, and only there`, () => {
    assert.ok(rule.bad.length > 0);
    for (const bad of rule.bad) {
      assert.notEqual(rule.check(treeOf(bad)).length, 0, `passes ${JSON.stringify(bad)}`);
    }
    assert.deepEqual(rule.check(treeOf(rule.good)), []);
  });
}

test('tidy: the rules see the repository', () => {
  assert.ok(tree.sources.has('test/tidy.test.ts'));
  assert.ok(tree.sources.get('test/tidy.test.ts')?.imports.length === 8);
  assert.ok(tree.texts.has('package.json'));
  assert.ok(![...tree.paths].some((each) => each.includes('node_modules')));
});

const scans: readonly (readonly [text: string, code: string])[] = [
  [`a; // b 'c'\nd`, `a;         \nd`],
  [`/* a\n'b' */ c`, `    \n       c`],
  [`x = 'it\\'s // no'; y`, `x = '           '; y`],
  ['x = `a ${b + `c ${d}`} e`; f', 'x = `   {b + `   {d}`}  `; f'],
  ['x = a / b / c; // d', 'x = a / b / c;     '],
  [`x.split(/['"/]/).y`, `x.split(/     /).y`],
  ['return /a[/]b/.test(c)', 'return /     /.test(c)'],
];
for (const [text, code] of scans) {
  test(`scan keeps only the code of ${JSON.stringify(text)}`, () => {
    const scanned = scan(text).code;
    assert.equal(scanned.length, text.length);
    assert.equal(scanned, code);
  });
}
