import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { addSlowdown } from './slowdown.ts';
import { addWorktree, commitOf, mergeBase } from './worktree.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

function git(root: string, ...args: readonly string[]): string {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.test'];
  return execFileSync('git', [...identity, ...args], { cwd: root, encoding: 'utf8' }).trim();
}

/** A repository with one commit, and packages. */
function repository(t: TestContext): string {
  const root = mkdtempSync(path.join(tmpdir(), 'culvert-worktree-test-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  git(root, 'init', '--quiet', '--initial-branch=main');
  writeFileSync(path.join(root, 'package.json'), '{"dependencies":{}}');
  mkdirSync(path.join(root, 'node_modules', 'one'), { recursive: true });
  mkdirSync(path.join(root, 'node_modules', '.cache'));
  commit(root, 'one');
  return root;
}

function commit(root: string, text: string): string {
  writeFileSync(path.join(root, 'file'), text);
  git(root, 'add', 'file', 'package.json');
  git(root, 'commit', '--quiet', '-m', text);
  return git(root, 'rev-parse', 'HEAD');
}

test('mergeBase of a tree without remote is the commit before, or HEAD of a changed tree', (t) => {
  const root = repository(t);
  assert.equal(mergeBase(root), undefined);
  const first = commitOf(root, 'HEAD');
  const second = commit(root, 'two');
  assert.equal(mergeBase(root), first);
  writeFileSync(path.join(root, 'file'), 'changed');
  assert.equal(mergeBase(root), second);
});

test('mergeBase on main is the last commit before that recorded results', (t) => {
  const root = repository(t);
  const results = path.join(root, 'bench', 'results');
  mkdirSync(results, { recursive: true });
  writeFileSync(path.join(results, '2026-01.ndjson'), '{}');
  git(root, 'add', 'bench');
  const recorded = commit(root, 'two');
  assert.equal(mergeBase(root), commitOf(root, 'HEAD^'));
  commit(root, 'three');
  commit(root, 'four');
  assert.equal(mergeBase(root), recorded);
});

test('mergeBase of a branch is where it left origin/main', (t) => {
  const root = repository(t);
  const left = commitOf(root, 'HEAD');
  git(root, 'update-ref', 'refs/remotes/origin/main', 'HEAD');
  commit(root, 'two');
  commit(root, 'three');
  assert.equal(mergeBase(root), left);
});

test('commitOf knows no revision that is not there', (t) => {
  assert.equal(commitOf(repository(t), 'nowhere'), undefined);
});

test('addWorktree checks out beside the tree, shares equal packages, and leaves nothing', (t) => {
  const root = repository(t);
  const first = commitOf(root, 'HEAD') ?? '';
  commit(root, 'two');
  const worktree = addWorktree(root, first);
  t.after(() => worktree.remove());
  assert.equal(readFileSync(path.join(worktree.root, 'file'), 'utf8'), 'one');
  const packages = path.join(worktree.root, 'node_modules');
  assert.deepEqual(readdirSync(packages), ['one']);
  assert.ok(lstatSync(path.join(packages, 'one')).isSymbolicLink());
  worktree.remove();
  assert.equal(existsSync(path.dirname(worktree.root)), false);
  assert.equal(git(root, 'worktree', 'list').split('\n').length, 1);
});

test('addSlowdown finds its one place in the tree of today, and sets the work anew', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'culvert-slowdown-test-'));
  t.after(() => rmSync(root, { recursive: true }));
  const file = 'proxy/attempt/exchanges.ts';
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
  writeFileSync(path.join(root, file), readFileSync(path.join(ROOT, file)));
  addSlowdown(root, 2_000);
  addSlowdown(root, 3_000);
  const slower = readFileSync(path.join(root, file), 'utf8');
  assert.match(slower, /i < 3000; /);
  assert.doesNotMatch(slower, /i < 2000; /);
  writeFileSync(path.join(root, file), '');
  assert.throws(() => addSlowdown(root, 2), /mend slowdown\.ts/);
});
