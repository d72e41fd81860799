import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  address,
  choice,
  describeSettings,
  EXIT_USAGE,
  flag,
  flagName,
  formatSocketAddress,
  integer,
  parseSocketAddress,
  readSettings,
  repeated,
  text,
  variableName,
} from './settings.ts';

const table = {
  idleTimeoutMs: integer({
    fallback: 3_000,
    min: 1,
    max: 60_000,
    unit: 'ms',
    reason: 'shorter than servers keep theirs',
  }),
  podName: text({ fallback: undefined, reason: 'who this is', pattern: /^[a-z0-9-]+$/ }),
  logLevel: choice({ fallback: 'info', of: ['debug', 'info', 'warn'], reason: 'how much is said' }),
  admin: address({ fallback: { host: '::1', port: 4191 }, reason: 'metrics' }),
  inbound: repeated(address({ fallback: undefined, reason: 'listeners' })),
  dns: flag({ reason: 'ask DNS' }),
};

const problemsOf = (...args: string[]): readonly string[] => readSettings(table, args, {}).problems;

test('readSettings gives every default when nothing is set', () => {
  assert.deepEqual(readSettings(table, [], {}), {
    values: {
      idleTimeoutMs: 3_000,
      podName: undefined,
      logLevel: 'info',
      admin: { host: '::1', port: 4191 },
      inbound: [],
      dns: false,
    },
    problems: [],
  });
});

test('readSettings prefers the flag to the variable and the variable to the default', () => {
  const env = { CULVERT_IDLE_TIMEOUT_MS: '7', CULVERT_LOG_LEVEL: 'warn', CULVERT_POD_NAME: '' };
  const { values, problems } = readSettings(table, ['--idle-timeout-ms', '9'], env);
  assert.deepEqual(problems, []);
  assert.equal(values.idleTimeoutMs, 9);
  assert.equal(values.logLevel, 'warn');
  assert.equal(values.podName, undefined);
});

test('readSettings reads both forms of a flag, and repeated ones in order', () => {
  const args = ['--inbound', '127.0.0.1:1', '--inbound=[::1]:2', '--dns', '--pod-name=web-1'];
  const { values, problems } = readSettings(table, args, {});
  assert.deepEqual(problems, []);
  assert.deepEqual(values.inbound, [
    { host: '127.0.0.1', port: 1 },
    { host: '::1', port: 2 },
  ]);
  assert.equal(values.dns, true);
  assert.equal(values.podName, 'web-1');
});

test('readSettings splits the variable of a repeated setting at spaces', () => {
  const env = { CULVERT_INBOUND: ' 127.0.0.1:1  127.0.0.1:2 ', CULVERT_DNS: 'true' };
  const { values, problems } = readSettings(table, [], env);
  assert.deepEqual(problems, []);
  assert.equal(values.inbound.length, 2);
  assert.equal(values.dns, true);
});

const refused: readonly (readonly [args: readonly string[], problem: RegExp])[] = [
  [['--idle-timeout-ms', '0'], /^--idle-timeout-ms: "0" is not integer 1 to 60000$/],
  [['--idle-timeout-ms', '60001'], /"60001" is not integer/],
  [['--idle-timeout-ms', '1e3'], /"1e3" is not integer/],
  [['--idle-timeout-ms', '-1'], /"-1" is not integer/],
  [['--idle-timeout-ms='], /"" is not integer/],
  [['--idle-timeout-ms'], /^--idle-timeout-ms: a value is missing; allowed: integer/],
  [['--idle-timeout-ms', '1', '--idle-timeout-ms', '2'], /given 2 times, once is allowed/],
  [['--pod-name', 'Web'], /"Web" is not text/],
  [['--log-level', 'loud'], /"loud" is not debug \| info \| warn/],
  [['--admin', '127.0.0.1'], /"127.0.0.1" is not ADDRESS:PORT/],
  [['--inbound', 'x'], /"x" is not ADDRESS:PORT/],
  [['--dns=perhaps'], /"perhaps" is not true \| false/],
  [['--nonsense', '1'], /^--nonsense: no such setting/],
  [['--constructor'], /^--constructor: no such setting/],
  [['extra'], /^extra: unexpected argument/],
];
for (const [args, problem] of refused) {
  test(`readSettings refuses ${args.join(' ')}`, () => {
    assert.match(problemsOf(...args)[0] ?? '', problem);
  });
}

