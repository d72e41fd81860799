import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { readFileContent } from './documents.ts';
import type { FileContent } from './documents.ts';
import { formatProblem } from './source.ts';

const NOTHING: FileContent['resources'] = new Map();

const read = (text: string, lastGood = NOTHING) => {
  const content = readFileContent('mesh.yaml', text, lastGood);
  return {
    resources: content.resources,
    names: [...content.resources.keys()],
    problems: content.problems.map(formatProblem),
  };
};

const service = (name: string, port: string): string => `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  ports:
    - port: ${port}
`;

test('readFileContent refuses one document of two, with its line and path', () => {
  const { names, problems } = read(`${service('a', 'many')}---\n${service('b', '80')}`);
  assert.deepEqual(names, ['Service default/b']);
  assert.deepEqual(problems, [
    'mesh.yaml:7: Service default/a: spec.ports[0].port: must be an integer 1 to 65535, is "many"',
  ]);
});

test('readFileContent counts lines across documents and names the object around a missing field', () => {
  const { problems } = read(
    `# first line\n---\n${service('a', '80')}---\napiVersion: v1\nkind: Pod\nmetadata:\n  labels: {}\n`,
  );
  assert.deepEqual(problems, [
    'mesh.yaml:14: metadata.name: is missing, must be a DNS name of lower-case letters, digits, "-" and "."',
  ]);
});

test('readFileContent keeps the last good version of what is refused', () => {
  const before = read(`${service('a', '80')}---\n${service('b', '80')}`).resources;
  const { resources, problems } = read(`${service('a', '0')}---\n${service('b', '81')}`, before);
  assert.equal(resources.get('Service default/a'), before.get('Service default/a'));
  const b = resources.get('Service default/b');
  assert.equal(b?.kind === 'Service' ? b.ports[0]?.port : undefined, 81);
  assert.deepEqual(problems, [
    'mesh.yaml:7: Service default/a: spec.ports[0].port: must be an integer 1 to 65535, is 0; the last good version stays in force',
  ]);
});

test('readFileContent keeps everything when the YAML does not parse or a name is lost', () => {
  const before = read(`${service('a', '80')}---\n${service('b', '80')}`).resources;
  const broken = read(`${service('a', '80')}---\nspec: [unclosed\n`, before);
  assert.deepEqual(broken.names.toSorted(), ['Service default/a', 'Service default/b']);
  assert.match(broken.problems[0] ?? '', /^mesh\.yaml:\d+: is not YAML: .*stays in force$/);
  const nameless = read(service('a', '80').replace('name: a', 'name: [a]'), before);
  assert.deepEqual(nameless.names.toSorted(), ['Service default/a', 'Service default/b']);
});

test('readFileContent forgets what the text does not name any more', () => {
  const before = read(`${service('a', '80')}---\n${service('b', '80')}`).resources;
  assert.deepEqual(read(service('b', '80'), before).names, ['Service default/b']);
  assert.deepEqual(read('---\n', before).names, []);
});

test('readFileContent keeps what a file held that is empty now', () => {
  const before = read(service('a', '80')).resources;
  for (const text of ['', '\n', '# all commented out\n']) {
    const { names, problems } = read(text, before);
    assert.deepEqual(names, ['Service default/a']);
    assert.deepEqual(problems, [
      'mesh.yaml:1: holds no document: delete the file to remove what it held; the last good version stays in force',
    ]);
    assert.deepEqual(read(text).problems, [], 'nothing to keep, nothing wrong');
  }
});

test('readFileContent refuses a value that contains itself, and that resource only', () => {
  const { names, problems } = read(
    `${service('a', '80')}---\napiVersion: v1\nkind: Service\nmetadata: &m { name: *m }\nspec: &s { selector: *s }\n`,
  );
  assert.deepEqual(names, ['Service default/a']);
  assert.deepEqual(problems, [
    'mesh.yaml:11: metadata.name: must be a DNS name of lower-case letters, digits, "-" and ".", is a value that contains itself',
    'mesh.yaml:12: spec.selector.selector: must be text (quote it), is a value that contains itself',
  ]);
});

test('readFileContent reads JSON, Lists and empty documents', () => {
  const item = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: {} };
  assert.deepEqual(read(JSON.stringify(item)).names, ['Service default/a']);
  const bad = { ...item, spec: { ports: [{ port: -1 }] }, metadata: { name: 'b' } };
  const list = read(
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [item, bad] }, null, 1),
  );
  assert.deepEqual(list.names, ['Service default/a']);
  assert.match(list.problems[0] ?? '', /^mesh\.yaml:22: .*items\[1\]\.spec\.ports\[0\]\.port: /);
  assert.deepEqual(read('---\n---\n# nothing\n'), {
    resources: new Map(),
    names: [],
    problems: [],
  });
});

test('readFileContent takes the first of a resource given twice', () => {
  const { resources, problems } = read(`${service('a', '80')}---\n${service('a', '81')}`);
  const a = resources.get('Service default/a');
  assert.equal(a?.kind === 'Service' ? a.ports[0]?.port : undefined, 80);
  assert.deepEqual(problems, [
    'mesh.yaml:9: Service default/a: given twice in this file, the first counts',
  ]);
});

test('readFileContent refuses aliases that explode', () => {
  const layers = Array.from(
    { length: 9 },
    (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join(',')}]`,
  );
  const { names, problems } = read(`a0: &a0 [x]\n${layers.join('\n')}\n`);
  assert.deepEqual(names, []);
  assert.match(problems[0] ?? '', /is not usable YAML/);
});

test('readFileContent never throws, and keeps or replaces what it had, whatever the text', () => {
  const text = `${service('a', '80')}---\n${service('b', '80')}`;
  const before = read(text).resources;
  const cut = fc.record({
    at: fc.nat(text.length),
    drop: fc.nat(12),
    put: fc.string({
      maxLength: 6,
      unit: fc.constantFrom('-', ':', '[', '{', '"', '&', '*', '!', '\t', '\n', ' ', 'x', '1'),
    }),
  });
  fc.assert(
    fc.property(cut, ({ at, drop, put }) => {
      const edited = text.slice(0, at) + put + text.slice(at + drop);
      const { resources, problems } = readFileContent('mesh.yaml', edited, before);
      // What is gone without a word was named otherwise, or was taken for another kind.
      if (problems.some((problem) => problem.resource === undefined)) {
        assert.ok(resources.has('Service default/a') && resources.has('Service default/b'), edited);
      }
      for (const problem of problems) assert.ok((problem.line ?? 0) >= 1, edited);
    }),
    { numRuns: 500 },
  );
});
