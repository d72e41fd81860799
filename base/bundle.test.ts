import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { moduleOf } from './bundle.mjs';

const root = path.dirname(import.meta.dirname);
const folder = mkdtempSync(path.join(tmpdir(), 'culvert-bundle-'));
after(() => rmSync(folder, { recursive: true }));

/** A checkout of a program of two files that starts a thread and lazily loads a third. */
function checkout(name: string, packages = true): string {
  const copy = path.join(folder, name);
  for (const file of ['launch.mjs', 'bundle.mjs', 'bundle']) {
    cpSync(path.join(root, 'base', file), path.join(copy, 'base', file), { recursive: true });
  }
  const held = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as object;
  const culvert = { bundle: ['a/main.ts', 'a/thread.ts'] };
  writeFileSync(path.join(copy, 'package.json'), JSON.stringify({ ...held, culvert }));
  writeFileSync(path.join(copy, 'package-lock.json'), '{}');
  mkdirSync(path.join(copy, 'a'));
  const files = {
    'main.ts': `import { Worker } from 'node:worker_threads';
      import { said } from './said.ts';
      const worker = new Worker(new URL('./thread.ts', import.meta.url));
      worker.once('message', async (from: string) => {
        const { late } = await import('./late.ts');
        console.log(JSON.stringify({ said, late, from, own: import.meta.url, argv: process.argv[1] }));
      });`,
    'said.ts': `export const said: string = 'first';`,
    'late.ts': `export const late: number = 7;`,
    'thread.ts': `import { parentPort } from 'node:worker_threads';
      parentPort?.postMessage(new Error().stack ?? '');`,
  };
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(path.join(copy, 'a', file), text);
  }
  if (packages) symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'));
  return copy;
}

interface Said {
  readonly said: string;
  readonly late: number;
  /** Stack of the thread. */
  readonly from: string;
  readonly own: string;
  readonly argv: string;
}

const { CULVERT_BUNDLE: _, NODE_V8_COVERAGE: __, ...ENV } = process.env;

function run(at: string, env: NodeJS.ProcessEnv = {}): Said {
  const args = [path.join(at, 'base', 'launch.mjs'), 'a/main.ts'];
  const { stderr, stdout } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    env: { ...ENV, ...env },
  });
  assert.notEqual(stdout, '', stderr);
  return JSON.parse(stdout) as Said;
}

const bundles = (at: string): string[] =>
  readdirSync(path.join(at, '.bundle')).filter((name) => /^[0-9a-f]{16}$/.test(name));

test('a program runs from its bundle, threads and lazy imports too, and knows its own place', () => {
  const at = checkout('runs');
  const main = path.join(at, 'a', 'main.ts');
  const { from, ...rest } = run(at);
  const own = pathToFileURL(main).href;
  assert.deepEqual(rest, { said: 'first', late: 7, own, argv: main });
  assert.match(from, /\/\.bundle\/[0-9a-f]{16}\/a-thread\.mjs/);
});

test('a bundle is made again when a source has changed, and only then', () => {
  const at = checkout('changes');
  run(at);
  const [made = ''] = bundles(at);
  const manifest = path.join(at, '.bundle', 'manifest.json');
  const { ino } = statSync(manifest);
  utimesSync(path.join(at, 'a', 'said.ts'), 1, 1);
  assert.equal(run(at).said, 'first');
  assert.equal(statSync(manifest).ino, ino, 'other times, the same bytes');
  writeFileSync(path.join(at, 'a', 'said.ts'), `export const said: string = 'other';`);
  assert.equal(run(at).said, 'other');
  assert.equal(bundles(at).length, 2, 'the old one may be in use');
  utimesSync(path.join(at, '.bundle', made), 1, 1);
  writeFileSync(path.join(at, 'a', 'said.ts'), `export const said: string = 'third';`);
  assert.equal(run(at).said, 'third');
  assert.equal(bundles(at).includes(made), false, 'a week later it is not');
});

test('a bundle that is gone or of garbage is made again', () => {
  const at = checkout('gone');
  run(at);
  for (const name of bundles(at)) rmSync(path.join(at, '.bundle', name), { recursive: true });
  assert.match(run(at).from, /\.bundle/);
  writeFileSync(path.join(at, '.bundle', 'manifest.json'), '{"directory":');
  assert.match(run(at).from, /\.bundle/);
});

test('without a bundler, or told so, a program runs from its sources', () => {
  const bare = checkout('bare', false);
  assert.match(run(bare).from, /\/a\/thread\.ts/);
  const at = checkout('off');
  assert.match(run(at, { CULVERT_BUNDLE: 'off' }).from, /\/a\/thread\.ts/);
});

test('a broken source tells of itself', () => {
  const at = checkout('broken');
  run(at);
  writeFileSync(path.join(at, 'a', 'said.ts'), 'export const said: = 1;');
  const args = [path.join(at, 'base', 'launch.mjs'), 'a/main.ts'];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env: ENV });
  assert.notEqual(status, 0);
  assert.match(stderr, /a\/said\.ts/);
});

test('starts at the same time make one bundle, whole', async () => {
  const at = checkout('many');
  const module = JSON.stringify(pathToFileURL(path.join(at, 'base', 'bundle.mjs')).href);
  const asked = `moduleOf(${JSON.stringify(at)}, 'a/main.ts')`;
  const script = `import(${module}).then(({ moduleOf }) => console.log(${asked}))`;
  const starts = Array.from({ length: 4 }, () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const child = spawn(process.execPath, ['-e', script], { env: ENV });
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('close', () => resolve(said.trim()));
    return promise;
  });
  const urls = new Set(await Promise.all(starts));
  assert.equal(urls.size, 1);
  assert.match([...urls].join(), /\.bundle\/[0-9a-f]{16}\/a-main\.mjs$/);
  assert.deepEqual(readdirSync(path.join(at, '.bundle')).toSorted(), [
    ...bundles(at),
    'manifest.json',
  ]);
});

test('the programs of this tree are bundled, with their thread', { skip: off() }, () => {
  const url = moduleOf(root, 'proxy/main.ts');
  assert.match(url, /\.bundle/);
  const beside = path.dirname(fileURLToPath(url));
  const text = readdirSync(beside)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => readFileSync(path.join(beside, name), 'utf8'))
    .join('');
  assert.match(text, /new URL\("\.\/proxy-worker\.mjs", import\.meta\.url\)/);
  assert.doesNotMatch(text, /^import .* from "(?!node:|\.\/)[^"]*\.ts"/m);
});

function off(): string | false {
  return process.env['CULVERT_BUNDLE'] === 'off' || process.env['NODE_V8_COVERAGE'] !== undefined
    ? 'bundles are off'
    : false;
}
