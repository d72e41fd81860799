import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { nodeFlags } from './node-flags.ts';

const launcher = path.join(import.meta.dirname, 'launch.mjs');
const root = path.dirname(import.meta.dirname);
const directory = mkdtempSync(path.join(tmpdir(), 'culvert-launch-'));
after(() => rmSync(directory, { recursive: true }));

/** A `node` of 18 or later that is not the pinned one, as a user's shell would find it. */
function findOtherNode(): string | undefined {
  const directories = (process.env['PATH'] ?? '').split(path.delimiter);
  const candidates = directories
    .filter((each) => each !== '' && !each.includes('node_modules'))
    .map((each) => path.join(each, 'node'));
  return candidates.find((node) => {
    if (!existsSync(node)) return false;
    const { stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
    const major = Number(/^v(\d+)/.exec(stdout ?? '')?.[1]);
    return major >= 18 && stdout.trim() !== process.version;
  });
}

const otherNode = findOtherNode();
const needsOther = { skip: otherNode === undefined ? 'no other Node.js in PATH' : false };

function program(name: string, source: string): string {
  const file = path.join(directory, name);
  writeFileSync(file, source);
  return file;
}

const report = program(
  'report.ts',
  `const report: unknown = {
    version: process.versions.node,
    args: process.argv.slice(2),
    entry: process.argv[1],
    cache: process.env['NODE_COMPILE_CACHE'],
    launched: process.env['CULVERT_LAUNCHED'],
  };
  process.stdout.write(JSON.stringify(report));
  process.exitCode = 7;`,
);

const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

const waiter = program(
  'wait.ts',
  `for (const signal of ${JSON.stringify(PASSED_ON)} as const) {
    process.on(signal, () => { process.stdout.write(signal); process.exit(9); });
  }
  setInterval(() => undefined, 60_000);
  process.stdout.write('up ');`,
);

/** What the child printed, and how it ended; `onUp` runs when it has printed "up". */
async function finish(child: ChildProcess, onUp: () => void): Promise<string> {
  let out = '';
  const { promise, resolve } = Promise.withResolvers<string>();
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const wasUp = out.includes('up');
    out += text;
    if (!wasUp && out.includes('up')) onUp();
  });
  child.once('close', (code, signal) => resolve(`${out} ${code ?? signal}`));
  return promise;
}

/** `launched`: whether a launcher of another Node.js waits for the program's end. */
function assertReport(node: string, launched: boolean): void {
  // `npm test` may itself have been handed over.
  const { CULVERT_LAUNCHED: _, ...env } = process.env;
  const { stdout, status } = spawnSync(node, [launcher, report, 'a b', '--flag=x', ''], {
    encoding: 'utf8',
    env: { ...env, NODE_DISABLE_COMPILE_CACHE: '' },
  });
  assert.equal(status, 7);
  assert.deepEqual(JSON.parse(stdout), {
    version: process.versions.node,
    args: ['a b', '--flag=x', ''],
    entry: report,
    cache: path.join(root, 'node_modules', '.cache', 'culvert'),
    ...(launched ? { launched: '1' } : {}),
  });
}

test('the launcher runs a program in place under the pinned runtime', () => {
  assertReport(process.execPath, false);
});

test(
  'the launcher under another Node.js hands over arguments and exit code, and says so',
  needsOther,
  () => {
    assertReport(otherNode ?? '', true);
  },
);

for (const signal of PASSED_ON) {
  test(`the launcher under another Node.js passes ${signal} on`, needsOther, async () => {
    const child = spawn(otherNode ?? '', [launcher, waiter], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    assert.equal(await finish(child, () => child.kill(signal)), `up ${signal} 9`);
  });
}

test('the launcher ends with 128 + number when a signal ended the program', needsOther, () => {
  const suicide = program('suicide.ts', `process.kill(process.pid, 'SIGKILL');`);
  const { status } = spawnSync(otherNode ?? '', [launcher, suicide], { stdio: 'ignore' });
  assert.equal(status, 128 + 9);
});

test('the launcher leaves the compile cache off when the environment says so', () => {
  const { stdout } = spawnSync(process.execPath, [launcher, report], {
    encoding: 'utf8',
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1', NODE_COMPILE_CACHE: '' },
  });
  assert.equal((JSON.parse(stdout) as { cache: string }).cache, '');
});

test('the launcher without a program says how to use it', () => {
  const { status, stderr } = spawnSync(process.execPath, [launcher], { encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /^usage: node base\/launch\.mjs PROGRAM\.ts/);
});

/** A checkout whose node_modules holds the runtime package of this platform at `version`. */
function checkout(name: string, version: string | undefined): string {
  const copy = path.join(directory, name);
  cpSync(launcher, path.join(copy, 'base', 'launch.mjs'));
  cpSync(path.join(root, 'package.json'), path.join(copy, 'package.json'));
  if (version !== undefined) {
    const held = path.join(copy, 'node_modules', `node-${process.platform}-${process.arch}`);
    mkdirSync(path.join(held, 'bin'), { recursive: true });
    writeFileSync(path.join(held, 'package.json'), JSON.stringify({ version }));
    writeFileSync(path.join(held, 'bin', 'node'), '#!/bin/sh\nexit 99\n', { mode: 0o755 });
  }
  return path.join(copy, 'base', 'launch.mjs');
}

for (const [name, version] of [
  ['missing', undefined],
  ['of another version', '20.0.0'],
] as const) {
  test(`a runtime package that is ${name} gives one clear sentence`, needsOther, () => {
    const { status, stderr } = spawnSync(otherNode ?? '', [checkout(name, version), report], {
      encoding: 'utf8',
    });
    assert.equal(status, 1);
    assert.match(
      stderr,
      /^culvert needs Node\.js 26\.\S+ and this is \S+: run `npm ci` in .+\.\n$/,
    );
  });
}

test('the launcher runs a program with the flags that package.json names, given or not', () => {
  const copied = checkout('flagged', undefined);
  const home = path.dirname(path.dirname(copied));
  symlinkSync(path.join(root, 'node_modules'), path.join(home, 'node_modules'));
  const manifest = path.join(home, 'package.json');
  const flags = ['--v8-pool-size=1', '--stack-size=900'];
  const nodeFlagsByProgram = { 'flagged.mjs': flags };
  const held = JSON.parse(readFileSync(manifest, 'utf8')) as object;
  writeFileSync(manifest, JSON.stringify({ ...held, culvert: { nodeFlags: nodeFlagsByProgram } }));
  writeFileSync(
    path.join(home, 'flagged.mjs'),
    'console.log(JSON.stringify([process.execArgv, process.env.CULVERT_LAUNCHED]))',
  );
  const { CULVERT_LAUNCHED: _, ...env } = process.env;
  const run = (...given: string[]): unknown => {
    const args = [...given, copied, 'flagged.mjs'];
    const { stdout } = spawnSync(process.execPath, args, { cwd: home, encoding: 'utf8', env });
    return JSON.parse(stdout);
  };
  assert.deepEqual(run(), [flags, '1'], 'in a second process');
  assert.deepEqual(run(...flags), [flags, null], 'in place');
  assert.deepEqual(nodeFlags('flagged.mjs', home), flags);
  assert.deepEqual(nodeFlags('other.mjs', home), []);
});