test('readSettings names every problem, one line each', () => {
  const problems = problemsOf('--log-level', 'loud', '--admin', 'x', '--what');
  assert.equal(problems.length, 3);
  assert.ok(problems.every((line) => !line.includes('\n')));
});

test('readSettings shows a bad value in one line, and not longer than a line', () => {
  const long = problemsOf('--log-level', 'x'.repeat(9_999));
  assert.match(long[0] ?? '', /^--log-level: "x{100}…" is not debug/);
  const broken = problemsOf('--log-level', 'lo\nud');
  assert.match(broken[0] ?? '', /^--log-level: "lo\\nud" is not debug/);
});

test('readSettings takes a flag after a flag as a missing value, not as the value', () => {
  const { values, problems } = readSettings(table, ['--pod-name', '--dns'], {});
  assert.match(problems[0] ?? '', /^--pod-name: a value is missing/);
  assert.equal(values.podName, undefined);
});

test('readSettings names the variable that holds a bad value', () => {
  const { problems } = readSettings(table, [], { CULVERT_IDLE_TIMEOUT_MS: 'soon' });
  assert.deepEqual(problems, ['CULVERT_IDLE_TIMEOUT_MS: "soon" is not integer 1 to 60000']);
});

test('readSettings never throws, whatever the arguments', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom('--', '-', '--dns', '--admin', '=', '--=', '-h', '--__proto__'),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (args) => {
      assert.ok(Array.isArray(readSettings(table, args, {}).problems));
    }),
  );
});

test('parseSocketAddress reads back what formatSocketAddress writes', () => {
  const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain());
  fc.assert(
    fc.property(host, fc.nat(65_535), (name, port) => {
      assert.deepEqual(parseSocketAddress(formatSocketAddress({ host: name, port })), {
        host: name,
        port,
      });
    }),
  );
});

for (const bad of [
  '',
  ':80',
  'a',
  'a:',
  'a:65536',
  '::1:80',
  '[::1]',
  '[1.2]:80',
  'a b:1',
  'a/:1',
]) {
  test(`parseSocketAddress refuses "${bad}"`, () => {
    assert.equal(parseSocketAddress(bad), undefined);
  });
}

test('flagName and variableName spell a setting', () => {
  assert.equal(flagName('drainQuietMs'), 'drain-quiet-ms');
  assert.equal(variableName('drainQuietMs'), 'CULVERT_DRAIN_QUIET_MS');
});

test('describeSettings says flag, unit, what is allowed, default, variable and reason', () => {
  const help = describeSettings('sidecar [flags]', table);
  assert.match(help, /^usage: sidecar \[flags\]\n/);
  assert.match(help, /--idle-timeout-ms {2}integer 1 to 60000 \(ms\); default 3000\n/);
  assert.match(help, /CULVERT_IDLE_TIMEOUT_MS\. shorter than servers keep theirs\n/);
  assert.match(help, /--admin .*; default \[::1\]:4191\n/);
  assert.match(help, /--inbound .*, may be repeated; default none\n/);
});

/** Runs a program whose one setting is `threads`, which must differ from 13. */
function startProgram(...args: string[]): { status: number | null; out: string; err: string } {
  const source = `
    import { integer, settingsOrExit } from ${JSON.stringify(import.meta.resolve('./settings.ts'))};
    const threads = integer({ fallback: 1, min: 1, max: 64, reason: 'cores' });
    const check = (values) => (values.threads === 13 ? ['threads: 13 brings bad luck'] : []);
    console.log(settingsOrExit('program', { threads }, check).threads);`;
  // With --eval, argv[1] is the first argument: a program's arguments begin at argv[2].
  const node = ['--input-type=module', '--eval', source, '--', 'program', ...args];
  const { status, stdout, stderr } = spawnSync(process.execPath, node, { encoding: 'utf8' });
  return { status, out: stdout, err: stderr };
}

test('settingsOrExit returns good values', () => {
  assert.deepEqual(startProgram('--threads', '4'), { status: 0, out: '4\n', err: '' });
});

test('settingsOrExit ends with 64 and one line a problem, of the table or of the check', () => {
  const bad = startProgram('--threads', '65');
  assert.equal(bad.status, EXIT_USAGE);
  assert.equal(bad.err, '--threads: "65" is not integer 1 to 64\n');
  assert.equal(startProgram('--threads', '13').status, EXIT_USAGE);
});

test('settingsOrExit prints help on stdout and ends with 0', () => {
  const { status, out } = startProgram('--help');
  assert.equal(status, 0);
  assert.match(out, /^usage: program\n\n {2}--threads /);
});
