import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Command, help, readCommandLine } from './command-line.ts';

const read = (line: string): Command | readonly string[] => {
  const read = readCommandLine(line.split(' ').filter(Boolean), {});
  return 'problems' in read ? read.problems : read.command;
};

test('readCommandLine finds a scenario by its name, or by what only it begins with', () => {
  for (const [line, name] of [
    ['http1-keepalive/inbound', 'http1-keepalive/inbound'],
    ['mesh-pair', 'mesh-pair'],
    ['--seconds 9 tcp/small --alloc', 'tcp/small'],
  ] as const) {
    const command = read(line);
    assert.ok('do' in command && command.do === 'record', line);
    assert.equal(command.scenario.name, name);
  }
});

test('readCommandLine takes a file or an address for a source', () => {
  for (const source of ['a.cpuprofile', 'x/b.heapprofile', 'p.html', 'http://127.0.0.1:4191']) {
    assert.deepEqual(read(source), { do: 'show', source });
  }
  assert.deepEqual(read('diff a.html b.html'), { do: 'diff', before: 'a.html', now: 'b.html' });
});

test('readCommandLine makes the whole gallery, or the pages that are named', () => {
  const all = read('gallery');
  assert.ok('do' in all && all.do === 'gallery');
  assert.ok(all.scenarios.length > 20);
  assert.ok(!all.scenarios.some(({ name }) => name.startsWith('interception/')));
  const some = read('gallery mesh-pair tcp/small');
  assert.ok('do' in some && some.do === 'gallery');
  assert.deepEqual(
    some.scenarios.map(({ name }) => name),
    ['mesh-pair', 'tcp/small'],
  );
});

for (const [line, problem] of [
  ['', /^What is to be recorded/],
  [
    'no-such-thing',
    /^There is no scenario "no-such-thing"\. There are same, http1-keepalive\/inbound, /,
  ],
  ['http1-keepalive', /which one\? There are http1-keepalive\/inbound, http1-keepalive\/outbound/],
  ['cold-start', /no load/],
  ['interception', /^interception: its sidecars are in network namespaces/],
  ['interception/http', /out of reach/],
  ['diff a.html', /two recordings/],
  ['diff a b c', /two recordings/],
  ['mesh-pair tcp/small', /one recording at a time/],
  ['gallery mesh-pair nothing', /no scenario "nothing"/],
  ['mesh-pair --seconds 61', /--seconds: "61" is not integer 1 to 60/],
  ['mesh-pair --seconds', /--seconds: a value is missing/],
  ['mesh-pair -o svg', /--output: "svg" is not page \| json \| folded/],
  ['mesh-pair --threads 2', /--threads: no such setting/],
] as const) {
  test(`readCommandLine says what is wrong with "${line}"`, () => {
    const problems = read(line);
    assert.ok(Array.isArray(problems), JSON.stringify(problems));
    assert.match(problems.join('\n'), problem);
  });
}

test('readCommandLine reads flags wherever they stand, and variables', () => {
  const line = readCommandLine(['-o', 'folded', 'mesh-pair', '--alloc'], { CULVERT_SECONDS: '3' });
  assert.ok('settings' in line);
  const { alloc, output, seconds } = line.settings;
  assert.deepEqual({ alloc, output, seconds }, { alloc: true, output: 'folded', seconds: 3 });
});

test('help names flags and scenarios', () => {
  assert.deepEqual(read('--help'), { do: 'help' });
  assert.match(help(), /diff BEFORE NOW/);
  assert.match(help(), /--alloc/);
  assert.match(help(), /mesh-pair\/http2/);
});
